// Sentences as values of Error Comment (0000,0902): LO, one value of up to 64 characters (PS3.5 table 6.2-1).
// Pure functions, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hilum::dicomweb {

inline constexpr size_t kErrorCommentCharacters = 64;

// The sentence in pieces that each fit, broken between words where there are some; all but the last end with " ...".
// What LO has no place for (control characters, the backslash, broken UTF-8) becomes '?'. At most eight pieces: what is
// longer is cut. Never empty.
std::vector<std::string> ErrorComments(std::string_view sentence);

}  // namespace hilum::dicomweb
