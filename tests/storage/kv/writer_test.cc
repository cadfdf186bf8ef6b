// Group commit: what tasks see of each other, what a failing one leaves, limits, and a model.
#include "storage/kv/writer.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "tests/storage/kv/kv_testing.h"

namespace hilum::storage {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::Pair;

// Holds the writer thread inside a task, so that the tasks started meanwhile form one group behind it.
class Gate {
 public:
  Task AsTask() {
    return [this](Txn&) {
      std::unique_lock lock(mu_);
      entered_ = true;
      wake_.notify_all();
      wake_.wait(lock, [this] { return open_; });
      return Status::Ok();
    };
  }
  void WaitUntilEntered() {
    std::unique_lock lock(mu_);
    wake_.wait(lock, [this] { return entered_; });
  }
  void Open() {
    std::lock_guard lock(mu_);
    open_ = true;
    wake_.notify_all();
  }

 private:
  std::mutex mu_;
  std::condition_variable wake_;
  bool entered_ = false;
  bool open_ = false;
};

class WriterTest : public ::testing::Test {
 protected:
  void WaitForQueue(size_t tasks) {
    while (writer_->waiting() < tasks) std::this_thread::yield();
  }

  // Runs the tasks in one group, in order, and returns their outcomes.
  std::vector<Result<uint64_t>> RunAsGroup(std::vector<Task> tasks) {
    std::vector<std::optional<Result<uint64_t>>> outcomes(tasks.size());
    Gate gate;
    std::vector<std::thread> threads;
    threads.emplace_back([&] { HILUM_EXPECT_OK(writer_->Run(gate.AsTask())); });
    gate.WaitUntilEntered();
    for (size_t i = 0; i < tasks.size(); ++i) {
      threads.emplace_back([&, i] { outcomes[i].emplace(writer_->Run(tasks[i])); });
      WaitForQueue(i + 1);
    }
    gate.Open();
    for (auto& thread : threads) thread.join();
    std::vector<Result<uint64_t>> results;
    for (auto& outcome : outcomes) results.push_back(*std::move(outcome));
    return results;
  }

  TempDirectory directory_;
  std::unique_ptr<Kv> kv_ = MustOpen(directory_ / "kv");
  std::unique_ptr<Writer> writer_ = Writer::Start(*kv_, TestMergers(), {});
};

Task PutTask(const std::string& key, const std::string& value) {
  return [=](Txn& txn) {
    txn.Put(Family::kCatalogue, key, value);
    return Status::Ok();
  };
}

TEST_F(WriterTest, ATaskIsDurableWhenRunReturns) {
  const auto sequence = writer_->Run(PutTask("a", "1"));
  ASSERT_TRUE(sequence.ok());
  EXPECT_EQ(*sequence, kv_->sequence());
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "a"), "1");
}

TEST_F(WriterTest, LaterTasksOfAGroupSeeEarlierOnesAndShareOneCommit) {
  std::optional<std::string> seen;
  const auto outcomes = RunAsGroup({PutTask("a", "1"), [&](Txn& txn) -> Status {
                                      HILUM_ASSIGN_OR_RETURN(seen, txn.Get(Family::kCatalogue, "a"));
                                      txn.Put(Family::kCatalogue, "b", "2");
                                      return Status::Ok();
                                    }});
  EXPECT_EQ(seen, "1");
  ASSERT_TRUE(outcomes[0].ok() && outcomes[1].ok());
  EXPECT_EQ(*outcomes[0], *outcomes[1]);
  EXPECT_EQ(kv_->sequence(), 1u);
}

TEST_F(WriterTest, WhatGoesBeforeACommitIsDoneOnceForAGroupAndCanRefuseIt) {
  int calls = 0;
  Status outcome;
  writer_.reset();
  writer_ = Writer::Start(*kv_, TestMergers(), {.before_commit = [&] {
    ++calls;
    return outcome;
  }});
  for (const auto& ran : RunAsGroup({PutTask("a", "1"), PutTask("b", "2")})) HILUM_EXPECT_OK(ran);
  EXPECT_EQ(calls, 1);
  outcome = Unavailable("no");
  EXPECT_EQ(writer_->Run(PutTask("a", "3")).status().code(), Code::kUnavailable);
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "a"), "1");
}

TEST_F(WriterTest, AFailingTaskLeavesNothingAndDisturbsNobody) {
  HILUM_EXPECT_OK(writer_->Run(PutTask("kept", "1")));
  std::optional<std::string> seen = "unset";
  const auto outcomes = RunAsGroup({PutTask("a", "1"),
                                    [](Txn& txn) {
                                      txn.Put(Family::kCatalogue, "a", "wrong");
                                      txn.Put(Family::kCatalogue, "b", "wrong");
                                      txn.Delete(Family::kCatalogue, "kept");
                                      txn.Merge(Family::kIndex, "set", "w");
                                      return Invalid("no");
                                    },
                                    [&](Txn& txn) -> Status {
                                      HILUM_ASSIGN_OR_RETURN(seen, txn.Get(Family::kCatalogue, "b"));
                                      txn.Merge(Family::kIndex, "set", "x");
                                      return Status::Ok();
                                    }});
  HILUM_EXPECT_OK(outcomes[0]);
  EXPECT_EQ(outcomes[1].status().code(), Code::kInvalid);
  HILUM_EXPECT_OK(outcomes[2]);
  EXPECT_EQ(seen, std::nullopt);
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "a"), "1");
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "b"), "(absent)");
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "kept"), "1");
  EXPECT_EQ(Read(*kv_, Family::kIndex, "set"), "x");
}

TEST_F(WriterTest, ScanSeesPendingPutsAndDeletesOfAllLayers) {
  Batch batch;
  for (const char* key : {"a", "c", "e", "g"}) batch.Put(Family::kCatalogue, key, "stored");
  HILUM_EXPECT_OK(kv_->Commit(std::move(batch)));
  std::vector<std::pair<std::string, std::string>> all, part, first, none;
  const auto outcomes = RunAsGroup({[](Txn& txn) {
                                      txn.Put(Family::kCatalogue, "b", "group");
                                      txn.Put(Family::kCatalogue, "c", "group");
                                      txn.Put(Family::kCatalogue, "d", "group");
                                      txn.Delete(Family::kCatalogue, "e");
                                      return Status::Ok();
                                    },
                                    [&](Txn& txn) -> Status {
                                      HILUM_ASSIGN_OR_RETURN(first, txn.Scan(Family::kCatalogue, "", "", 1));
                                      txn.Put(Family::kCatalogue, "d", "task");
                                      txn.Delete(Family::kCatalogue, "a");
                                      txn.Delete(Family::kCatalogue, "b");
                                      txn.Put(Family::kCatalogue, "h", "task");
                                      HILUM_ASSIGN_OR_RETURN(all, txn.Scan(Family::kCatalogue, "", ""));
                                      HILUM_ASSIGN_OR_RETURN(part, txn.Scan(Family::kCatalogue, "c", "h", 2));
                                      HILUM_ASSIGN_OR_RETURN(none, txn.Scan(Family::kCatalogue, "h", "c"));
                                      return Status::Ok();
                                    }});
  for (const auto& outcome : outcomes) HILUM_EXPECT_OK(outcome);
  EXPECT_THAT(first, ElementsAre(Pair("a", "stored")));
  EXPECT_THAT(all, ElementsAre(Pair("c", "group"), Pair("d", "task"), Pair("g", "stored"), Pair("h", "task")));
  EXPECT_THAT(part, ElementsAre(Pair("c", "group"), Pair("d", "task")));
  EXPECT_THAT(none, ElementsAre());
}

TEST_F(WriterTest, CombinesTheOperandsOfAGroup) {
  const auto merge = [](const std::string& operand) {
    return [=](Txn& txn) {
      txn.Merge(Family::kIndex, "k", operand);
      return Status::Ok();
    };
  };
  for (const auto& outcome : RunAsGroup({merge("b"), merge("a"), merge("cb")})) HILUM_EXPECT_OK(outcome);
  EXPECT_EQ(Read(*kv_, Family::kIndex, "k"), "abc");
}

TEST_F(WriterTest, ASetOrADeleteDropsEarlierOperandsAndKeepsLaterOnes) {
  HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kIndex, "set", "z")));
  HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kIndex, "deleted", "z")));
  HILUM_EXPECT_OK(writer_->Run([](Txn& txn) {
    txn.Merge(Family::kIndex, "set", "a");
    txn.Put(Family::kIndex, "set", "m");
    txn.Merge(Family::kIndex, "set", "b");
    txn.Merge(Family::kIndex, "deleted", "a");
    txn.Delete(Family::kIndex, "deleted");
    txn.Merge(Family::kIndex, "deleted", "b");
    return Status::Ok();
  }));
  EXPECT_EQ(Read(*kv_, Family::kIndex, "set"), "bm");
  EXPECT_EQ(Read(*kv_, Family::kIndex, "deleted"), "b");
}

TEST_F(WriterTest, ATaskThatChangesNothingCommitsNothing) {
  HILUM_EXPECT_OK(writer_->Run(PutTask("a", "1")));
  const auto sequence = writer_->Run([](Txn&) { return Status::Ok(); });
  ASSERT_TRUE(sequence.ok());
  EXPECT_EQ(*sequence, 1u);
  EXPECT_EQ(kv_->sequence(), 1u);
}

TEST_F(WriterTest, RefusesATaskBeyondTheEnvelopeAlone) {
  const auto put = [](size_t key, size_t value, int times) {
    return [=](Txn& txn) {
      for (int i = 0; i < times; ++i) {
        txn.Put(Family::kCatalogue, std::to_string(i) + std::string(key, 'k'), std::string(value, 'v'));
      }
      return Status::Ok();
    };
  };
  const auto outcomes = RunAsGroup({put(kMaxKeyBytes, 1, 1), put(1, kMaxValueBytes + 1, 1),
                                    put(1, kMaxValueBytes, kMaxTaskBytes / kMaxValueBytes + 1), put(1, 1, 1)});
  EXPECT_EQ(outcomes[0].status().code(), Code::kLimit);
  EXPECT_EQ(outcomes[1].status().code(), Code::kLimit);
  EXPECT_EQ(outcomes[2].status().code(), Code::kLimit);
  HILUM_EXPECT_OK(outcomes[3]);
}

TEST_F(WriterTest, ATaskWithManyChangesEndsItsGroup) {
  std::vector<Task> tasks;
  for (int i = 0; i < 5; ++i) {
    tasks.push_back([i](Txn& txn) -> Status {
      // Sees its predecessor, whether that is committed already or not.
      if (i > 0) {
        HILUM_ASSIGN_OR_RETURN(const auto last, txn.Get(Family::kCatalogue, std::to_string(i - 1) + "/0"));
        if (!last) return Internal("the task before is not visible");
      }
      for (int k = 0; k < 15; ++k) {
        txn.Put(Family::kCatalogue, std::to_string(i) + "/" + std::to_string(k), std::string(50'000, 'v'));
      }
      return Status::Ok();
    });
  }
  const auto outcomes = RunAsGroup(tasks);
  for (const auto& outcome : outcomes) ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_EQ(*outcomes[0], *outcomes[1]) << "0.75 MB each";
  EXPECT_EQ(*outcomes[1] + 1, *outcomes[2]);
  EXPECT_EQ(*outcomes[3] + 1, *outcomes[4]);
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "4/14").size(), 50'000u);
}

TEST_F(WriterTest, RefusesMoreThanTheQueueHolds) {
  writer_ = Writer::Start(*kv_, TestMergers(), {.queue_limit = 2});
  Gate gate;
  std::vector<std::thread> threads;
  threads.emplace_back([&] { HILUM_EXPECT_OK(writer_->Run(gate.AsTask())); });
  gate.WaitUntilEntered();
  std::atomic<int> refused{0};
  for (int i = 0; i < 5; ++i) {
    threads.emplace_back([&] {
      if (writer_->Run(PutTask("a", "1")).status().code() == Code::kUnavailable) ++refused;
    });
  }
  while (refused < 3) std::this_thread::yield();
  gate.Open();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(refused, 3);
}

TEST_F(WriterTest, FinishesWhatWaitsBeforeItStops) {
  Writer* const writer = writer_.get();
  Gate gate;
  std::vector<std::thread> threads;
  threads.emplace_back([&] { HILUM_EXPECT_OK(writer->Run(gate.AsTask())); });
  gate.WaitUntilEntered();
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] { HILUM_EXPECT_OK(writer->Run(PutTask(std::to_string(i), "v"))); });
  }
  WaitForQueue(4);
  std::thread stopper([writer = std::move(writer_)] {});  // its end destroys the writer
  gate.Open();
  for (auto& thread : threads) thread.join();
  stopper.join();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Read(*kv_, Family::kCatalogue, std::to_string(i)), "v");
}

TEST_F(WriterTest, ReadDecideWriteNeedsNoLocks) {
  constexpr int kThreads = 16, kIncrements = 100;
  const Task increment = [](Txn& txn) -> Status {
    HILUM_ASSIGN_OR_RETURN(const auto value, txn.Get(Family::kCatalogue, "counter"));
    txn.Put(Family::kCatalogue, "counter", std::to_string(std::stoi(value.value_or("0")) + 1));
    return Status::Ok();
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int done = 0; done < kIncrements; ++done) HILUM_EXPECT_OK(writer_->Run(increment));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "counter"), std::to_string(kThreads * kIncrements));
  EXPECT_LE(kv_->sequence(), uint64_t{kThreads * kIncrements});
}

// Random tasks from several threads, some of which fail; each runs against the model at the moment it runs against the
// store.
TEST_F(WriterTest, BehavesLikeAMap) {
  const uint64_t seed = SeedFromClock();
  SCOPED_TRACE("seed " + std::to_string(seed));
  using Model = std::map<std::string, std::string>;
  Model rows, sets;
  const SetMerger set_merger;

  const auto random_task = [&](uint64_t task_seed) -> Task {
    return [&, task_seed](Txn& txn) -> Status {
      std::mt19937_64 random(task_seed);
      const auto key = [&] { return std::string(1, static_cast<char>('a' + random() % 12)); };
      Model new_rows = rows, new_sets = sets;
      for (int i = static_cast<int>(random() % 8); i >= 0; --i) {
        const std::string k = key();
        // Now and then so much that the next tasks run while this one is committed.
        if (random() % 200 == 0) {
          for (int n = 0; n < 30; ++n) txn.Put(Family::kLog, std::to_string(n), std::string(50'000, 'v'));
        }
        switch (random() % 5) {
          case 0:
            new_rows[k] = std::to_string(random());
            txn.Put(Family::kCatalogue, k, new_rows[k]);
            break;
          case 1:
            new_rows.erase(k);
            txn.Delete(Family::kCatalogue, k);
            break;
          case 2: {
            const std::string operand = key();
            const std::optional<Bytes> base = new_sets.contains(k) ? std::optional<Bytes>(new_sets[k]) : std::nullopt;
            const Bytes view = operand;
            std::string folded;
            set_merger.Fold(k, base, std::span(&view, 1), &folded);
            new_sets[k] = folded;
            txn.Merge(Family::kIndex, k, operand);
            break;
          }
          case 3: {
            HILUM_ASSIGN_OR_RETURN(const auto found, txn.Get(Family::kCatalogue, k));
            const auto expected = new_rows.find(k);
            EXPECT_EQ(found.value_or("(absent)"), expected == new_rows.end() ? "(absent)" : expected->second);
            break;
          }
          case 4: {
            const std::string upper = random() % 2 ? key() : "";
            const size_t limit = random() % 2 ? SIZE_MAX : random() % 4;
            HILUM_ASSIGN_OR_RETURN(const auto found, txn.Scan(Family::kCatalogue, k, upper, limit));
            std::vector<std::pair<std::string, std::string>> expected;
            for (auto row = new_rows.lower_bound(k); row != new_rows.end() && expected.size() < limit; ++row) {
              if (upper.empty() || row->first < upper) expected.emplace_back(*row);
            }
            EXPECT_EQ(found, expected);
            break;
          }
        }
      }
      if (random() % 4 == 0) return Cancelled("on purpose");
      rows = std::move(new_rows);
      sets = std::move(new_sets);
      return Status::Ok();
    };
  };

  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 150; ++i) {
        const Status outcome = writer_->Run(random_task(seed + t * 1'000'003 + i)).status();
        EXPECT_TRUE(outcome.ok() || outcome.code() == Code::kCancelled) << outcome.ToString();
      }
    });
  }
  for (auto& thread : threads) thread.join();

  const auto content = [this](Family family) {
    Model found;
    const auto walk = kv_->NewIterator(family, "", "");
    for (walk->SeekToFirst(); walk->Valid(); walk->Next()) found.emplace(walk->key(), walk->value());
    HILUM_EXPECT_OK(walk->status());
    return found;
  };
  EXPECT_EQ(content(Family::kCatalogue), rows);
  EXPECT_EQ(content(Family::kIndex), sets);
  writer_.reset();
  kv_.reset();
  kv_ = MustOpen(directory_ / "kv");
  EXPECT_EQ(content(Family::kCatalogue), rows);
  EXPECT_EQ(content(Family::kIndex), sets);
}

}  // namespace
}  // namespace hilum::storage
