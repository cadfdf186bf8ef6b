#include "server/fhir_rest/async_jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>

#include "tests/support/seeded_random.h"

namespace hilum::fhir_rest {
namespace {

using fhir::Answer;

class AsyncJobsTest : public ::testing::Test {
 protected:
  // Of a job that is done sooner or later.
  Answer AnswerOf(AsyncJobs& jobs, const std::string& id) {
    for (;;) {
      const auto progress = jobs.Ask(id);
      if (!progress.ok()) return {.status = 404};
      if (progress->answer) return *progress->answer;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  FakeClock clock_;
  testing::SeededRandom random_{1};
};

TEST_F(AsyncJobsTest, AnAnswerIsKeptForAWhile) {
  AsyncJobs jobs({.kept = std::chrono::minutes(10)}, clock_, random_);
  const auto id = jobs.Start(0, [] { return Answer{.status = 201, .body = "{}"}; });
  ASSERT_TRUE(id.ok()) << id.status().ToString();
  EXPECT_EQ(AnswerOf(jobs, *id).status, 201);
  EXPECT_EQ(AnswerOf(jobs, *id).body, "{}") << "asking takes nothing away";
  clock_.Advance(std::chrono::minutes(11));
  EXPECT_EQ(jobs.Ask(*id).status().code(), Code::kNotFound);
}

TEST_F(AsyncJobsTest, WhatRunsAndWhatWaitsSaySo) {
  AsyncJobs jobs({}, clock_, random_);
  std::promise<void> begun, finish;
  const auto first = jobs.Start(0, [&] {
    begun.set_value();
    finish.get_future().wait();
    return Answer{.status = 200};
  });
  const auto second = jobs.Start(0, [] { return Answer{.status = 204}; });
  ASSERT_TRUE(first.ok() && second.ok());
  begun.get_future().wait();
  EXPECT_EQ(jobs.Ask(*first)->phase, "running");
  EXPECT_EQ(jobs.Ask(*second)->phase, "waiting");
  finish.set_value();
  EXPECT_EQ(AnswerOf(jobs, *second).status, 204);
}

TEST_F(AsyncJobsTest, OneThatThrowsIsAnsweredWith500) {
  AsyncJobs jobs({}, clock_, random_);
  const auto bad = jobs.Start(0, []() -> Answer { throw std::bad_alloc(); });
  const auto good = jobs.Start(0, [] { return Answer{.status = 204}; });
  ASSERT_TRUE(bad.ok() && good.ok());
  EXPECT_EQ(AnswerOf(jobs, *bad).status, 500);
  EXPECT_EQ(AnswerOf(jobs, *good).status, 204) << "the thread lives on";
}

TEST_F(AsyncJobsTest, ACancelledRequestThatWaitsIsNeverRunAndHoldsNothing) {
  AsyncJobs jobs({}, clock_, random_);
  std::promise<void> finish;
  bool ran = false;
  const auto body = std::make_shared<int>();
  const auto first = jobs.Start(0, [&] {
    finish.get_future().wait();
    return Answer();
  });
  const auto second = jobs.Start(0, [&, body] {
    ran = true;
    return Answer();
  });
  const auto third = jobs.Start(0, [] { return Answer(); });
  ASSERT_TRUE(first.ok() && second.ok() && third.ok());
  EXPECT_TRUE(jobs.Cancel(*second).ok());
  EXPECT_EQ(body.use_count(), 1) << "bytes that are no longer counted are gone";
  EXPECT_EQ(jobs.Ask(*second).status().code(), Code::kNotFound);
  EXPECT_EQ(jobs.Cancel("no such id").code(), Code::kNotFound);
  finish.set_value();
  AnswerOf(jobs, *third);
  EXPECT_FALSE(ran);
}

TEST_F(AsyncJobsTest, TooManyAndTooLargeOnesAreRefused) {
  AsyncJobs jobs({.waiting = 1, .bytes = 100}, clock_, random_);
  std::promise<void> begun, finish;
  const auto running = jobs.Start(60, [&] {
    begun.set_value();
    finish.get_future().wait();
    return Answer();
  });
  ASSERT_TRUE(running.ok());
  begun.get_future().wait();
  EXPECT_EQ(jobs.Start(60, [] { return Answer(); }).status().code(), Code::kUnavailable);
  const auto waiting = jobs.Start(1, [] { return Answer(); });
  EXPECT_TRUE(waiting.ok()) << waiting.status().ToString();
  EXPECT_EQ(jobs.Start(1, [] { return Answer(); }).status().code(), Code::kUnavailable);
  finish.set_value();
  AnswerOf(jobs, *running);
  EXPECT_TRUE(jobs.Start(60, [] { return Answer(); }).ok()) << "the bytes of the first are free again";
}

}  // namespace
}  // namespace hilum::fhir_rest
