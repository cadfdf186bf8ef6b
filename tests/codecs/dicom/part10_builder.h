// Composes DICOM data sets and Part 10 files for tests, in any transfer syntax, valid or deliberately not. Header-only.
//
//   using namespace hilum::dicom::testing;
//   const std::string file = Part10(kExplicitLittle, DataSet(kExplicitLittle)
//       .Text({0x0008, 0x0060}, "CS", "CT")
//       .Sequence({0x0040, 0x0275}, {DataSet(kExplicitLittle).Text({0x0040, 0x0009}, "SH", "A")}));
//   const std::string instance = Instance({.sop_uid = "1.2.3", .rows = 4, .columns = 4});
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "codecs/dicom/tag.h"

namespace hilum::dicom::testing {

struct Encoding {
  std::string_view uid;
  bool explicit_vr;
  bool big_endian;
};
inline constexpr Encoding kImplicitLittle{"1.2.840.10008.1.2", false, false};
inline constexpr Encoding kExplicitLittle{"1.2.840.10008.1.2.1", true, false};
inline constexpr Encoding kExplicitBig{"1.2.840.10008.1.2.2", true, true};
inline constexpr Encoding kJpegBaseline{"1.2.840.10008.1.2.4.50", true, false};
inline constexpr Encoding kJpeg2000{"1.2.840.10008.1.2.4.90", true, false};
inline constexpr Encoding kRle{"1.2.840.10008.1.2.5", true, false};

inline constexpr uint32_t kUndefined = 0xFFFFFFFF;

// The bytes of a data set or item. Elements stand in the order they are added.
class DataSet {
 public:
  explicit DataSet(Encoding encoding = kExplicitLittle) : encoding_(encoding) {}

  // Any element header: `length` is written as given, whatever follows.
  DataSet& Header(Tag tag, Vr vr, uint32_t length) {
    Append<uint16_t>(tag.group);
    Append<uint16_t>(tag.element);
    if (!encoding_.explicit_vr || tag.group == 0xFFFE) {
      Append<uint32_t>(length);
    } else if (vr.has_long_length()) {
      bytes_.append(vr.text()).append(2, '\0');
      Append<uint32_t>(length);
    } else {
      bytes_.append(vr.text());
      Append<uint16_t>(static_cast<uint16_t>(length));
    }
    return *this;
  }
  DataSet& Raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  // The value as it is; an odd one stays odd.
  DataSet& Raw(Tag tag, Vr vr, std::string_view value) {
    return Header(tag, vr, static_cast<uint32_t>(value.size())).Raw(value);
  }
  // Padded to an even length, as PS3.5 6.2 wants it.
  DataSet& Text(Tag tag, Vr vr, std::string_view value) {
    std::string padded(value);
    if (padded.size() % 2 != 0) padded.push_back(vr == Vr("UI") || vr == Vr("OB") ? '\0' : ' ');
    return Raw(tag, vr, padded);
  }
  // Binary numbers of the VR's size (US SS UL SL UV SV AT; FL and FD by their bits).
  DataSet& Numbers(Tag tag, Vr vr, std::initializer_list<uint64_t> values) {
    DataSet value(encoding_);
    for (const uint64_t number : values) {
      if (vr == Vr("AT"))
        value.Append<uint16_t>(number >> 16).Append<uint16_t>(static_cast<uint16_t>(number));
      else if (vr.number_size() == 2)
        value.Append<uint16_t>(static_cast<uint16_t>(number));
      else if (vr.number_size() == 4)
        value.Append<uint32_t>(static_cast<uint32_t>(number));
      else
        value.Append<uint64_t>(number);
    }
    return Raw(tag, vr, value.bytes_);
  }

  enum class Lengths { kDefined, kUndefined };
  DataSet& Sequence(Tag tag, const std::vector<DataSet>& items, Lengths lengths = Lengths::kDefined) {
    const bool defined = lengths == Lengths::kDefined;
    DataSet content(encoding_);
    for (const DataSet& item : items) {
      content.Header(tags::kItem, Vr(), defined ? static_cast<uint32_t>(item.bytes_.size()) : kUndefined);
      content.Raw(item.bytes_);
      if (!defined) content.Header(tags::kItemDelimitation, Vr(), 0);
    }
    Header(tag, "SQ", defined ? static_cast<uint32_t>(content.bytes_.size()) : kUndefined).Raw(content.bytes_);
    return defined ? *this : Header(tags::kSequenceDelimitation, Vr(), 0);
  }
  // Encapsulated Pixel Data: the first string is the Basic Offset Table.
  DataSet& Fragments(const std::vector<std::string>& fragments) {
    Header(tags::kPixelData, "OB", kUndefined);
    for (const std::string& fragment : fragments) {
      Header(tags::kItem, Vr(), static_cast<uint32_t>(fragment.size())).Raw(fragment);
    }
    return Header(tags::kSequenceDelimitation, Vr(), 0);
  }

  const std::string& bytes() const { return bytes_; }
  Encoding encoding() const { return encoding_; }

 private:
  template <typename T>
  DataSet& Append(T value) {
    if (encoding_.big_endian)
      AppendBe<T>(&bytes_, value);
    else
      AppendLe<T>(&bytes_, value);
    return *this;
  }

  Encoding encoding_;
  std::string bytes_;
};

// Group 0002 with a right group length. Without a UID there is no Transfer Syntax UID element.
inline std::string FileMeta(std::string_view transfer_syntax, std::string_view sop_class = "1.2.840.10008.5.1.4.1.1.2",
                            std::string_view sop_uid = "1.2.3.4") {
  DataSet rest(kExplicitLittle);
  rest.Raw({0x0002, 0x0001}, "OB", std::string_view("\0\1", 2));
  rest.Text(tags::kMediaStorageSopClassUid, "UI", sop_class).Text(tags::kMediaStorageSopInstanceUid, "UI", sop_uid);
  if (!transfer_syntax.empty()) rest.Text(tags::kTransferSyntaxUid, "UI", transfer_syntax);
  rest.Text({0x0002, 0x0012}, "UI", "1.2.3.4.5");
  return DataSet(kExplicitLittle).Numbers({0x0002, 0x0000}, "UL", {rest.bytes().size()}).bytes() + rest.bytes();
}

inline std::string Part10(std::string_view transfer_syntax, std::string_view data_set) {
  return std::string(128, '\0').append("DICM").append(FileMeta(transfer_syntax)).append(data_set);
}
inline std::string Part10(const DataSet& data_set) {
  return Part10(data_set.encoding().uid, data_set.bytes());
}

// What an instance is made of; every field has a usable default.
struct InstanceSpec {
  Encoding encoding = kExplicitLittle;
  std::string sop_class_uid = "1.2.840.10008.5.1.4.1.1.2";
  std::string study_uid = "1.2.826.0.1.1", series_uid = "1.2.826.0.1.1.1", sop_uid = "1.2.826.0.1.1.1.1";
  std::string patient_id = "P1", patient_name = "Doe^Jane", modality = "CT", study_date = "20240131", accession = "A1";
  std::string instance_number = "1";
  uint16_t rows = 4, columns = 4, bits_allocated = 16;
  uint32_t frames = 1;
  // Native Pixel Data of rows * columns * frames; other bytes when not empty.
  std::string pixels = {};
  // Encapsulated Pixel Data when not empty: Basic Offset Table, then fragments.
  std::vector<std::string> fragments = {};
  // Added between (0028,xxxx) and the pixel data, in the encoding of the instance.
  std::string extra = {};
};

// The data set of a small, valid CT-like instance.
inline DataSet InstanceDataSet(const InstanceSpec& spec) {
  DataSet set(spec.encoding);
  set.Text(tags::kSpecificCharacterSet, "CS", "ISO_IR 192");
  set.Text(tags::kSopClassUid, "UI", spec.sop_class_uid).Text(tags::kSopInstanceUid, "UI", spec.sop_uid);
  set.Text(tags::kStudyDate, "DA", spec.study_date).Text(tags::kStudyTime, "TM", "101500");
  set.Text(tags::kAccessionNumber, "SH", spec.accession).Text(tags::kModality, "CS", spec.modality);
  set.Text(tags::kReferringPhysicianName, "PN", "Ref^Physician");
  set.Text(tags::kPatientName, "PN", spec.patient_name).Text(tags::kPatientId, "LO", spec.patient_id);
  set.Text(tags::kPatientBirthDate, "DA", "19700101").Text(tags::kPatientSex, "CS", "F");
  set.Text(tags::kStudyInstanceUid, "UI", spec.study_uid).Text(tags::kSeriesInstanceUid, "UI", spec.series_uid);
  set.Text(tags::kStudyId, "SH", "S1").Text(tags::kSeriesNumber, "IS", "2");
  set.Text(tags::kInstanceNumber, "IS", spec.instance_number);
  set.Numbers(tags::kSamplesPerPixel, "US", {1}).Text(tags::kPhotometricInterpretation, "CS", "MONOCHROME2");
  if (spec.frames != 1) set.Text(tags::kNumberOfFrames, "IS", std::to_string(spec.frames));
  set.Numbers(tags::kRows, "US", {spec.rows}).Numbers(tags::kColumns, "US", {spec.columns});
  set.Numbers(tags::kBitsAllocated, "US", {spec.bits_allocated});
  set.Raw(spec.extra);
  if (!spec.fragments.empty()) return set.Fragments(spec.fragments);
  std::string pixels = spec.pixels;
  if (pixels.empty()) {
    const uint64_t bits = uint64_t{spec.rows} * spec.columns * spec.bits_allocated * spec.frames;
    for (uint64_t i = 0; i < (bits + 7) / 8; ++i) pixels.push_back(static_cast<char>(i * 31));
  }
  return set.Text(tags::kPixelData, spec.encoding.explicit_vr && spec.bits_allocated <= 8 ? "OB" : "OW", pixels);
}

inline std::string Instance(const InstanceSpec& spec = {}) {
  return std::string(128, '\0').append("DICM").append(FileMeta(spec.encoding.uid, spec.sop_class_uid, spec.sop_uid)) +
         InstanceDataSet(spec).bytes();
}

}  // namespace hilum::dicom::testing
