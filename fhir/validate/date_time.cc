#include "fhir/validate/date_time.h"

#include <algorithm>

namespace hilum::fhir {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kDay = 24 * 60 * kMinute;
constexpr int kMicrosecondDigits = 6;

// Takes fields of digits off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool Done() const { return rest_.empty(); }
  bool Next(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool Number(size_t digits, int low, int high, int* out) {
    if (rest_.size() < digits) return false;
    int value = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    *out = value;
    return value >= low && value <= high;
  }
  std::string_view Digits() {
    const size_t size = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    const std::string_view digits = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return digits;
  }

 private:
  std::string_view rest_;
};

bool IsLeap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int DaysOf(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeap(year) ? 29 : kDays[month - 1];
}

// Days since 1970-01-01 of the proleptic Gregorian calendar, counted from 1 March so that leap days end a year.
int64_t DaysSinceEpoch(int year, int month, int day) {
  const int64_t y = month <= 2 ? year - 1 : year;
  const int64_t era = y / 400;
  const int64_t year_of_era = y - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719'468;
}

bool ScanFraction(Scanner* scanner, DateTime* out) {
  const std::string_view digits = scanner->Digits();
  if (digits.empty()) return false;
  out->fraction_digits = static_cast<int>(std::min<size_t>(digits.size(), kMicrosecondDigits));
  out->precision = DateTime::Precision::kFraction;
  for (int i = 0; i < kMicrosecondDigits; ++i) {
    out->microsecond = out->microsecond * 10 + (i < out->fraction_digits ? digits[i] - '0' : 0);
  }
  return true;
}

bool ScanTime(Scanner* scanner, bool seconds_optional, DateTime* out) {
  if (!scanner->Number(2, 0, 23, &out->hour) || !scanner->Next(':') || !scanner->Number(2, 0, 59, &out->minute))
    return false;
  out->precision = DateTime::Precision::kMinute;
  if (!scanner->Next(':')) return seconds_optional;
  if (!scanner->Number(2, 0, 60, &out->second)) return false;
  out->precision = DateTime::Precision::kSecond;
  return !scanner->Next('.') || ScanFraction(scanner, out);
}

bool ScanZone(Scanner* scanner, DateTime* out) {
  if (scanner->Next('Z')) {
    out->offset_minutes = 0;
    return true;
  }
  const bool west = scanner->Next('-');
  int hours = 0, minutes = 0;
  if (!west && !scanner->Next('+')) return false;
  if (!scanner->Number(2, 0, 14, &hours) || !scanner->Next(':') || !scanner->Number(2, 0, 59, &minutes)) return false;
  if (hours == 14 && minutes != 0) return false;
  out->offset_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
  return true;
}

}  // namespace

std::optional<DateTime> ParseDateTime(std::string_view text, DateTimeForm form) {
  Scanner scanner(text);
  DateTime out;
  const bool partial = form != DateTimeForm::kInstant;
  if (!scanner.Number(4, 1, 9999, &out.year)) return std::nullopt;
  if (scanner.Done()) return partial ? std::optional(out) : std::nullopt;
  if (!scanner.Next('-') || !scanner.Number(2, 1, 12, &out.month)) return std::nullopt;
  out.precision = DateTime::Precision::kMonth;
  if (scanner.Done()) return partial ? std::optional(out) : std::nullopt;
  if (!scanner.Next('-') || !scanner.Number(2, 1, DaysOf(out.year, out.month), &out.day)) return std::nullopt;
  out.precision = DateTime::Precision::kDay;
  if (scanner.Done()) return partial ? std::optional(out) : std::nullopt;
  const bool search = form == DateTimeForm::kSearch;
  if (form == DateTimeForm::kDate || !scanner.Next('T') || !ScanTime(&scanner, search, &out)) return std::nullopt;
  const bool zone_missing = search && scanner.Done();
  if (!zone_missing && !ScanZone(&scanner, &out)) return std::nullopt;
  return scanner.Done() ? std::optional(out) : std::nullopt;
}

bool IsTime(std::string_view text) {
  Scanner scanner(text);
  DateTime out;
  return ScanTime(&scanner, false, &out) && scanner.Done();
}

TimeRange RangeOf(const DateTime& d, int default_offset_minutes) {
  using Precision = DateTime::Precision;
  const int64_t zone = -static_cast<int64_t>(d.offset_minutes.value_or(default_offset_minutes)) * kMinute;
  const int64_t low = DaysSinceEpoch(d.year, d.month, d.day) * kDay + d.hour * 60 * kMinute + d.minute * kMinute +
                      d.second * kSecond + d.microsecond + zone;
  switch (d.precision) {
    case Precision::kYear:
      return {low, DaysSinceEpoch(d.year + 1, 1, 1) * kDay + zone};
    case Precision::kMonth:
      return {low, low + DaysOf(d.year, d.month) * kDay};
    case Precision::kDay:
      return {low, low + kDay};
    case Precision::kMinute:
      return {low, low + kMinute};
    case Precision::kSecond:
      return {low, low + kSecond};
    case Precision::kFraction:
      break;
  }
  int64_t width = 1;
  for (int i = d.fraction_digits; i < kMicrosecondDigits; ++i) width *= 10;
  return {low, low + width};
}

}  // namespace hilum::fhir
