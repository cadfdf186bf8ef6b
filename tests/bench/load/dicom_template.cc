#include "tests/bench/load/dicom_template.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/bytes.h"
#include "codecs/dicom/writer.h"

namespace hilum::load {

namespace {

// Placeholders of the length of what replaces them.
const std::string kStudy = "2.25.1000000000.1000.1000000.1000000.1000000";
const std::string kSeries = "2.25.1000000000.1000.1000000.1000001.1000000";
const std::string kInstance = "2.25.1000000000.1000.1000000.1000001.1000001";
const std::string kNumber = "99999999";
const std::string kPatient = "LOAD-0000-0000000";

std::string Uid(const DicomTemplate::Identity& id, uint64_t series, uint64_t instance) {
  char text[80];
  // Every component has a fixed number of digits and no leading zero.
  const int length = std::snprintf(text, sizeof(text), "2.25.%010llu.%04llu.%07llu.%07llu.%07llu",
                                   1'000'000'000ULL + id.run % 9'000'000'000ULL, 1'000ULL + id.client % 9'000,
                                   1'000'000ULL + id.study % 9'000'000, 1'000'000ULL + series % 9'000'000,
                                   1'000'000ULL + instance % 9'000'000);
  return std::string(text, static_cast<size_t>(length));
}

std::vector<size_t> Occurrences(const std::string& text, const std::string& what) {
  std::vector<size_t> at;
  for (size_t i = text.find(what); i != std::string::npos; i = text.find(what, i + 1)) at.push_back(i);
  return at;
}

struct Geometry {
  uint64_t side;
  uint64_t frames;
};

// Squares of 512 pixels for anything from half a megabyte on, one smaller square below.
Geometry GeometryFor(uint64_t pixel_bytes) {
  constexpr uint64_t kFrame = 512 * 512 * 2;
  if (pixel_bytes >= kFrame) return {512, (pixel_bytes + kFrame / 2) / kFrame};
  return {std::max<uint64_t>(1, static_cast<uint64_t>(std::sqrt(static_cast<double>(pixel_bytes) / 2))), 1};
}

// Attributes of a CT slice as scanners write them.
std::string MakeHeader(const Geometry& geometry) {
  using dicom::Vr;
  const std::string sop_class =
      geometry.frames == 1 ? "1.2.840.10008.5.1.4.1.1.2" : "1.2.840.10008.5.1.4.1.1.7.3";  // multi-frame grayscale word
  dicom::Part10Writer out(sop_class, kInstance);
  const auto add = [&](uint16_t group, uint16_t element, const char(&vr)[3], Bytes value) {
    out.Add({group, element}, Vr(vr), value);
  };
  const auto number = [&](uint16_t group, uint16_t element, uint64_t value) {
    out.AddUint16({group, element}, static_cast<uint16_t>(value));
  };
  add(0x0008, 0x0005, "CS", "ISO_IR 100");
  add(0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL");
  add(0x0008, 0x0012, "DA", "20240131");
  add(0x0008, 0x0013, "TM", "101530.123000");
  add(0x0008, 0x0016, "UI", sop_class);
  add(0x0008, 0x0018, "UI", kInstance);
  add(0x0008, 0x0020, "DA", "20240131");
  add(0x0008, 0x0021, "DA", "20240131");
  add(0x0008, 0x0022, "DA", "20240131");
  add(0x0008, 0x0023, "DA", "20240131");
  add(0x0008, 0x0030, "TM", "101502.000000");
  add(0x0008, 0x0031, "TM", "101510.500000");
  add(0x0008, 0x0032, "TM", "101512.250000");
  add(0x0008, 0x0033, "TM", "101530.123000");
  add(0x0008, 0x0050, "SH", "A-2024-0131");
  add(0x0008, 0x0060, "CS", "CT");
  add(0x0008, 0x0070, "LO", "Phantom Scanners");
  add(0x0008, 0x0080, "LO", "Institute of Load Tests");
  add(0x0008, 0x0081, "ST", "1 Loop Road");
  add(0x0008, 0x0090, "PN", "Referrer^Rita");
  add(0x0008, 0x1010, "SH", "CT01");
  add(0x0008, 0x1030, "LO", "CT thorax and abdomen");
  add(0x0008, 0x103E, "LO", "Axial 1.0 mm soft tissue");
  add(0x0008, 0x1050, "PN", "Performer^Paul");
  add(0x0008, 0x1070, "PN", "Operator^Olga");
  add(0x0008, 0x1090, "LO", "Phantom 64");
  add(0x0010, 0x0010, "PN", "Load^Test");
  add(0x0010, 0x0020, "LO", kPatient);
  add(0x0010, 0x0030, "DA", "19600229");
  add(0x0010, 0x0040, "CS", "O");
  add(0x0010, 0x1010, "AS", "063Y");
  add(0x0010, 0x1020, "DS", "1.75");
  add(0x0010, 0x1030, "DS", "72.5");
  add(0x0018, 0x0015, "CS", "CHEST");
  add(0x0018, 0x0022, "CS", "HELICAL MODE");
  add(0x0018, 0x0050, "DS", "1.000000");
  add(0x0018, 0x0060, "DS", "120");
  add(0x0018, 0x0090, "DS", "500.000000");
  add(0x0018, 0x1000, "LO", "SN-12345");
  add(0x0018, 0x1020, "LO", "7.1.4");
  add(0x0018, 0x1030, "LO", "Thorax routine");
  add(0x0018, 0x1100, "DS", "360.000000");
  add(0x0018, 0x1110, "DS", "949.147");
  add(0x0018, 0x1111, "DS", "541.000");
  add(0x0018, 0x1120, "DS", "0.000000");
  add(0x0018, 0x1130, "DS", "147.200000");
  add(0x0018, 0x1140, "CS", "CW");
  add(0x0018, 0x1150, "IS", "570");
  add(0x0018, 0x1151, "IS", "210");
  add(0x0018, 0x1152, "IS", "120");
  add(0x0018, 0x1160, "SH", "BODY FILTER");
  add(0x0018, 0x1170, "IS", "25200");
  add(0x0018, 0x1190, "DS", "0.7");
  add(0x0018, 0x1210, "SH", "STANDARD");
  add(0x0018, 0x5100, "CS", "FFS");
  add(0x0020, 0x000D, "UI", kStudy);
  add(0x0020, 0x000E, "UI", kSeries);
  add(0x0020, 0x0010, "SH", "4711");
  add(0x0020, 0x0011, "IS", "2");
  add(0x0020, 0x0012, "IS", "1");
  add(0x0020, 0x0013, "IS", kNumber);
  add(0x0020, 0x0032, "DS", "-180.000000\\-180.000000\\-104.500000");
  add(0x0020, 0x0037, "DS", "1.000000\\0.000000\\0.000000\\0.000000\\1.000000\\0.000000");
  add(0x0020, 0x0052, "UI", "2.25.1000000001.1");
  add(0x0020, 0x1040, "LO", "SN");
  add(0x0020, 0x1041, "DS", "-104.500000");
  number(0x0028, 0x0002, 1);
  add(0x0028, 0x0004, "CS", "MONOCHROME2");
  if (geometry.frames > 1) add(0x0028, 0x0008, "IS", std::to_string(geometry.frames));
  number(0x0028, 0x0010, geometry.side);
  number(0x0028, 0x0011, geometry.side);
  add(0x0028, 0x0030, "DS", "0.703125\\0.703125");
  number(0x0028, 0x0100, 16);
  number(0x0028, 0x0101, 12);
  number(0x0028, 0x0102, 11);
  number(0x0028, 0x0103, 0);
  add(0x0028, 0x1050, "DS", "40");
  add(0x0028, 0x1051, "DS", "400");
  add(0x0028, 0x1052, "DS", "-1024");
  add(0x0028, 0x1053, "DS", "1");
  add(0x0028, 0x1054, "LO", "HU");
  return out.Take();
}

}  // namespace

DicomTemplate::DicomTemplate(uint64_t bytes) {
  const uint64_t overhead = MakeHeader({1, 1}).size() + 12;
  const Geometry geometry = GeometryFor(bytes > overhead ? bytes - overhead : 0);
  const uint64_t pixel_bytes = geometry.side * geometry.side * 2 * geometry.frames;
  header_ = MakeHeader(geometry);
  header_.append("\xE0\x7F\x10\x00OW\0\0", 8);
  AppendLe<uint32_t>(&header_, static_cast<uint32_t>(pixel_bytes));
  pixels_.resize(pixel_bytes);
  uint64_t state = 1;  // twelve-bit noise from a linear congruence: not compressible to nothing, and quick to make
  for (uint64_t i = 0; i + 1 < pixel_bytes; i += 2) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    pixels_[i] = static_cast<char>(state >> 40);
    pixels_[i + 1] = static_cast<char>(state >> 60);
  }
  study_at_ = Occurrences(header_, kStudy);
  series_at_ = Occurrences(header_, kSeries);
  instance_at_ = Occurrences(header_, kInstance);
  number_at_ = Occurrences(header_, kNumber);
  patient_at_ = Occurrences(header_, kPatient);
}

void DicomTemplate::Patch(const Identity& identity, std::string* header) const {
  const auto put = [header](const std::vector<size_t>& places, const std::string& text) {
    for (const size_t at : places) header->replace(at, text.size(), text);
  };
  put(study_at_, Uid(identity, 0, 0));
  put(series_at_, Uid(identity, 1 + identity.series, 0));
  put(instance_at_, Uid(identity, 1 + identity.series, 1 + identity.instance));
  char number[9];
  std::snprintf(number, sizeof(number), "%08u", static_cast<unsigned>(identity.instance % 100'000'000));
  put(number_at_, number);
  char patient[18];
  std::snprintf(patient, sizeof(patient), "LOAD-%04u-%07u", static_cast<unsigned>(identity.client % 10'000),
                static_cast<unsigned>(identity.study % 10'000'000));
  put(patient_at_, patient);
}

}  // namespace hilum::load
