#include "base/text.h"

#include <gtest/gtest.h>

#include <utility>

namespace hilum {
namespace {

TEST(TextTest, ChangesTheCaseOfAsciiLettersOnly) {
  EXPECT_EQ(Lower("AZaz@[`{09\xC3\x89"), "azaz@[`{09\xC3\x89");
  EXPECT_EQ(Upper("AZaz@[`{09\xC3\xA9"), "AZAZ@[`{09\xC3\xA9");
}

TEST(TextTest, ComparesWithoutRegardToTheCaseOfAsciiLetters) {
  EXPECT_TRUE(EqualsIgnoringCase("Content-Type", "content-TYPE"));
  EXPECT_FALSE(EqualsIgnoringCase("Content-Type", "Content-Typ"));
  EXPECT_FALSE(EqualsIgnoringCase("@", "`"));
}

TEST(TextTest, TakesListsApart) {
  std::string_view list = " a ; b=c;;\td";
  EXPECT_EQ(TakeUntil(&list, ';'), "a");
  EXPECT_EQ(TakeUntil(&list, ';'), "b=c");
  EXPECT_EQ(TakeUntil(&list, ';'), "");
  EXPECT_EQ(TakeUntil(&list, ';'), "d");
  EXPECT_EQ(list, "");
}

TEST(TextTest, ReadsDecimalNumbersThatFit) {
  EXPECT_EQ(ParseDecimal("0"), 0u);
  EXPECT_EQ(ParseDecimal("18446744073709551615"), UINT64_MAX);
  for (const char* no : {"", "18446744073709551616", "-1", "+1", " 1", "1.0", "0x1"})
    EXPECT_EQ(ParseDecimal(no), std::nullopt) << no;
}

TEST(TextTest, ReadsHexadecimalDigits) {
  EXPECT_EQ(HexValue('9'), 9);
  EXPECT_EQ(HexValue('a'), 10);
  EXPECT_EQ(HexValue('F'), 15);
  for (const char no : {'g', 'G', ' ', '@', '\xE9'}) EXPECT_EQ(HexValue(no), -1) << no;
}

TEST(TextTest, ReadsWeightsAsClientsWriteThem) {
  const std::pair<const char*, int> cases[] = {{"1", 1000},     {"0", 0},      {"1.", 1000},    {"1.000", 1000},
                                               {"0.5", 500},    {"0.001", 1},  {"0.75", 750},   {".9", 900},
                                               {"0.1239", 123}, {"0.0001", 0}, {"1.0000", 1000}};
  for (const auto& [text, thousandths] : cases) EXPECT_EQ(ParseQuality(text), thousandths) << text;
  for (const char* no : {"", "x", "2", "1.001", "-1", "1e1", "0.5x", ".5.5", "00.5", "10", "0,5", " 1"})
    EXPECT_EQ(ParseQuality(no), std::nullopt) << no;
}

}  // namespace
}  // namespace hilum
