// Properties of the value representations (PS3.5 tables 6.2-1 and 7.1-1) by table, for the reader's inner loop.
#pragma once

#include <array>
#include <cstdint>

#include "codecs/dicom/tag.h"

namespace hilum::dicom {

enum VrFlag : uint8_t {
  kVrKnown = 1,
  kVrLong = 2,  // 32-bit length in explicit syntax
  kVrText = 4,
  kVrCharset = 8,  // depends on Specific Character Set
  kVrNumber = 16,
  kVrBulk = 32,
};

namespace internal {
constexpr std::array<uint8_t, 26 * 26> MakeVrTable() {
  std::array<uint8_t, 26 * 26> table{};
  const auto set = [&](const char* codes, int flags) {
    for (; *codes != 0; codes += 3) table[(codes[0] - 'A') * 26 + (codes[1] - 'A')] |= kVrKnown | flags;
  };
  // Every code is followed by one character, so that codes stand three apart.
  set("AE AS CS DA DS DT IS TM UI UR ", kVrText);
  set("LO LT PN SH ST UC UT ", kVrText | kVrCharset);
  set("US SS UL SL FL FD UV SV AT ", kVrNumber);
  set("OB OD OF OL OV OW UN ", kVrBulk);
  set("OB OD OF OL OV OW SQ SV UC UN UR UT UV ", kVrLong);
  return table;
}
inline constexpr std::array<uint8_t, 26 * 26> kVrTable = MakeVrTable();
}  // namespace internal

// 0 for what is no value representation.
inline uint8_t VrFlags(Vr vr) {
  const unsigned a = static_cast<unsigned char>(vr.a) - 'A';
  const unsigned b = static_cast<unsigned char>(vr.b) - 'A';
  return a < 26 && b < 26 ? internal::kVrTable[a * 26 + b] : 0;
}

}  // namespace hilum::dicom
