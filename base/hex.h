// Bytes as hexadecimal digits. Pure functions, thread-safe.
#pragma once

#include <string>

#include "base/bytes.h"

namespace hilum {

// Lower case, two for each byte.
inline void AppendHex(Bytes bytes, std::string* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out->append({kDigits[byte >> 4], kDigits[byte & 15]});
  }
}

// RFC 3986 2.1: "%C3" for a byte that a URI has no other place for.
inline void AppendPercentEncoded(char c, std::string* out) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out->append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
}

}  // namespace hilum
