// The header of one data element: tag, VR and length (PS3.5 7.1). Internal to codecs/dicom.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "codecs/dicom/tag.h"
#include "codecs/dicom/vr_table.h"

namespace hilum::dicom {

struct Syntax {
  bool explicit_vr = true;
  bool big_endian = false;
};

struct ElementHeader {
  Tag tag;
  Vr vr;
  uint32_t length;
  uint32_t size;  // bytes of the header itself
};

inline uint16_t Load16(const char* from, bool big_endian) {
  return big_endian ? LoadBe<uint16_t>(from) : LoadLe<uint16_t>(from);
}
inline uint32_t Load32(const char* from, bool big_endian) {
  return big_endian ? LoadBe<uint32_t>(from) : LoadLe<uint32_t>(from);
}
// REQUIRES: four bytes at `from`.
inline Tag LoadTag(const char* from, bool big_endian) {
  return {Load16(from, big_endian), Load16(from + 2, big_endian)};
}

// The VR of `tag` where none is written. `signed_pixels`: Pixel Representation is 1.
Vr ImplicitVr(Tag tag, bool signed_pixels);

// Reads the header at the front of `rest`, which ends where the enclosing item ends. False when `rest` is too short, or
// holds letters that are no VR and no reading of the length makes sense; the length itself is not checked otherwise.
inline bool ReadElementHeader(Bytes rest, Syntax syntax, bool signed_pixels, ElementHeader* out);

// How the element at the front is most likely written, judged by its first bytes. `big_endian` only where the VR is
// explicit. False when it does not look like a data element of a DICOM data set at all; where one is known to be, any
// tag will do.
bool GuessSyntax(Bytes rest, bool known_to_be_dicom, Syntax* out);

namespace internal {
// Everything but a known VR in explicit little endian syntax.
bool ReadOtherElementHeader(Bytes rest, Syntax syntax, bool signed_pixels, ElementHeader* out);
}  // namespace internal

inline bool ReadElementHeader(Bytes rest, Syntax syntax, bool signed_pixels, ElementHeader* out) {
  if (rest.size() < 12 || !syntax.explicit_vr || syntax.big_endian) {
    return internal::ReadOtherElementHeader(rest, syntax, signed_pixels, out);
  }
  const char* p = rest.data();
  out->vr = Vr(p[4], p[5]);
  const uint8_t flags = VrFlags(out->vr);
  // The length of an item may look like a VR.
  if (flags == 0 || LoadLe<uint16_t>(p) == tags::kItemGroup) {
    return internal::ReadOtherElementHeader(rest, syntax, signed_pixels, out);
  }
  out->tag = LoadTag(p, false);
  const bool is_long = flags & kVrLong;
  out->length = is_long ? LoadLe<uint32_t>(p + 8) : LoadLe<uint16_t>(p + 6);
  out->size = is_long ? 12 : 8;
  return true;
}

}  // namespace hilum::dicom
