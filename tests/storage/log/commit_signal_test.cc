#include "storage/log/commit_signal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "tests/support/eventually.h"

namespace hilum::storage {
namespace {

using std::chrono::milliseconds;

TEST(CommitSignalTest, TellsEveryListenerAfterACommit) {
  CommitSignal signal(milliseconds(1));
  std::atomic<int> first = 0;
  std::atomic<int> second = 0;
  const auto one = signal.Subscribe([&] { ++first; });
  const auto two = signal.Subscribe([&] { ++second; });
  signal.Notify();
  EXPECT_TRUE(Eventually([&] { return first == 1 && second == 1; }));
  signal.Notify();
  EXPECT_TRUE(Eventually([&] { return first == 2 && second == 2; }));
}

TEST(CommitSignalTest, TellsAFewTimesOfManyCommits) {
  CommitSignal signal(milliseconds(100));
  std::atomic<int> calls = 0;
  const auto subscription = signal.Subscribe([&] { ++calls; });
  signal.Notify();
  ASSERT_TRUE(Eventually([&] { return calls == 1; }));
  for (int i = 0; i < 10'000; ++i) signal.Notify();
  EXPECT_TRUE(Eventually([&] { return calls >= 2; })) << "the last commit was not told";
  EXPECT_LE(calls, 10);
}

TEST(CommitSignalTest, CallsNobodyWhoHasLeft) {
  CommitSignal signal(milliseconds(0));
  std::atomic<int> calls = 0;
  for (int i = 0; i < 200; ++i) {
    auto alive = std::make_unique<std::atomic<bool>>(true);
    auto subscription = signal.Subscribe([&calls, flag = alive.get()] {
      EXPECT_TRUE(*flag);
      ++calls;
    });
    signal.Notify();
    if (i % 2 == 0) std::this_thread::sleep_for(milliseconds(1));
    subscription = {};
    *alive = false;
  }
  const int before = calls;
  signal.Notify();
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(calls, before);
}

TEST(CommitSignalTest, KeepsListeningWhenASubscriptionIsMoved) {
  CommitSignal signal(milliseconds(1));
  std::atomic<int> calls = 0;
  auto subscription = signal.Subscribe([&] { ++calls; });
  const CommitSignal::Subscription moved = std::move(subscription);
  signal.Notify();
  EXPECT_TRUE(Eventually([&] { return calls == 1; }));
}

}  // namespace
}  // namespace hilum::storage
