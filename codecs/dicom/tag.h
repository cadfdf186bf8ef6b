// DICOM tags and value representations (PS3.5 6.2). Values, thread-safe.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hilum::dicom {

struct Tag {
  uint16_t group = 0;
  uint16_t element = 0;

  constexpr Tag() = default;
  constexpr Tag(uint16_t g, uint16_t e) : group(g), element(e) {}
  constexpr explicit Tag(uint32_t packed) : group(packed >> 16), element(packed & 0xFFFF) {}
  constexpr uint32_t packed() const { return static_cast<uint32_t>(group) << 16 | element; }
  constexpr bool is_private() const { return group & 1; }
  constexpr auto operator<=>(const Tag&) const = default;
};

// "0020000D", as in DICOM JSON.
std::string ToHex(Tag tag);
void WriteHex(Tag tag, char* to);  // the same eight characters
// "(0020,000D)", for messages.
std::string ToString(Tag tag);
// Eight hexadecimal digits.
std::optional<Tag> ParseHexTag(std::string_view text);

// A value representation as its two letters; Vr{} is "no VR".
struct Vr {
  char a = 0;
  char b = 0;
  constexpr Vr() = default;
  constexpr Vr(const char (&code)[3]) : a(code[0]), b(code[1]) {}  // NOLINT: Vr("PN") reads as what it is
  constexpr Vr(char first, char second) : a(first), b(second) {}
  constexpr bool operator==(const Vr&) const = default;
  std::string_view text() const { return {&a, 2}; }
  bool known() const;             // one of PS3.5 table 6.2-1
  bool has_long_length() const;   // 32-bit length in explicit syntax (PS3.5 7.1.2)
  bool is_text() const;           // characters, depending on Specific Character Set or not
  bool uses_charset() const;      // LO LT PN SH ST UC UT
  bool is_binary_number() const;  // US SS UL SL FL FD UV SV AT
  bool is_bulk() const;           // OB OD OF OL OV OW UN
  size_t number_size() const;     // bytes of one binary number (AT: 4), 0 for others
};

// Where PS3.6 allows several value representations.
enum class VrChoice : uint8_t { kOne, kUsOrSs /* by Pixel Representation */, kObOrOw, kUsOrOw };

// From the data dictionary (generated from PS3.6).
struct DictionaryEntry {
  Tag tag;                   // of repeating groups the first one: (6000,3000) for (6002,3000)
  Vr vr;                     // the first one where PS3.6 allows several
  std::string_view keyword;  // "StudyInstanceUID"
  VrChoice choice = VrChoice::kOne;
};
// Repeating groups (50xx, 60xx) are found too; nullptr for private and unknown tags.
const DictionaryEntry* FindTag(Tag tag);
const DictionaryEntry* FindKeyword(std::string_view keyword);

namespace tags {
inline constexpr Tag kMetaInformationVersion{0x0002, 0x0001}, kMediaStorageSopClassUid{0x0002, 0x0002},
    kMediaStorageSopInstanceUid{0x0002, 0x0003}, kTransferSyntaxUid{0x0002, 0x0010},
    kImplementationClassUid{0x0002, 0x0012};
inline constexpr Tag kSpecificCharacterSet{0x0008, 0x0005}, kSopClassUid{0x0008, 0x0016},
    kSopInstanceUid{0x0008, 0x0018};
inline constexpr Tag kStudyDate{0x0008, 0x0020}, kStudyTime{0x0008, 0x0030}, kAccessionNumber{0x0008, 0x0050},
    kModality{0x0008, 0x0060};
inline constexpr Tag kModalitiesInStudy{0x0008, 0x0061}, kSopClassesInStudy{0x0008, 0x0062},
    kReferringPhysicianName{0x0008, 0x0090};
inline constexpr Tag kTimezoneOffsetFromUtc{0x0008, 0x0201}, kInstanceAvailability{0x0008, 0x0056},
    kRetrieveUrl{0x0008, 0x1190};
inline constexpr Tag kStudyDescription{0x0008, 0x1030}, kSeriesDescription{0x0008, 0x103E},
    kManufacturerModelName{0x0008, 0x1090};
inline constexpr Tag kPatientName{0x0010, 0x0010}, kPatientId{0x0010, 0x0020}, kIssuerOfPatientId{0x0010, 0x0021},
    kPatientBirthDate{0x0010, 0x0030};
inline constexpr Tag kPatientSex{0x0010, 0x0040}, kBodyPartExamined{0x0018, 0x0015};
inline constexpr Tag kStudyInstanceUid{0x0020, 0x000D}, kSeriesInstanceUid{0x0020, 0x000E}, kStudyId{0x0020, 0x0010},
    kSeriesNumber{0x0020, 0x0011};
inline constexpr Tag kInstanceNumber{0x0020, 0x0013};
inline constexpr Tag kNumberOfPatientRelatedStudies{0x0020, 0x1200};
inline constexpr Tag kNumberOfStudyRelatedSeries{0x0020, 0x1206}, kNumberOfStudyRelatedInstances{0x0020, 0x1208},
    kNumberOfSeriesRelatedInstances{0x0020, 0x1209};
inline constexpr Tag kSamplesPerPixel{0x0028, 0x0002}, kPhotometricInterpretation{0x0028, 0x0004},
    kNumberOfFrames{0x0028, 0x0008};
inline constexpr Tag kPlanarConfiguration{0x0028, 0x0006}, kRows{0x0028, 0x0010}, kColumns{0x0028, 0x0011};
inline constexpr Tag kBitsAllocated{0x0028, 0x0100}, kBitsStored{0x0028, 0x0101}, kHighBit{0x0028, 0x0102},
    kPixelRepresentation{0x0028, 0x0103};
inline constexpr Tag kLossyImageCompression{0x0028, 0x2110}, kLossyImageCompressionRatio{0x0028, 0x2112},
    kLossyImageCompressionMethod{0x0028, 0x2114};
inline constexpr Tag kPerformedProcedureStepStartDate{0x0040, 0x0244}, kPerformedProcedureStepStartTime{0x0040, 0x0245};
inline constexpr Tag kRequestAttributesSequence{0x0040, 0x0275}, kScheduledProcedureStepId{0x0040, 0x0009},
    kRequestedProcedureId{0x0040, 0x1001};
inline constexpr Tag kPixelData{0x7FE0, 0x0010}, kFloatPixelData{0x7FE0, 0x0008}, kDoubleFloatPixelData{0x7FE0, 0x0009};
inline constexpr Tag kExtendedOffsetTable{0x7FE0, 0x0001}, kExtendedOffsetTableLengths{0x7FE0, 0x0002};
inline constexpr Tag kDataSetTrailingPadding{0xFFFC, 0xFFFC};
inline constexpr uint16_t kItemGroup = 0xFFFE;  // its elements have no VR (PS3.5 7.5)
inline constexpr Tag kItem{kItemGroup, 0xE000}, kItemDelimitation{kItemGroup, 0xE00D},
    kSequenceDelimitation{kItemGroup, 0xE0DD};
}  // namespace tags

// Of whichever kind of number.
constexpr bool IsPixelData(Tag tag) {
  return tag == tags::kPixelData || tag == tags::kFloatPixelData || tag == tags::kDoubleFloatPixelData;
}
// What tells of an encoding, not of the instance: group lengths, commands, File Meta Information, padding.
constexpr bool IsEncoding(Tag tag) {
  return tag.element == 0 || tag.group == 0x0000 || tag.group == 0x0002 || tag == tags::kDataSetTrailingPadding;
}

}  // namespace hilum::dicom
