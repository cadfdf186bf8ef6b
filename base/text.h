// Text of protocols and settings: ASCII, whatever the locale. Pure functions, thread-safe.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace hilum {

constexpr char LowerCase(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}
constexpr char UpperCase(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c & ~0x20) : c;
}
constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool IsAlphanumeric(char c) {
  return IsDigit(c) || (LowerCase(c) >= 'a' && LowerCase(c) <= 'z');
}
constexpr bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}

// Blanks and line ends, or nothing at all.
constexpr bool IsWhiteSpace(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// The value of a hexadecimal digit, -1 for anything else.
constexpr int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = LowerCase(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

inline std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), LowerCase);
  return lower;
}

inline std::string Upper(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(), UpperCase);
  return upper;
}

inline bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return LowerCase(x) == LowerCase(y); });
}

// Without blanks around it.
inline std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

// The parts between any of the `separators`, empty ones too; of empty text one.
inline std::vector<std::string_view> Split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find_first_of(separators);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Takes the text up to `separator` off the front of `rest`, trimmed; the separator is dropped.
inline std::string_view TakeUntil(std::string_view* rest, char separator) {
  const size_t end = rest->find(separator);
  const std::string_view part = rest->substr(0, end);
  rest->remove_prefix(end == std::string_view::npos ? rest->size() : end + 1);
  return Trimmed(part);
}

// All of the text as a number: digits, after a '-' where Number has a sign, of a floating-point number also a fraction
// and an exponent. nullopt for anything else, for what does not fit and what is not finite.
template <typename Number = uint64_t>
std::optional<Number> ParseDecimal(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if constexpr (std::is_floating_point_v<Number>)
    if (!std::isfinite(number)) return std::nullopt;
  return number;
}

// Of a whole number, or the shortest text that reads as the same floating-point number.
template <typename Number>
void AppendDecimal(Number number, std::string* out) {
  char digits[32];
  out->append(digits, std::to_chars(digits, digits + sizeof(digits), number).ptr);
}

// The weight of an entry (RFC 9110 12.4.2) in thousandths, finer ones cut off, as clients really write it: the leading
// zero may be missing, and there may be more than three decimals. nullopt for what is no number from 0 to 1.
constexpr std::optional<int> ParseQuality(std::string_view text) {
  const bool whole = text.starts_with('0') || text.starts_with('1');
  int quality = text.starts_with('1') ? 1000 : 0;
  text.remove_prefix(whole ? 1 : 0);
  if (!whole && !text.starts_with('.')) return std::nullopt;
  if (text.empty()) return quality;
  if (text.front() != '.') return std::nullopt;
  text.remove_prefix(1);
  for (int place = 100; !text.empty(); place /= 10, text.remove_prefix(1)) {
    if (!IsDigit(text.front())) return std::nullopt;
    quality += (text.front() - '0') * place;
  }
  return quality <= 1000 ? std::optional(quality) : std::nullopt;
}

}  // namespace hilum
