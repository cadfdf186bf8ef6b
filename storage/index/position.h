// Dates and numbers as ranges on one line of unsigned positions, and the buckets the line is cut into. Pure functions.
//
// A level cuts the line into buckets; each finer level cuts every bucket further. Dates: years, months, days, seconds.
// Numbers: the first 16, 21 and all 64 bits of an order-preserving form. A range of positions is then a few ranges of
// whole buckets and, at either end, part of a finest bucket.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/index/values.h"

namespace hilum::storage {

// Positions [start, last]: last is the last one covered.
struct Extent {
  uint64_t start = 0;
  uint64_t last = 0;
  bool operator==(const Extent&) const = default;
};

// An empty or reversed range is the instant `low`.
Extent ExtentOf(const DateValue& value);
// nullopt for NaN, which has no place on the line. A reversed range is `low` alone.
std::optional<Extent> ExtentOf(const NumberValue& value);
// The inverse of ExtentOf(DateValue); an instant has the length of a microsecond.
DateValue DateOf(const Extent& extent);

enum class LineKind : uint8_t { kDate, kNumber };

// The finest level of ranges; a date has one level more, seconds, for sorting only: what is written within a second
// still shares a list, and a second of it can be sorted by the column.
inline constexpr int kFinestLevel = 2;
inline constexpr int kSecondLevel = 3;

uint64_t BucketOf(LineKind kind, int level, uint64_t position);
// The positions of a bucket.
Extent ExtentOfBucket(LineKind kind, int level, uint64_t bucket);

struct BucketRange {
  int level = 0;
  uint64_t first = 0;
  uint64_t last = 0;  // inclusive
};

// Whole buckets that make up the positions [first, last], and the finest buckets that reach out of it at either end.
struct Cover {
  std::vector<BucketRange> whole;
  std::vector<uint64_t> edges;
};
Cover CoverOf(LineKind kind, uint64_t first, uint64_t last);

}  // namespace hilum::storage
