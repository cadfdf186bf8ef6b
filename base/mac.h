// Message authentication: what only the holder of a key can have made. Pure function, thread-safe.
#pragma once

#include <array>

#include "base/bytes.h"

namespace hilum {

using Mac = std::array<char, 16>;

// HMAC-SHA-256 (RFC 2104) of the message, its first 16 bytes.
Mac MacOf(Bytes key, Bytes message);
inline Bytes BytesOf(const Mac& mac) {
  return {mac.data(), mac.size()};
}
// Takes as long wherever they differ, so that a MAC cannot be guessed byte by byte.
bool Equal(const Mac& mac, Bytes given);

}  // namespace hilum
