#include "codecs/dicom/readable.h"

#include <gtest/gtest.h>

namespace hilum::dicom {
namespace {

TEST(ReadableTest, NamesHaveBlanksBetweenTheirPartsAndTwoBetweenTheirGroups) {
  EXPECT_EQ(Readable(Vr("PN"), "Yamada^Tarou=山田^太郎=やまだ^たろう"), "Yamada Tarou  山田 太郎  やまだ たろう");
  EXPECT_EQ(Readable(Vr("PN"), "Doc^Tor^^Dr^"), "Doc Tor Dr");
  EXPECT_EQ(Readable(Vr("PN"), "=山田^太郎=="), "山田 太郎");
  EXPECT_EQ(Readable(Vr("PN"), "^^^"), "");
  EXPECT_EQ(Readable(Vr("PN"), "Yamada^Tarou^^^=山田^太郎^^^"), "Yamada Tarou  山田 太郎");
}

TEST(ReadableTest, DatesAndTimesAreAsExactAsTheyAre) {
  EXPECT_EQ(Readable(Vr("DA"), "19700102"), "1970-01-02");
  EXPECT_EQ(Readable(Vr("TM"), "121314.123456"), "12:13:14.123456");
  EXPECT_EQ(Readable(Vr("TM"), "1213"), "12:13");
  EXPECT_EQ(Readable(Vr("TM"), "12"), "12");
  EXPECT_EQ(Readable(Vr("DT"), "20200131121314.5-0330"), "2020-01-31 12:13:14.5 -03:30");
  EXPECT_EQ(Readable(Vr("DT"), "202001311213"), "2020-01-31 12:13");
  EXPECT_EQ(Readable(Vr("DT"), "20200131"), "2020-01-31");
  EXPECT_EQ(Readable(Vr("DT"), "202001+0100"), "2020-01 +01:00");
  EXPECT_EQ(Readable(Vr("DT"), "2020"), "2020");
}

TEST(ReadableTest, WhatIsInNoFormOfItsRepresentationStaysAsItIs) {
  for (const char* const date : {"", "1970.01.02", "1970-01-02", "197001021", "soon"})
    EXPECT_EQ(Readable(Vr("DA"), date), date);
  for (const char* const time : {"", "12:13:14", "1", "12131", ".5", "noon", "121314.noon", "1213.5"})
    EXPECT_EQ(Readable(Vr("TM"), time), time);
  for (const char* const moment :
       {"", "2020-01-31T12:13:14", "2020-01-31", "+", "20200131 1213", "now", "+0100", "197001021", "20200131.5"})
    EXPECT_EQ(Readable(Vr("DT"), moment), moment);
  EXPECT_EQ(Readable(Vr("LO"), "19700102^a"), "19700102^a");
}

}  // namespace
}  // namespace hilum::dicom
