#include "base/base64.h"

#include <cstdint>

namespace hilum {
namespace {

int DigitOf(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

}  // namespace

void AppendBase64(Bytes bytes, std::string* out) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = [&](size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u; };
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const uint32_t three = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    out->push_back(kDigits[three >> 18]);
    out->push_back(kDigits[three >> 12 & 63]);
    out->push_back(i + 1 < bytes.size() ? kDigits[three >> 6 & 63] : '=');
    out->push_back(i + 2 < bytes.size() ? kDigits[three & 63] : '=');
  }
}

bool DecodeBase64(std::string_view text, std::string* out) {
  uint32_t bits = 0;
  int digits = 0, padding = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int digit = DigitOf(c);
    if (digit < 0 || padding > 0) return false;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    if (++digits < 4) continue;
    for (const int shift : {16, 8, 0}) out->push_back(static_cast<char>(bits >> shift & 0xFF));
    bits = 0;
    digits = 0;
  }
  if (digits == 0) return padding == 0;
  if (digits == 1 || digits + padding != 4) return false;
  out->push_back(static_cast<char>(bits >> (digits == 2 ? 4 : 10) & 0xFF));
  if (digits == 3) out->push_back(static_cast<char>(bits >> 2 & 0xFF));
  return true;
}

}  // namespace hilum
