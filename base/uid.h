// DICOM unique identifiers (PS3.5 9.1). Pure functions, thread-safe.
#pragma once

#include <string_view>

namespace hilum {

inline constexpr size_t kMaxUidLength = 64;

// PS3.5 9.1 to the letter: 1 to 64 characters, components of digits parted by dots, no leading zero except in "0".
bool IsValidUid(std::string_view uid);

// What we store and serve: 1 to 64 characters out of digits and dots, not dots alone ("..": RFC 3986 5.2.4), so that it
// is safe in keys, paths and logs. Leading zeros and empty components occur in real archives; they are accepted and
// reported as a warning by the caller.
bool IsStorableUid(std::string_view uid);

}  // namespace hilum
