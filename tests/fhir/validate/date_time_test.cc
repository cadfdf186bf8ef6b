#include "fhir/validate/date_time.h"

#include <gtest/gtest.h>

#include <string>

namespace hilum::fhir {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kDay = 86'400 * kSecond;

TimeRange Range(std::string_view text, int default_offset_minutes = 0) {
  const auto parsed = ParseDateTime(text, DateTimeForm::kSearch);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed ? RangeOf(*parsed, default_offset_minutes) : TimeRange();
}

TEST(DateTime, RangeIsAsWideAsWhatIsWritten) {
  struct Case {
    const char* text;
    int64_t low, width;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"1970", 0, 365 * kDay},
           {"1970-02", 31 * kDay, 28 * kDay},
           {"2020-02", 18293 * kDay, 29 * kDay},
           {"2000-01-01", 10957 * kDay, kDay},
           {"1969-12-31", -kDay, kDay},
           {"1970-01-01T00:01Z", 60 * kSecond, 60 * kSecond},
           {"1970-01-01T00:00:01Z", kSecond, kSecond},
           {"1970-01-01T00:00:01.5Z", kSecond + 500'000, 100'000},
           {"1970-01-01T00:00:00.123456789Z", 123'456, 1},
           {"1970-01-01T02:00:00+02:00", 0, kSecond},
           {"1969-12-31T19:00:00-05:00", 0, kSecond},
           {"0001", -719162 * kDay, 365 * kDay},
           {"9999-12-31", 2932896 * kDay, kDay},
       }) {
    EXPECT_EQ(Range(c.text).low, c.low) << c.text;
    EXPECT_EQ(Range(c.text).high - Range(c.text).low, c.width) << c.text;
  }
}

TEST(DateTime, TheDefaultZoneIsForTextsWithoutOne) {
  EXPECT_EQ(Range("1970-01-01", 60).low, -3600 * kSecond);
  EXPECT_EQ(Range("1970", -60).high, 365 * kDay + 3600 * kSecond);
  EXPECT_EQ(Range("1970-01-01T00:00:00Z", 60).low, 0);
}

TEST(DateTime, EveryFormRefusesWhatIsNotItsOwn) {
  struct Case {
    const char* text;
    bool date, date_time, instant, search;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"2020", true, true, false, true},
           {"2020-12", true, true, false, true},
           {"2020-12-31", true, true, false, true},
           {"2020-12-31T23:59:60Z", false, true, true, true},
           {"2020-12-31T23:59:59.999+14:00", false, true, true, true},
           {"2020-12-31T23:59:59", false, false, false, true},
           {"2020-12-31T23:59", false, false, false, true},
           {"2020-12-31T23:59Z", false, false, false, true},
           {"2020-12-31T23:59:59+14:30", false, false, false, false},
           {"2020-12-31T24:00:00Z", false, false, false, false},
           {"2020-12-31T23:59:61Z", false, false, false, false},
           {"2020-12-31T23:59:59.Z", false, false, false, false},
           {"2020-12-31 23:59:59Z", false, false, false, false},
           {"2020-12-31T", false, false, false, false},
           {"2020-12-31T23", false, false, false, false},
           {"2020-02-30", false, false, false, false},
           {"2019-02-29", false, false, false, false},
           {"2020-13", false, false, false, false},
           {"2020-00", false, false, false, false},
           {"2020-1-1", false, false, false, false},
           {"2020-", false, false, false, false},
           {"0000", false, false, false, false},
           {"20200101", false, false, false, false},
           {"-2020", false, false, false, false},
           {"", false, false, false, false},
       }) {
    EXPECT_EQ(ParseDateTime(c.text, DateTimeForm::kDate).has_value(), c.date) << c.text;
    EXPECT_EQ(ParseDateTime(c.text, DateTimeForm::kDateTime).has_value(), c.date_time) << c.text;
    EXPECT_EQ(ParseDateTime(c.text, DateTimeForm::kInstant).has_value(), c.instant) << c.text;
    EXPECT_EQ(ParseDateTime(c.text, DateTimeForm::kSearch).has_value(), c.search) << c.text;
  }
}

TEST(DateTime, TimesHaveSeconds) {
  EXPECT_TRUE(IsTime("23:59:60"));
  EXPECT_TRUE(IsTime("00:00:00.123"));
  EXPECT_FALSE(IsTime("12:00"));
  EXPECT_FALSE(IsTime("24:00:00"));
  EXPECT_FALSE(IsTime("12:00:00Z"));
}

}  // namespace
}  // namespace hilum::fhir
