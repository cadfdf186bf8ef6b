#include "codecs/dicom/element_header.h"

#include "codecs/dicom/vr_table.h"

namespace hilum::dicom {
namespace {

constexpr uint32_t kUndefined = 0xFFFFFFFF;

// Whether an element may end `length` bytes after `begin`: the container ends there, or a later tag or a delimiter
// follows.
bool CanEndAfter(Bytes rest, uint64_t begin, uint64_t length, Tag tag, Syntax syntax) {
  const uint64_t end = begin + length;
  if (end == rest.size()) return true;
  if (end + 8 > rest.size()) return false;
  const Tag next = LoadTag(rest.data() + end, syntax.big_endian);
  return next > tag;
}

// Letters that are no VR: one of a later edition of the standard has a 32-bit length (PS3.5 6.2.2 note), writers of
// garbage mostly kept the 16-bit form, and what are no letters may be the length of an implicit element among explicit
// ones. The first reading that makes sense is taken.
bool ReadUnknownVr(Bytes rest, Syntax syntax, ElementHeader* out) {
  const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  const char* p = rest.data();
  out->vr = Vr("UN");
  if (is_capital(p[4]) && is_capital(p[5])) {
    if (rest.size() >= 12 && Load16(p + 6, false) == 0) {
      out->length = Load32(p + 8, syntax.big_endian);
      out->size = 12;
      if (out->length == kUndefined || CanEndAfter(rest, 12, out->length, out->tag, syntax)) return true;
    }
  } else {
    out->length = Load32(p + 4, syntax.big_endian);
    out->size = 8;
    if (CanEndAfter(rest, 8, out->length, out->tag, syntax)) return true;
  }
  out->length = Load16(p + 6, syntax.big_endian);
  out->size = 8;
  return CanEndAfter(rest, 8, out->length, out->tag, syntax);
}

}  // namespace

Vr ImplicitVr(Tag tag, bool signed_pixels) {
  if (tag.element == 0) return "UL";                                                              // group length
  if (tag.is_private()) return tag.element >= 0x10 && tag.element <= 0xFF ? Vr("LO") : Vr("UN");  // PS3.5 7.8.1
  const DictionaryEntry* entry = FindTag(tag);
  if (entry == nullptr) return "UN";
  switch (entry->choice) {
    case VrChoice::kOne:
      return entry->vr;
    case VrChoice::kUsOrSs:
      return signed_pixels ? "SS" : "US";
    case VrChoice::kObOrOw:
    case VrChoice::kUsOrOw:
      return "OW";  // PS3.5 A.1
  }
  return entry->vr;
}

bool internal::ReadOtherElementHeader(Bytes rest, Syntax syntax, bool signed_pixels, ElementHeader* out) {
  if (rest.size() < 8) return false;
  const char* p = rest.data();
  out->tag = LoadTag(p, syntax.big_endian);
  if (!syntax.explicit_vr || out->tag.group == tags::kItemGroup) {
    out->vr = out->tag.group == tags::kItemGroup ? Vr() : ImplicitVr(out->tag, signed_pixels);
    out->length = Load32(p + 4, syntax.big_endian);
    out->size = 8;
    return true;
  }
  out->vr = Vr(p[4], p[5]);
  const uint8_t flags = VrFlags(out->vr);
  if (flags == 0) return ReadUnknownVr(rest, syntax, out);
  if (flags & kVrLong) {
    if (rest.size() < 12) return false;
    out->length = Load32(p + 8, syntax.big_endian);
    out->size = 12;
  } else {
    out->length = Load16(p + 6, syntax.big_endian);
    out->size = 8;
  }
  return true;
}

bool GuessSyntax(Bytes rest, bool known_to_be_dicom, Syntax* out) {
  if (rest.size() < 8) return false;
  const Tag little = LoadTag(rest.data(), false), big = LoadTag(rest.data(), true);
  // The first group of a data set is a small number: read in the wrong order it is a large one.
  out->big_endian = big.group < little.group;
  const Tag tag = out->big_endian ? big : little;
  out->explicit_vr = VrFlags(Vr(rest[4], rest[5])) != 0;
  if (tag.group == 0) return false;  // a command, which has no place in a file
  const bool known = known_to_be_dicom || tag.element == 0 || FindTag(tag) != nullptr;
  if (out->explicit_vr) return known || tag.group < 0x0100;
  if (out->big_endian || !known) return false;
  const uint32_t length = LoadLe<uint32_t>(rest.data() + 4);
  return length <= rest.size() - 8 || length == kUndefined;
}

}  // namespace hilum::dicom
