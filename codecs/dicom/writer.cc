#include "codecs/dicom/writer.h"

#include <cassert>

#include "codecs/dicom/byte_order.h"

namespace hilum::dicom {
namespace {

constexpr size_t kLongestShortValue = 0xFFFE, kLongestValue = 0xFFFFFFFE;

}  // namespace

char PaddingOf(Vr vr) {
  return vr.is_text() && vr != Vr("UI") ? ' ' : '\0';
}

void DataSetWriter::AddItemTag(Tag tag, uint32_t length) {
  AppendLe(out_, tag.group);
  AppendLe(out_, tag.element);
  AppendLe(out_, length);
}

void DataSetWriter::AddHeader(Tag tag, Vr vr, uint32_t length) {
  if (!explicit_vr_) return AddItemTag(tag, length);
  AppendLe(out_, tag.group);
  AppendLe(out_, tag.element);
  if (!vr.known() || (!vr.has_long_length() && length > kLongestShortValue)) vr = Vr("UN");
  out_->append(vr.text());
  if (vr.has_long_length()) {
    AppendLe<uint16_t>(out_, 0);
    AppendLe(out_, length);
  } else {
    AppendLe(out_, static_cast<uint16_t>(length));
  }
}

void DataSetWriter::Add(Tag tag, Vr vr, Bytes value) {
  assert(value.size() <= kLongestValue);
  AddHeader(tag, vr, static_cast<uint32_t>(value.size() + value.size() % 2));
  out_->append(value);
  if (value.size() % 2 != 0) out_->push_back(PaddingOf(vr));
}

void DataSetWriter::Add(const Element& element) {
  if (element.reversed == 1) return Add(element.tag, element.vr, element.value);
  Add(element.tag, element.vr, LittleEndian(element.value, element.reversed));
}

Part10Writer::Part10Writer(std::string_view sop_class_uid, std::string_view sop_instance_uid,
                           std::string_view transfer_syntax) {
  std::string meta;
  DataSetWriter elements(&meta);
  elements.Add(tags::kMetaInformationVersion, Vr("OB"), kMetaInformationVersion);
  elements.Add(tags::kMediaStorageSopClassUid, Vr("UI"), sop_class_uid);
  elements.Add(tags::kMediaStorageSopInstanceUid, Vr("UI"), sop_instance_uid);
  elements.Add(tags::kTransferSyntaxUid, Vr("UI"), transfer_syntax);
  elements.Add(tags::kImplementationClassUid, Vr("UI"), kImplementationClassUid);
  std::string length;
  AppendLe<uint32_t>(&length, static_cast<uint32_t>(meta.size()));
  file_.assign(128, '\0');
  file_.append("DICM");
  DataSetWriter(&file_).Add({0x0002, 0x0000}, Vr("UL"), length);
  file_.append(meta);
  last_ = {0x0002, 0xFFFF};
}

void Part10Writer::Add(Tag tag, Vr vr, Bytes value) {
  assert(tag > last_);
  last_ = tag;
  DataSetWriter(&file_).Add(tag, vr, value);
}

void Part10Writer::AddUint16(Tag tag, uint16_t value) {
  std::string bytes;
  AppendLe(&bytes, value);
  Add(tag, Vr("US"), bytes);
}

void Part10Writer::AddFragments(Tag tag, std::span<const Bytes> fragments) {
  assert(tag > last_);
  last_ = tag;
  DataSetWriter writer(&file_);
  writer.AddHeader(tag, Vr("OB"), UINT32_MAX);
  writer.AddItemTag(tags::kItem, 0);
  for (const Bytes fragment : fragments) {
    writer.AddItemTag(tags::kItem, static_cast<uint32_t>(fragment.size() + fragment.size() % 2));
    file_.append(fragment);
    if (fragment.size() % 2 != 0) file_.push_back('\0');
  }
  writer.AddItemTag(tags::kSequenceDelimitation, 0);
}

std::string Part10Writer::Take() {
  return std::move(file_);
}

}  // namespace hilum::dicom
