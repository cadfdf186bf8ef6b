// FHIR date, dateTime, instant and time as written: the parts and how far they go. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hilum::fhir {

struct DateTime {
  enum class Precision : uint8_t { kYear, kMonth, kDay, kMinute, kSecond, kFraction };
  int year = 0;
  int month = 1;
  int day = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;           // 60 in a leap second
  int64_t microsecond = 0;  // further digits are cut
  int fraction_digits = 0;
  Precision precision = Precision::kYear;
  std::optional<int> offset_minutes;  // from UTC; absent without a zone
};

// What is accepted beyond year, year-month and date.
enum class DateTimeForm : uint8_t {
  kDate,      // nothing
  kDateTime,  // a time with seconds and a zone
  kInstant,   // exactly such a time: no partial dates
  kSearch,    // a time with or without seconds, with or without a zone
};

// nullopt for what is not in the form, or is no day of the calendar.
std::optional<DateTime> ParseDateTime(std::string_view text, DateTimeForm form);
// hh:mm:ss with any fraction.
bool IsTime(std::string_view text);

// The stretch of time the text denotes, [low, high) in microseconds since 1970 UTC; `default_offset_minutes` is the
// zone of texts without one.
struct TimeRange {
  int64_t low = 0;
  int64_t high = 0;
};
TimeRange RangeOf(const DateTime& date_time, int default_offset_minutes);

}  // namespace hilum::fhir
