#include "codecs/dicom/writer.h"

#include <cassert>

namespace hilum::dicom {
namespace {

constexpr size_t kLongestShortValue = 0xFFFE, kLongestValue = 0xFFFFFFFE;
// A fixed UID below 2.25 that names this implementation (PS3.10 7.1).
constexpr std::string_view kImplementationClassUid = "2.25.118230964570418205340921830175012345601";

}  // namespace

void AppendElement(std::string* out, Tag tag, Vr vr, Bytes value) {
  const size_t padded = value.size() + value.size() % 2;
  AppendLe<uint16_t>(out, tag.group);
  AppendLe<uint16_t>(out, tag.element);
  assert(padded <= kLongestValue);
  if (!vr.has_long_length() && padded <= kLongestShortValue) {
    out->append(vr.text());
    AppendLe<uint16_t>(out, static_cast<uint16_t>(padded));
  } else {
    out->append(vr.has_long_length() ? vr.text() : "UN");
    AppendLe<uint16_t>(out, 0);
    AppendLe<uint32_t>(out, static_cast<uint32_t>(padded));
  }
  out->append(value);
  const bool zero_padded = vr == Vr("UI") || vr.is_bulk();  // PS3.5 6.2
  if (padded != value.size()) out->push_back(zero_padded ? '\0' : ' ');
}

Part10Writer::Part10Writer(std::string_view sop_class_uid, std::string_view sop_instance_uid,
                           std::string_view transfer_syntax) {
  std::string meta;
  AppendElement(&meta, {0x0002, 0x0001}, Vr("OB"), Bytes("\0\1", 2));
  AppendElement(&meta, tags::kMediaStorageSopClassUid, Vr("UI"), sop_class_uid);
  AppendElement(&meta, tags::kMediaStorageSopInstanceUid, Vr("UI"), sop_instance_uid);
  AppendElement(&meta, tags::kTransferSyntaxUid, Vr("UI"), transfer_syntax);
  AppendElement(&meta, {0x0002, 0x0012}, Vr("UI"), kImplementationClassUid);
  std::string length;
  AppendLe<uint32_t>(&length, static_cast<uint32_t>(meta.size()));
  file_.assign(128, '\0');
  file_.append("DICM");
  AppendElement(&file_, {0x0002, 0x0000}, Vr("UL"), length);
  file_.append(meta);
  last_ = {0x0002, 0xFFFF};
}

void Part10Writer::Add(Tag tag, Vr vr, Bytes value) {
  assert(tag > last_);
  last_ = tag;
  AppendElement(&file_, tag, vr, value);
}

void Part10Writer::AddUint16(Tag tag, uint16_t value) {
  std::string bytes;
  AppendLe(&bytes, value);
  Add(tag, Vr("US"), bytes);
}

void Part10Writer::AddFragments(Tag tag, std::span<const Bytes> fragments) {
  assert(tag > last_);
  last_ = tag;
  const auto append = [&](Tag item, size_t bytes) {
    AppendLe<uint16_t>(&file_, item.group);
    AppendLe<uint16_t>(&file_, item.element);
    AppendLe<uint32_t>(&file_, static_cast<uint32_t>(bytes));
  };
  AppendLe<uint16_t>(&file_, tag.group);
  AppendLe<uint16_t>(&file_, tag.element);
  file_.append("OB\0\0\xFF\xFF\xFF\xFF", 8);
  append(tags::kItem, 0);
  for (const Bytes fragment : fragments) {
    append(tags::kItem, fragment.size() + fragment.size() % 2);
    file_.append(fragment);
    if (fragment.size() % 2 != 0) file_.push_back('\0');
  }
  append(tags::kSequenceDelimitation, 0);
}

std::string Part10Writer::Take() {
  return std::move(file_);
}

}  // namespace hilum::dicom
