#include "storage/index/position.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "storage/index/match_range.h"

namespace hilum::storage {
namespace {

constexpr int64_t kDay = 86'400'000'000;

DateValue Day(int64_t day) {
  return {day * kDay, (day + 1) * kDay};
}
DateValue Year2020() {
  return {18'262 * kDay, 18'628 * kDay};
}

// R4 search 3.1.1.4.4-6 as a table: what a document says, how it is compared, what is asked.
TEST(ComparisonTest, FollowsThePrefixesOfR4) {
  const DateValue day{Day(18'300)};  // in 2020
  const DateValue earlier{Day(18'000)}, later{Day(18'700)};
  const DateValue night{18'300 * kDay + 22 * (kDay / 24), 18'301 * kDay + 6 * (kDay / 24)};
  struct Case {
    DateValue value;
    Comparison comparison;
    DateValue asked;
    bool holds;
  };
  using enum Comparison;
  const Case table[] = {
      {day, kEqual, Year2020(), true},
      {Year2020(), kEqual, day, false},
      {Year2020(), kNotEqual, day, true},
      {day, kNotEqual, Year2020(), false},
      {day, kGreater, Year2020(), false},
      {Year2020(), kGreater, day, true},
      {later, kGreater, Year2020(), true},
      {day, kLess, Year2020(), false},
      {Year2020(), kLess, day, true},
      {earlier, kLess, Year2020(), true},
      {day, kGreaterEqual, Year2020(), true},
      {earlier, kGreaterEqual, Year2020(), false},
      {Year2020(), kGreaterEqual, day, true},
      {night, kGreaterEqual, Day(18'301), true},
      {night, kGreaterEqual, Day(18'302), false},
      {day, kLessEqual, Year2020(), true},
      {later, kLessEqual, Year2020(), false},
      {Year2020(), kLessEqual, day, true},
      {night, kLessEqual, day, true},
      {night, kLessEqual, Day(18'299), false},
      {later, kStartsAfter, Year2020(), true},
      {day, kStartsAfter, Year2020(), false},
      {Day(18'628), kStartsAfter, Year2020(), true},
      {Year2020(), kStartsAfter, day, false},
      {earlier, kEndsBefore, Year2020(), true},
      {Day(18'261), kEndsBefore, Year2020(), true},
      {Year2020(), kEndsBefore, later, true},
      {day, kEndsBefore, Year2020(), false},
      {day, kOverlaps, Year2020(), true},
      {Year2020(), kOverlaps, day, true},
      {Day(18'628), kOverlaps, Year2020(), false},
      {later, kOverlaps, Year2020(), false},
      {{INT64_MIN, 0}, kLess, day, true},
      {{INT64_MIN, 0}, kEndsBefore, day, true},
      {{0, INT64_MAX}, kGreater, Year2020(), true},
      {{0, INT64_MAX}, kOverlaps, day, true},
      {{5, 5}, kOverlaps, {5, 6}, true},
      {{5, 5}, kOverlaps, {6, 7}, false},
  };
  for (size_t i = 0; i < std::size(table); ++i) {
    EXPECT_EQ(Holds(table[i].comparison, ExtentOf(table[i].value), ExtentOf(table[i].asked)), table[i].holds)
        << "row " << i;
  }
}

TEST(PositionTest, OrdersNumbers) {
  const double ascending[] = {
      -std::numeric_limits<double>::infinity(), -1e300, -1, -1e-300, 0, 1e-300, 1, 1.0000001, 1e300,
      std::numeric_limits<double>::infinity()};
  for (size_t i = 1; i < std::size(ascending); ++i) {
    EXPECT_LT(ExtentOf(NumberValue{ascending[i - 1], ascending[i - 1]})->start,
              ExtentOf(NumberValue{ascending[i], ascending[i]})->start);
  }
  EXPECT_EQ(ExtentOf(NumberValue{-0.0, -0.0}), ExtentOf(NumberValue{0, 0}));
  EXPECT_FALSE(ExtentOf(NumberValue{NAN, 1}));
  EXPECT_FALSE(ExtentOf(NumberValue{1, NAN}));
}

TEST(PositionTest, CutsDatesAtTheCalendar) {
  const auto bucket = [](int level, int64_t day) { return BucketOf(LineKind::kDate, level, ExtentOf(Day(day)).start); };
  EXPECT_EQ(bucket(0, 18'262), bucket(0, 18'627));  // 2020
  EXPECT_NE(bucket(0, 18'261), bucket(0, 18'262));
  EXPECT_EQ(bucket(0, 18'627) + 1, bucket(0, 18'628));
  EXPECT_EQ(bucket(1, 18'293), bucket(1, 18'321));  // February 2020 has 29 days
  EXPECT_EQ(bucket(1, 18'321) + 1, bucket(1, 18'322));
  EXPECT_EQ(bucket(0, -1) + 1, bucket(0, 0));  // 1969
  EXPECT_EQ(bucket(1, -1) + 1, bucket(1, 0));
  EXPECT_EQ(ExtentOfBucket(LineKind::kDate, 0, bucket(0, 18'262)), ExtentOf(Year2020()));
}

TEST(PositionTest, CoversAYearByOneBucket) {
  const Extent year = ExtentOf(Year2020());
  const Cover cover = CoverOf(LineKind::kDate, year.start, year.last);
  ASSERT_EQ(cover.whole.size(), 1u);
  EXPECT_EQ(cover.whole[0].level, 0);
  EXPECT_EQ(cover.whole[0].first, cover.whole[0].last);
  EXPECT_TRUE(cover.edges.empty());
}

TEST(PositionTest, CoversWithoutGapOrOverlap) {
  std::mt19937_64 random(3);
  for (const LineKind line : {LineKind::kDate, LineKind::kNumber}) {
    for (int i = 0; i < 2000; ++i) {
      uint64_t first = random(), last = random();
      if (i % 4 == 0) first = 0;
      if (i % 5 == 0) last = UINT64_MAX;
      if (i % 3 == 0) last = first + random() % (uint64_t{1} << (random() % 62));
      if (first > last) std::swap(first, last);
      const Cover cover = CoverOf(line, first, last);
      EXPECT_LE(cover.whole.size(), 5u);
      EXPECT_LE(cover.edges.size(), 2u);

      std::vector<Extent> parts;
      for (const auto& range : cover.whole) {
        parts.push_back(
            {ExtentOfBucket(line, range.level, range.first).start, ExtentOfBucket(line, range.level, range.last).last});
      }
      for (const uint64_t edge : cover.edges) {
        const Extent whole = ExtentOfBucket(line, kFinestLevel, edge);
        parts.push_back({std::max(first, whole.start), std::min(last, whole.last)});
      }
      std::sort(parts.begin(), parts.end(), [](const Extent& a, const Extent& b) { return a.start < b.start; });
      ASSERT_FALSE(parts.empty());
      EXPECT_EQ(parts.front().start, first);
      EXPECT_EQ(parts.back().last, last);
      for (size_t j = 1; j < parts.size(); ++j) EXPECT_EQ(parts[j - 1].last + 1, parts[j].start);
    }
  }
}

TEST(ExtentTest, LeadsBackToTheDate) {
  const DateValue dates[] = {Day(18'300),    Year2020(),     Day(-700'000),
                             {INT64_MIN, 5}, {5, INT64_MAX}, {INT64_MIN, INT64_MAX}};
  for (const DateValue& date : dates) EXPECT_EQ(DateOf(ExtentOf(date)), date) << date.low;
  EXPECT_EQ(DateOf(ExtentOf(DateValue{7, 7})), (DateValue{7, 8}));
}

}  // namespace
}  // namespace hilum::storage
