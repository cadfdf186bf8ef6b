#include "base/memory_allowance.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace hilum {
namespace {

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

TEST(MemoryAllowanceTest, ManyThreadsShareIt) {
  MemoryAllowance allowance(10);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        MemoryAllowance::Share share(&allowance);
        if (share.Grow(7)) {
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
