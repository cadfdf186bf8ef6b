#include "base/sleep.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace hilum {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST(Sleep, LastsAsLongAsWasAskedFor) {
  const std::stop_source source;
  const auto begin = steady_clock::now();
  EXPECT_TRUE(SleepFor(source.get_token(), milliseconds(20)));
  EXPECT_GE(steady_clock::now() - begin, milliseconds(20));
}

TEST(Sleep, EndsWhenTheThreadIsAskedToStop) {
  std::atomic<bool> begun = false, went_on = true;
  const auto begin = steady_clock::now();
  {
    const std::jthread thread([&](const std::stop_token& stop) {
      begun = true;
      went_on = SleepFor(stop, std::chrono::hours(1));
    });
    while (!begun) std::this_thread::yield();
  }
  EXPECT_FALSE(went_on);
  EXPECT_LT(steady_clock::now() - begin, std::chrono::minutes(1));
}

TEST(Sleep, DoesNotBeginAfterAStop) {
  std::stop_source source;
  source.request_stop();
  EXPECT_FALSE(SleepFor(source.get_token(), std::chrono::hours(1)));
  EXPECT_FALSE(SleepFor(source.get_token(), milliseconds(0)));
}

}  // namespace
}  // namespace hilum
