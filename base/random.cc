#include "base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/hex.h"

namespace hilum {

std::string Random::Hex(size_t bytes) {
  std::string raw(bytes, '\0');
  Fill(raw);
  std::string hex;
  hex.reserve(2 * bytes);
  AppendHex(raw, &hex);
  return hex;
}

std::string Random::Uuid() {
  char raw[16];
  Fill(raw);
  raw[6] = static_cast<char>((raw[6] & 0x0F) | 0x40);
  raw[8] = static_cast<char>((raw[8] & 0x3F) | 0x80);
  std::string uuid;
  uuid.reserve(36);
  size_t from = 0;
  for (const size_t length : {4, 2, 2, 2, 6}) {
    if (from != 0) uuid.push_back('-');
    AppendHex(Bytes(raw + from, length), &uuid);
    from += length;
  }
  return uuid;
}

void SystemRandom::Fill(std::span<char> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      // Going on with predictable keys would be worse than stopping; Linux documents no such failure once the pool is
      // ready.
      std::fprintf(stderr, "getrandom: %s\n", std::strerror(errno));
      std::abort();
    }
    out = out.subspan(static_cast<size_t>(got));
  }
}

}  // namespace hilum
