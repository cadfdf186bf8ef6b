#include "storage/index/position.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace hilum::storage {
namespace {

constexpr uint64_t kSign = uint64_t{1} << 63;
constexpr int64_t kMicrosPerSecond = 1'000'000;
constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
// Makes years, months, days and seconds of every representable instant positive, so that they sort as unsigned.
constexpr int64_t kBias = int64_t{1} << 48;
constexpr int kNumberShift[kFinestLevel + 1] = {48, 43, 0};

uint64_t PositionOf(int64_t value) {
  return static_cast<uint64_t>(value) ^ kSign;
}
int64_t ValueAt(uint64_t position) {
  return static_cast<int64_t>(position ^ kSign);
}

uint64_t PositionOf(double value) {
  const auto bits = std::bit_cast<uint64_t>(value == 0 ? 0.0 : value);
  return bits & kSign ? ~bits : bits | kSign;
}

int64_t FloorDiv(int64_t a, int64_t b) {
  return a / b - (a % b < 0);
}

struct Month {
  int64_t year;
  int64_t month;  // 0 to 11
};

// Proleptic Gregorian calendar, in cycles of 400 years that begin in March.
constexpr int64_t kDaysPerCycle = 146'097;
constexpr int64_t kDaysToEpoch = 719'468;  // from 0000-03-01

Month MonthOf(int64_t day) {
  day += kDaysToEpoch;
  const int64_t cycle = FloorDiv(day, kDaysPerCycle);
  const int64_t in_cycle = day - cycle * kDaysPerCycle;
  const int64_t year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
  const int64_t in_year = in_cycle - (365 * year + year / 4 - year / 100);
  const int64_t march_month = (5 * in_year + 2) / 153;
  const int64_t month = march_month < 10 ? march_month + 2 : march_month - 10;
  return {cycle * 400 + year + (month <= 1), month};
}

int64_t FirstDayOf(Month month) {
  const int64_t year = month.year - (month.month <= 1);
  const int64_t cycle = FloorDiv(year, 400);
  const int64_t in_cycle = year - cycle * 400;
  const int64_t march_month = (month.month + 10) % 12;
  const int64_t in_year = (153 * march_month + 2) / 5;
  return cycle * kDaysPerCycle + in_cycle * 365 + in_cycle / 4 - in_cycle / 100 + in_year - kDaysToEpoch;
}

// First position of a bucket. The line's first bucket may begin before the line: then 0.
uint64_t StartOf(LineKind kind, int level, uint64_t bucket) {
  if (kind == LineKind::kNumber) return bucket << kNumberShift[level];
  const int64_t period = static_cast<int64_t>(bucket) - kBias;
  if (level == kSecondLevel) {
    return period <= FloorDiv(INT64_MIN, kMicrosPerSecond) ? 0 : PositionOf(period * kMicrosPerSecond);
  }
  int64_t day = period;
  if (level == 0) day = FirstDayOf({period, 0});
  if (level == 1) day = FirstDayOf({FloorDiv(period, 12), period - FloorDiv(period, 12) * 12});
  if (day <= FloorDiv(INT64_MIN, kMicrosPerDay)) return 0;
  return PositionOf(day * kMicrosPerDay);
}

uint64_t LastOf(LineKind kind, int level, uint64_t bucket) {
  if (BucketOf(kind, level, UINT64_MAX) == bucket) return UINT64_MAX;
  return StartOf(kind, level, bucket + 1) - 1;
}

void AddCover(LineKind kind, int level, uint64_t first, uint64_t last, Cover* cover) {
  const uint64_t first_bucket = BucketOf(kind, level, first), last_bucket = BucketOf(kind, level, last);
  const bool first_whole = StartOf(kind, level, first_bucket) == first;
  const bool last_whole = LastOf(kind, level, last_bucket) == last;
  if (first_bucket == last_bucket && !(first_whole && last_whole)) {
    if (level == kFinestLevel) {
      cover->edges.push_back(first_bucket);
    } else {
      AddCover(kind, level + 1, first, last, cover);
    }
    return;
  }
  const uint64_t whole_first = first_bucket + !first_whole, whole_last = last_bucket - !last_whole;
  if (!first_whole) {
    if (level == kFinestLevel) {
      cover->edges.push_back(first_bucket);
    } else {
      AddCover(kind, level + 1, first, LastOf(kind, level, first_bucket), cover);
    }
  }
  if (whole_first <= whole_last) cover->whole.push_back({level, whole_first, whole_last});
  if (!last_whole) {
    if (level == kFinestLevel) {
      cover->edges.push_back(last_bucket);
    } else {
      AddCover(kind, level + 1, StartOf(kind, level, last_bucket), last, cover);
    }
  }
}

}  // namespace

Extent ExtentOf(const DateValue& value) {
  const uint64_t start = PositionOf(std::min(value.low, INT64_MAX - 1));
  return {start, std::max(start, PositionOf(value.high) - (value.high != INT64_MIN))};
}

std::optional<Extent> ExtentOf(const NumberValue& value) {
  if (std::isnan(value.low) || std::isnan(value.high)) return std::nullopt;
  const uint64_t start = PositionOf(value.low);
  return Extent{start, std::max(start, PositionOf(value.high))};
}

DateValue DateOf(const Extent& extent) {
  const int64_t last = ValueAt(extent.last);
  return {ValueAt(extent.start), last + (last != INT64_MAX)};
}

uint64_t BucketOf(LineKind kind, int level, uint64_t position) {
  if (kind == LineKind::kNumber) return position >> kNumberShift[level];
  if (level == kSecondLevel) return static_cast<uint64_t>(FloorDiv(ValueAt(position), kMicrosPerSecond) + kBias);
  const int64_t day = FloorDiv(ValueAt(position), kMicrosPerDay);
  if (level == kFinestLevel) return static_cast<uint64_t>(day + kBias);
  const Month month = MonthOf(day);
  return static_cast<uint64_t>((level == 0 ? month.year : month.year * 12 + month.month) + kBias);
}

Extent ExtentOfBucket(LineKind kind, int level, uint64_t bucket) {
  return {StartOf(kind, level, bucket), LastOf(kind, level, bucket)};
}

Cover CoverOf(LineKind kind, uint64_t first, uint64_t last) {
  Cover cover;
  if (first <= last) AddCover(kind, 0, first, last, &cover);
  return cover;
}

}  // namespace hilum::storage
