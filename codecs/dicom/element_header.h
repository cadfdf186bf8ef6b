// The header of one data element: tag, VR and length (PS3.5 7.1). Internal to codecs/dicom.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "codecs/dicom/tag.h"

namespace hilum::dicom {

struct Syntax {
  bool explicit_vr = true;
  bool big_endian = false;
};

struct ElementHeader {
  Tag tag;
  Vr vr;
  uint32_t length;
  uint32_t size;  // octets of the header itself
};

inline uint16_t Load16(const char* from, bool big_endian) {
  return big_endian ? LoadBe<uint16_t>(from) : LoadLe<uint16_t>(from);
}
inline uint32_t Load32(const char* from, bool big_endian) {
  return big_endian ? LoadBe<uint32_t>(from) : LoadLe<uint32_t>(from);
}
// REQUIRES: four octets at `from`.
inline Tag LoadTag(const char* from, bool big_endian) {
  return {Load16(from, big_endian), Load16(from + 2, big_endian)};
}

// The VR of `tag` where none is written. `signed_pixels`: Pixel Representation is 1.
Vr ImplicitVr(Tag tag, bool signed_pixels);

// Reads the header at the front of `rest`, which ends where the enclosing item ends. False when `rest` is too short, or
// holds letters that are no VR and no reading of the length makes sense; the length itself is not checked otherwise.
bool ReadElementHeader(Bytes rest, Syntax syntax, bool signed_pixels, ElementHeader* out);

// How the element at the front is most likely written, judged by its first octets. `big_endian` only where the VR is
// explicit. False when it does not look like a data element of a DICOM data set at all.
bool GuessSyntax(Bytes rest, Syntax* out);

}  // namespace hilum::dicom
