#include "base/in_parallel.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

namespace hilum {
namespace {

TEST(InParallelTest, RunsBothAtTheSameTime) {
  std::promise<void> first_runs, second_runs;
  const auto meets = [](std::promise<void>* mine, std::promise<void>* other) {
    mine->set_value();
    const auto met = other->get_future().wait_for(std::chrono::seconds(30));
    return met == std::future_status::ready ? Status::Ok() : Internal("the other does not run");
  };
  const Status status =
      InParallel([&] { return meets(&first_runs, &second_runs); }, [&] { return meets(&second_runs, &first_runs); });
  EXPECT_TRUE(status.ok()) << status.ToString();
}

TEST(InParallelTest, ReturnsTheFirstError) {
  EXPECT_EQ(InParallel([] { return Status::Ok(); }, [] { return NotFound("second"); }).message(), "second");
  EXPECT_EQ(InParallel([] { return Invalid("first"); }, [] { return NotFound("second"); }).message(), "first");
}

TEST(InParallelTest, TellsWhatIsThrownAsAnErrorOnceBothAreOver) {
  bool other_ran = false;
  const auto throws = []() -> Status { throw std::runtime_error("thrown"); };
  const auto runs = [&] {
    other_ran = true;
    return Status::Ok();
  };
  EXPECT_EQ(InParallel(throws, runs).code(), Code::kInternal);
  EXPECT_TRUE(other_ran);
  EXPECT_EQ(InParallel(runs, throws).code(), Code::kInternal);
}

}  // namespace
}  // namespace hilum
