#include "base/worker_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <set>
#include <thread>

#include "tests/support/eventually.h"

namespace hilum {
namespace {

TEST(WorkerPool, RunsEveryTaskItTook) {
  std::atomic<int> done = 0;
  {
    WorkerPool pool("test", 3, 1000);
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(pool.TrySubmit([&] { ++done; }));
  }
  EXPECT_EQ(done, 500);
}

TEST(WorkerPool, RefusesWhatNeitherAThreadNorTheQueueHasRoomFor) {
  // given two threads that are busy and a queue of three
  WorkerPool pool("test", 2, 3);
  std::latch busy(2), release(1);
  std::atomic<int> done = 0;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(pool.TrySubmit([&] {
      busy.count_down();
      release.wait();
    }));
  }
  busy.wait();
  EXPECT_EQ(pool.running(), 2u);
  // when more comes than fits
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(pool.TrySubmit([&] { ++done; }));
  EXPECT_EQ(pool.queued(), 3u);
  // then the rest is refused and the queue is served later
  EXPECT_FALSE(pool.TrySubmit([&] { ++done; }));
  release.count_down();
  pool.Stop();
  EXPECT_EQ(done, 3);
}

TEST(WorkerPool, WithoutAQueueFreeThreadsStillTakeTasks) {
  std::latch busy(1), release(1);
  WorkerPool pool("test", 1, 0);
  ASSERT_TRUE(pool.TrySubmit([&] {
    busy.count_down();
    release.wait();
  }));
  busy.wait();
  EXPECT_FALSE(pool.TrySubmit([] {}));
  release.count_down();
}

TEST(WorkerPool, StopRunsWhatIsQueuedAndRefusesTheRest) {
  WorkerPool pool("test", 1, 100);
  std::latch release(1);
  std::atomic<int> done = 0;
  ASSERT_TRUE(pool.TrySubmit([&] { release.wait(); }));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(pool.TrySubmit([&] { ++done; }));
  release.count_down();
  pool.Stop();
  EXPECT_EQ(done, 50);
  EXPECT_FALSE(pool.TrySubmit([] {}));
  pool.Stop();
}

TEST(WorkerPool, NoWakeUpIsLost) {
  // Each task is submitted only after the one before has run: a lost wake-up would hang here.
  std::atomic<int> ran = 0;
  WorkerPool pool("test", 4, 4);
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(pool.TrySubmit([&] {
      ++ran;
      ran.notify_one();
    }));
    ran.wait(i);
  }
  EXPECT_EQ(ran, 5000);
}

TEST(WorkerPool, TasksThatWaitForEachOtherHaveAThreadEach) {
  constexpr int kThreads = 8;
  WorkerPool pool("test", kThreads, 0);
  for (int round = 0; round < 300; ++round) {
    std::latch all(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      while (!pool.TrySubmit([&] {
        all.count_down();
        all.wait();
      }))
        std::this_thread::yield();
    }
    all.wait();
    while (pool.running() > 0) std::this_thread::yield();
  }
  EXPECT_EQ(pool.queued(), 0u) << "every round ended, and nothing was left over";
}

TEST(WorkerPool, TheThreadThatFellAsleepLastIsWokenFirst) {
  // given many threads, and tasks that come one by one
  WorkerPool pool("test", 64, 64);
  std::set<std::thread::id> threads;
  for (int i = 0; i < 500; ++i) {
    std::latch done(1);
    ASSERT_TRUE(pool.TrySubmit([&] {
      threads.insert(std::this_thread::get_id());
      done.count_down();
    }));
    done.wait();
    while (pool.running() > 0) std::this_thread::yield();
  }
  // then few of the threads do all of it (in turn all 64 would); how few is up to who else runs
  EXPECT_LE(threads.size(), 32u);
}

// Tasks that occupy every processor until told to end.
class BusyPool {
 public:
  BusyPool() {
    std::latch begun(kProcessors);
    submitted_ = Clock::now();
    for (int i = 0; i < kProcessors; ++i) {
      EXPECT_TRUE(pool_.TrySubmit(
          [&] {
            begun.count_down();
            end_.wait();
          },
          TaskKind::kComputes));
    }
    begun.wait();
  }
  ~BusyPool() { end_.count_down(); }

  // How long after the busy ones were submitted a task of this kind begins.
  std::chrono::nanoseconds Begin(TaskKind kind) {
    std::promise<Clock::time_point> began;
    EXPECT_TRUE(pool_.TrySubmit([&] { began.set_value(Clock::now()); }, kind));
    return began.get_future().get() - submitted_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static inline const int kProcessors = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  Clock::time_point submitted_;
  std::latch end_{1};
  WorkerPool pool_{"test", static_cast<size_t>(kProcessors) + 1, 8};
};

TEST(WorkerPool, ATaskThatComputesBeginsOnceThoseThatRunTurnOutToWait) {
  // given as many that have just begun as there are processors, and that never end
  BusyPool pool;
  // then another begins, but later
  EXPECT_GE(pool.Begin(TaskKind::kComputes), WorkerPool::kPatience);
}

TEST(WorkerPool, ATaskThatWaitsBeginsBesideThoseThatCompute) {
  auto soonest = std::chrono::nanoseconds::max();
  for (int turn = 0; turn < 200 && soonest >= WorkerPool::kPatience; ++turn) {  // a busy machine may take long for one
    BusyPool pool;
    soonest = std::min(soonest, pool.Begin(TaskKind::kWaits));
  }
  EXPECT_LT(soonest, WorkerPool::kPatience);
}

TEST(WorkerPool, OthersStandInForTasksThatAreAbsent) {
  // given a pool of one thread, and as many absent tasks as may have somebody stand in for them, and one more
  std::latch end(1);
  std::atomic<int> absent = 0, done = 0;
  WorkerPool pool("test", 1, 16);
  const auto leave = [&] {
    const WorkerPool::Absence absence(pool);
    ++absent;
    end.wait();
  };
  for (size_t i = 0; i < WorkerPool::kStandIns - 1; ++i) ASSERT_TRUE(pool.TrySubmit(leave));
  // then there is a thread for another task
  ASSERT_TRUE(pool.TrySubmit([&] { ++done; }));
  EXPECT_TRUE(Eventually([&] { return done == 1; }));
  EXPECT_EQ(absent, static_cast<int>(WorkerPool::kStandIns - 1));
  // but not for one when that is absent as well
  ASSERT_TRUE(pool.TrySubmit(leave));
  EXPECT_TRUE(Eventually([&] { return absent == static_cast<int>(WorkerPool::kStandIns); }));
  ASSERT_TRUE(pool.TrySubmit([&] { ++done; }));
  EXPECT_EQ(pool.queued(), 1u);
  end.count_down();
  EXPECT_TRUE(Eventually([&] { return done == 2; }));
}

TEST(WorkerPool, ReleasesWhatATaskHeldBeforeStopReturns) {
  auto held = std::make_shared<int>(1);
  WorkerPool pool("test", 1, 1);
  ASSERT_TRUE(pool.TrySubmit([copy = held] { EXPECT_EQ(*copy, 1); }));
  pool.Stop();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace hilum
