// Values of data elements as text (PS3.5 6.2, 6.4). Internal to codecs/dicom. Pure functions, thread-safe, except that
// the decoder passed in is the caller's.
#pragma once

#include <string>
#include <string_view>

#include "codecs/dicom/charset.h"
#include "codecs/dicom/padding.h"
#include "codecs/dicom/reader.h"

namespace hilum::dicom {

// The element with the VR of the dictionary where UN was written for a known attribute: its value is then implicit VR
// little endian (PS3.5 6.2.2). Sequences stay UN.
Element WithKnownVr(const Element& element);

// True where a backslash parts values.
bool IsMultiValued(Vr vr);

// Without the padding that does not belong to a value of `vr`: spaces at both ends, or only the last ones (ST LT UT UC
// UR), and NULs.
std::string_view TrimPadding(Vr vr, std::string_view text);
bool KeepsLeadingSpaces(Vr vr);

// The text value of `element` in UTF-8, padding and delimiters kept: where it stands, or else in `decoded`. Valid as
// long as both. REQUIRES: element.vr.is_text()
std::string_view TextOf(const Element& element, const Charset& charset, TextDecoder* decoder, std::string* decoded);

// Number `index` of a value of binary numbers, in decimal; AT as "00100020"; "NaN", "Infinity", "-Infinity".
// REQUIRES: the bytes of that number are there.
void AppendNumber(const Element& element, size_t index, std::string* out);

// `text` as a JSON number ("+07.50" becomes 7.50: digits are kept), or nothing and false when it is none, or one that
// does not fit a double.
bool AppendJsonNumber(std::string_view text, std::string* out);

// Calls `value` with each value of `text` between backslashes (all of it where the VR has none), padding removed.
// Nothing for text that is empty without its padding.
template <typename F>
void ForEachValue(Vr vr, std::string_view text, F&& value) {
  const bool begins_matter = KeepsLeadingSpaces(vr);
  const std::string_view whole = TrimEnds(begins_matter, text);
  if (whole.empty()) return;
  if (!IsMultiValued(vr)) return value(whole);
  while (true) {
    const size_t end = text.find('\\');
    value(TrimEnds(begins_matter, text.substr(0, end)));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace hilum::dicom
