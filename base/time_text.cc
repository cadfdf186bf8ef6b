#include "base/time_text.h"

#include <algorithm>
#include <cstdint>

#include "base/text.h"

namespace hilum {
namespace {

// Puts the digits of `number` in front of `end`, over zeros.
void PutNumber(uint64_t number, size_t end, std::string* text) {
  for (; number > 0; number /= 10) (*text)[--end] = static_cast<char>('0' + number % 10);
}

void PutDate(std::chrono::sys_days day, std::string* text) {
  const std::chrono::year_month_day date(day);
  PutNumber(static_cast<uint64_t>((static_cast<int>(date.year()) % 10000 + 10000) % 10000), 4, text);
  PutNumber(static_cast<unsigned>(date.month()), 7, text);
  PutNumber(static_cast<unsigned>(date.day()), 10, text);
}

}  // namespace

std::string TimestampText(Micros time, Fraction fraction) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string text = "0000-00-00T00:00:00.000000Z";
  PutDate(std::chrono::sys_days(day), &text);
  PutNumber(static_cast<uint64_t>(clock.hours().count()), 13, &text);
  PutNumber(static_cast<uint64_t>(clock.minutes().count()), 16, &text);
  PutNumber(static_cast<uint64_t>(clock.seconds().count()), 19, &text);
  PutNumber(static_cast<uint64_t>(clock.subseconds().count()), 26, &text);
  if (fraction == Fraction::kMicros) return text;
  text.resize(23);
  text.push_back('Z');
  return text;
}

std::string DateText(std::chrono::sys_days day) {
  std::string text = "0000-00-00";
  PutDate(day, &text);
  return text;
}

std::optional<int> ParseZone(std::string_view text) {
  std::string digits(text);
  if (digits.size() == 6 && digits[3] == ':') digits.erase(3, 1);
  if (digits.size() != 5 || (digits[0] != '+' && digits[0] != '-')) return std::nullopt;
  if (!std::all_of(digits.begin() + 1, digits.end(), IsDigit)) return std::nullopt;
  const int hours = (digits[1] - '0') * 10 + digits[2] - '0', minutes = (digits[3] - '0') * 10 + digits[4] - '0';
  if (minutes > 59 || hours * 60 + minutes > 14 * 60) return std::nullopt;
  return (digits[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
}

}  // namespace hilum
