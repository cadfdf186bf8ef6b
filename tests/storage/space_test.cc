#include "storage/space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hilum::storage {
namespace {

using testing::HasSubstr;

constexpr uint64_t kMiB = 1 << 20;
constexpr SpaceMarks kMarks{.low_water_bytes = 100 * kMiB, .reserve_bytes = 40 * kMiB};

TEST(Space, WhatLiesAboveTheMarkMayBeUsed) {
  EXPECT_EQ(SpareBytes(103 * kMiB, kMarks, Space::kUsual).value(), 3 * kMiB);
  EXPECT_EQ(SpareBytes(100 * kMiB, kMarks, Space::kUsual).value(), 0u);
  EXPECT_EQ(SpareBytes(100 * kMiB, kMarks, Space::kReserve).value(), 60 * kMiB);
}

TEST(Space, BelowTheLowWaterMarkOnlyTheReserveIsThere) {
  const auto usual = SpareBytes(100 * kMiB - 1, kMarks, Space::kUsual);
  EXPECT_EQ(usual.status().code(), Code::kDiskFull);
  EXPECT_THAT(
      usual.status().message(),
      HasSubstr(
          "the disk of the store has 99 MiB free, below the low-water mark of 100 MiB: free some space; reads and "
          "deletions go on"));
  EXPECT_TRUE(SpareBytes(40 * kMiB, kMarks, Space::kReserve).ok());
  const auto reserve = SpareBytes(40 * kMiB - 1, kMarks, Space::kReserve);
  EXPECT_EQ(reserve.status().code(), Code::kDiskFull);
  EXPECT_THAT(reserve.status().message(),
              HasSubstr("has 39 MiB free, below the 40 MiB that deleting and copying need"));
}

TEST(Space, TheReserveIsNeverDearerThanUsualSpace) {
  constexpr SpaceMarks marks{.low_water_bytes = 10 * kMiB, .reserve_bytes = 40 * kMiB};
  EXPECT_EQ(SpareBytes(11 * kMiB, marks, Space::kReserve).value(), kMiB);
}

TEST(Space, TheReserveIsHalfTheLowWaterMarkButHoldsTwoWriteBuffers) {
  EXPECT_EQ(ReserveMark(1000, 100), 500u);
  EXPECT_EQ(ReserveMark(1000, 300), 600u);
  EXPECT_EQ(ReserveMark(1000, 700), 1000u);
}

}  // namespace
}  // namespace hilum::storage
