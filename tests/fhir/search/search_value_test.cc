#include "fhir/search/search_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fhir/search/decimal.h"

namespace hilum::fhir {
namespace {

using testing::ElementsAre;

TEST(SearchValue, SplitsWhereNothingIsEscaped) {
  EXPECT_THAT(SplitValue("a,b\\,c,,d", ','), ElementsAre("a", "b\\,c", "", "d"));
  EXPECT_THAT(SplitValue("", '|'), ElementsAre(""));
  EXPECT_THAT(SplitValue("a\\\\|b", '|'), ElementsAre("a\\\\", "b"));
  EXPECT_THAT(SplitValue("a\\", '|'), ElementsAre("a\\"));
}

TEST(SearchValue, UnescapesWhatTheGrammarEscapes) {
  EXPECT_EQ(Unescape("a\\,b\\|c\\$d\\\\e"), "a,b|c$d\\e");
  EXPECT_EQ(Unescape("a\\b\\"), "a\\b\\");
}

TEST(SearchValue, NumbersReachAsFarAsTheirPrecisionSays) {
  struct Case {
    const char* number;
    Prefix prefix;
    double low, high;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"100", Prefix::kEq, 99.5, 100.5},
           {"100.00", Prefix::kEq, 99.995, 100.005},
           {"1e2", Prefix::kNe, 50, 150},
           {"-5.4", Prefix::kEq, -5.45, -5.35},
           {"100", Prefix::kGt, 100, 100},
           {"-100", Prefix::kAp, -110, -90},
       }) {
    const auto asked = AskedNumber(c.number, c.prefix);
    ASSERT_TRUE(asked.ok()) << c.number;
    EXPECT_NEAR(asked->low, c.low, 1e-9) << c.number;
    EXPECT_NEAR(asked->high, c.high, 1e-9) << c.number;
  }
  EXPECT_LT(AskedNumber("100", Prefix::kEq)->high, 100.5);
  for (const char* bad : {"", "x", "1.", ".", "1e", "--1", "1 ", "0x10", "inf", "1e999"}) {
    EXPECT_EQ(AskedNumber(bad, Prefix::kEq).status().code(), Code::kInvalid) << bad;
  }
}

TEST(SearchValue, ApproximateDatesReachATenthOfTheWayToNow) {
  const int64_t day = 86'400'000'000;
  const auto asked = AskedDate("1970-01-11", Prefix::kAp, 0, 20 * day);
  ASSERT_TRUE(asked.ok());
  EXPECT_EQ(asked->low, 9 * day);
  EXPECT_EQ(asked->high, 12 * day);
}

TEST(SearchValue, APlusThatBecameABlankIsStillAZone) {
  const auto asked = AskedDate("1970-01-01T01:00:00 01:00", Prefix::kEq, 0, 0);
  ASSERT_TRUE(asked.ok());
  EXPECT_EQ(asked->low, 0);
  EXPECT_EQ(AskedDate("yesterday", Prefix::kEq, 0, 0).status().code(), Code::kInvalid);
}

TEST(SearchValue, TakesPrefixesOff) {
  std::string_view value = "ge2020";
  EXPECT_EQ(TakePrefix(&value), Prefix::kGe);
  EXPECT_EQ(value, "2020");
  EXPECT_EQ(TakePrefix(&value), Prefix::kEq);
  EXPECT_EQ(value, "2020");
}

TEST(Decimal, ReadsTextOfAnyMagnitude) {
  EXPECT_EQ(ToDouble("5.4", -3), 0.0054);
  EXPECT_EQ(ToDouble("+1E+2"), 100);
  EXPECT_EQ(ToDouble("1e-99999999999999999999"), 0);
  EXPECT_TRUE(std::isinf(ToDouble("-1e99999999999999999999")));
  EXPECT_EQ(AroundLastDigit("5.4").low, 5.35) << "exactly what is written so";
  EXPECT_EQ(AroundLastDigit("5.4", -3).high, 0.00545);
  EXPECT_EQ(AroundLastDigit("-0.10").low, -0.105);
  EXPECT_EQ(AroundLastDigit("0").low, -0.5);
  EXPECT_EQ(AroundLastDigit("0.00").high, 0.005);
  EXPECT_EQ(AroundLastDigit("1e2").high, 150);
  EXPECT_EQ(AroundTenth("50", -3).low, 0.045);
  EXPECT_EQ(AroundTenth("-50").low, -55);
  EXPECT_EQ(AroundTenth("0").high, 0);
  EXPECT_TRUE(IsDecimal("-0.5e-3"));
  EXPECT_FALSE(IsDecimal(std::string(200, '1')));
}

}  // namespace
}  // namespace hilum::fhir
