// Padding of text values (PS3.5 6.2): what a writer adds to reach an even length, or out of habit, and what belongs to
// no value. Pure functions, thread-safe.
#pragma once

#include <string_view>

namespace hilum::dicom {

// Without the spaces and NULs behind a value, and the spaces in front of it where they do not belong to it.
inline std::string_view TrimEnds(bool keep_leading_spaces, std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  while (!keep_leading_spaces && !text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

// Of all VRs but ST, LT, UT, UC and UR.
inline std::string_view Unpadded(std::string_view text) {
  return TrimEnds(/*keep_leading_spaces=*/false, text);
}

}  // namespace hilum::dicom
