#include "base/memory_allowance.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "tests/support/eventually.h"

namespace hilum {
namespace {

using namespace std::chrono_literals;

TEST(MemoryAllowanceTest, IsNeverOverdrawn) {
  MemoryAllowance allowance(100);
  MemoryAllowance::Share one(&allowance), other(&allowance);
  EXPECT_TRUE(one.Grow(60));
  EXPECT_FALSE(other.Grow(41));
  EXPECT_TRUE(other.Grow(40));
  EXPECT_FALSE(one.Grow(1));
  EXPECT_EQ(one.held(), 60u);
  EXPECT_EQ(allowance.left(), 0u);
}

TEST(MemoryAllowanceTest, WhatIsGivenBackCanBeHadAgain) {
  MemoryAllowance allowance(100);
  {
    MemoryAllowance::Share share(&allowance);
    ASSERT_TRUE(share.Grow(80));
    share.Shrink(30);
    EXPECT_EQ(allowance.left(), 50u);
    share.Shrink(1000);
    EXPECT_EQ(allowance.left(), 100u);
    ASSERT_TRUE(share.Grow(70));
  }
  EXPECT_EQ(allowance.left(), 100u);
}

TEST(MemoryAllowanceTest, WithoutOneEverythingIsAllowed) {
  MemoryAllowance::Share share(nullptr);
  EXPECT_TRUE(share.Grow(UINT64_MAX));
}

TEST(MemoryAllowanceTest, WhoWaitsComesInTurnOrNotAtAll) {
  MemoryAllowance allowance(100);
  MemoryAllowance::Share first(&allowance), other(&allowance);
  EXPECT_TRUE(first.GrowTo(1000, 0ms)) << "more than there is: all of it";
  EXPECT_EQ(first.held(), 100u);
  EXPECT_FALSE(other.GrowTo(1, 1ms));
  std::atomic<int> came = 0;
  const auto wait = [&](uint64_t bytes) {
    MemoryAllowance::Share share(&allowance);
    came += share.GrowTo(bytes, 10s);
  };
  {
    const std::jthread large(wait, 90);
    first.Shrink(50);  // less than that waits for
    EXPECT_TRUE(Eventually([&] { return !other.Grow(0); }));
    EXPECT_FALSE(other.Grow(1)) << "it is for those who wait";
    const std::jthread small(wait, 1);
    first.Shrink(100);
  }
  EXPECT_EQ(came, 2);
  EXPECT_EQ(allowance.left(), 100u);
}

TEST(MemoryAllowanceTest, ManyThreadsShareIt) {
  MemoryAllowance allowance(10);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        MemoryAllowance::Share share(&allowance);
        if (t % 2 == 0 ? share.Grow(7) : share.GrowTo(7, 10s)) {
          EXPECT_LE(allowance.left(), 3u);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allowance.left(), 10u);
}

}  // namespace
}  // namespace hilum
