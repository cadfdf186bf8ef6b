#include "base/time_text.h"

#include <gtest/gtest.h>

namespace hilum {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

TEST(TimeText, IsUtcWithAFractionOfFixedLength) {
  EXPECT_EQ(TimestampText(Micros(0), Fraction::kMillis), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(TimestampText(Micros(0), Fraction::kMicros), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(TimestampText(Micros(1'709'209'805'006'999), Fraction::kMicros), "2024-02-29T12:30:05.006999Z");
}

TEST(TimeText, WhatIsFinerIsCutOff) {
  EXPECT_EQ(TimestampText(Micros(1'709'209'805'006'999), Fraction::kMillis), "2024-02-29T12:30:05.006Z");
  EXPECT_EQ(TimestampText(Micros(-1), Fraction::kMillis), "1969-12-31T23:59:59.999Z");
}

TEST(TimeText, ReachesFromTheFirstYearToTheLastOfFourDigits) {
  EXPECT_EQ(TimestampText(Micros(-62'135'596'800'000'000), Fraction::kMillis), "0001-01-01T00:00:00.000Z");
  EXPECT_EQ(TimestampText(Micros(253'402'300'799'999'999), Fraction::kMicros), "9999-12-31T23:59:59.999999Z");
}

TEST(TimeText, DatesHaveNoTime) {
  EXPECT_EQ(DateText(sys_days(days(0))), "1970-01-01");
  EXPECT_EQ(DateText(sys_days(days(-1))), "1969-12-31");
  EXPECT_EQ(DateText(sys_days(std::chrono::year(850) / 7 / 31)), "0850-07-31");
}

TEST(TimeText, ZonesReachFourteenHoursEastAndWest) {
  EXPECT_EQ(ParseZone("+05:30"), 330);
  EXPECT_EQ(ParseZone("-0330"), -210);
  EXPECT_EQ(ParseZone("+14:00"), 840);
  EXPECT_EQ(ParseZone("-14:00"), -840);
  for (const char* text : {"+14:01", "-1430", "+15:00", "+05:60", "0530", "+5:30", "+05-30", "+05:3", "Z", ""})
    EXPECT_EQ(ParseZone(text), std::nullopt) << text;
}

}  // namespace
}  // namespace hilum
