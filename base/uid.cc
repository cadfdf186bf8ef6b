#include "base/uid.h"

#include <algorithm>

#include "base/bytes.h"

namespace hilum {

namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

bool IsValidUid(std::string_view uid) {
  if (uid.empty() || uid.size() > kMaxUidLength) return false;
  size_t component = 0;  // digits seen of the current component
  bool zero_first = false;
  for (const char c : uid) {
    if (c == '.') {
      if (component == 0) return false;
      component = 0;
      continue;
    }
    if (!IsDigit(c)) return false;
    if (component == 0) zero_first = c == '0';
    if (component > 0 && zero_first) return false;
    ++component;
  }
  return component > 0;
}

bool IsStorableUid(std::string_view uid) {
  return !uid.empty() && uid.size() <= kMaxUidLength &&
         std::all_of(uid.begin(), uid.end(), [](char c) { return IsDigit(c) || c == '.'; });
}

std::string NewUid(Random& random) {
  char raw[16];
  random.Fill(raw);
  // PS3.5 B.2 wants a UUID read as an integer: mark it as one of version 4.
  raw[6] = static_cast<char>((raw[6] & 0x0F) | 0x40);
  raw[8] = static_cast<char>((raw[8] & 0x3F) | 0x80);
  unsigned __int128 value = static_cast<unsigned __int128>(LoadBe<uint64_t>(raw)) << 64 | LoadBe<uint64_t>(raw + 8);
  std::string digits;
  for (; value != 0; value /= 10) digits.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
  std::reverse(digits.begin(), digits.end());
  return "2.25." + digits;
}

}  // namespace hilum
