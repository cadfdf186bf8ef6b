// Whatever happens to the process or the power: what was synced reads back, and the store opens and goes on.
#include <cerrno>
#include <cstdlib>
#include <tuple>

#include "tests/storage/object/fixture.h"

namespace hilum::storage {
namespace {

// A store under random work, and what it has promised so far.
class CrashModel : public ObjectStoreTest {
 protected:
  void Run(uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_.seed(seed);
    segment_bytes_ = 64 << (10 + random_() % 4);
    room_ahead_bytes_ = random_() % 2 == 0 ? 0 : segment_bytes_;
    promised_.clear();
    ASSERT_NO_FATAL_FAILURE(Open());
    const int lives = 4 + static_cast<int>(random_() % 4);
    for (int life = 0; life < lives && !HasFailure(); ++life) {
      for (uint64_t step = random_() % 30; step > 0; --step) Step();
      Crash();
    }
  }

  void Step() {
    const uint64_t choice = random_() % 10;
    const std::string id = std::to_string(++last_id_);
    const std::string body = RandomBytes(random_, random_() % (choice == 0 ? 700'000 : 20'000));
    if (choice < 5) {
      unsynced_.push_back(Put(id, body));
    } else if (choice < 7) {
      unsynced_.push_back(Stream(id, body, 1 + random_() % 50'000));
    } else if (choice == 7) {
      auto writer = store_->NewWriter(id);
      ASSERT_TRUE(writer.ok());
      ASSERT_TRUE((*writer)->Append(body).ok());
      if (random_() % 2 == 0) in_progress_.push_back(std::move(*writer));
    } else if (!unsynced_.empty()) {
      const size_t i = random_() % unsynced_.size();
      ASSERT_TRUE(store_->Sync({&unsynced_[i].ref, 1}).ok());
      promised_.push_back(unsynced_[i]);
      unsynced_.erase(unsynced_.begin() + static_cast<ptrdiff_t>(i));
    }
  }

  void Crash() {
    const bool power = random_() % 4 != 0;
    if (power)
      disk_.Crash(random_() % 2 == 0 ? MemoryDisk::Loss::kUnsynced : MemoryDisk::Loss::kAnyOfUnsynced, random_());
    in_progress_.clear();
    unsynced_.clear();
    ASSERT_NO_FATAL_FAILURE(Open());
    for (const Stored& stored : promised_) ExpectIntact(stored);
  }

  std::mt19937_64 random_;
  uint64_t last_id_ = 0;
  std::vector<Stored> unsynced_;
  std::vector<Stored> promised_;
  std::vector<std::unique_ptr<ObjectWriter>> in_progress_;
};

TEST_F(CrashModel, WhatWasSyncedSurvivesAnyCrash) {
  const uint64_t seeds = std::getenv("HILUM_LONG_TESTS") ? 3000 : 60;
  for (uint64_t seed = 0; seed < seeds && !HasFailure(); ++seed) {
    ASSERT_NO_FATAL_FAILURE(Wipe());
    Run(seed);
  }
}

TEST_F(ObjectStoreTest, TheNameOfANewSegmentIsDurableWithItsFirstObject) {
  Open();
  const Stored put = PutSynced("p", "1");
  Stored streamed = Stream("s", "2", 1);
  ASSERT_TRUE(store_->Sync({&streamed.ref, 1}).ok());
  disk_.Crash();
  Open();
  ExpectIntact(put);
  ExpectIntact(streamed);
}

TEST_F(ObjectStoreTest, AppendsAfterATornTailLeaveTheTailAlone) {
  Open();
  const Stored first = PutSynced("first", std::string(10'000, '1'));
  const Stored torn = PutSynced("torn", std::string(50'000, '2'));
  store_.reset();
  const std::string path = std::string(kDirectory) + "/000001.seg";
  ASSERT_TRUE((*disk_.Open(path, OpenMode::kReadWrite))->Truncate(torn.ref.offset + 9000).ok());
  Open();
  const Stored next = PutSynced("next", std::string(40'000, '3'));  // ends where the torn one would have
  EXPECT_EQ(next.ref.offset, torn.ref.offset + 3 * 4096);
  EXPECT_EQ(next.ref.offset + ObjectStore::RecordBytes(40'000), torn.ref.offset + ObjectStore::RecordBytes(50'000));
  ExpectIntact(first);
  ExpectIntact(next);
  std::string out;
  EXPECT_EQ(ReadBack(*store_, torn, &out).code(), Code::kCorruption);
}

// Fails every call in turn, of every kind, and looks whether the store keeps its word.
class FaultSweep : public ObjectStoreTest, public testing::WithParamInterface<std::tuple<DiskOp, int, bool>> {
 protected:
  // Runs until the first refusal; what Sync promised is in `promised`.
  Status Work(std::vector<Stored>* promised) {
    std::mt19937_64 random(7);
    for (int i = 0; i < 8; ++i) {
      const std::string id = std::to_string(i);
      const std::string body = RandomBytes(random, i % 3 == 2 ? 300'000 : 20'000);
      ObjectRef ref;
      if (i % 2 == 0) {
        HILUM_ASSIGN_OR_RETURN(ref, store_->Put(id, body));
      } else {
        HILUM_ASSIGN_OR_RETURN(const auto writer, store_->NewWriter(id));
        HILUM_RETURN_IF_ERROR(writer->Append(body));
        HILUM_ASSIGN_OR_RETURN(ref, writer->Finish());
      }
      HILUM_RETURN_IF_ERROR(store_->Sync({&ref, 1}));
      promised->push_back({id, body, ref});
    }
    return Status::Ok();
  }
};

TEST_P(FaultSweep, ErrorsAreReportedAndLoseNothing) {
  const auto [op, error, for_good] = GetParam();
  for (uint64_t nth = 1;; ++nth) {
    SCOPED_TRACE("call " + std::to_string(nth));
    ASSERT_LT(nth, 200u);
    ASSERT_NO_FATAL_FAILURE(Wipe());
    segment_bytes_ = 128 << 10;
    fatal_calls_ = 0;
    Open();

    std::vector<Stored> promised;
    disk_.FailNth(op, nth, error, for_good);
    const Status worked = Work(&promised);
    if (!disk_.failed(op)) {
      EXPECT_TRUE(worked.ok()) << worked.ToString();
      break;
    }
    // Sealing a lane happens when its writer goes: its error shows at the next call.
    const Status health = store_->health();
    EXPECT_TRUE(!worked.ok() || !health.ok());
    EXPECT_EQ(fatal_calls_, health.ok() ? 0 : 1);
    const bool uncertain =
        op == DiskOp::kWrite || op == DiskOp::kSync || op == DiskOp::kTruncate || op == DiskOp::kSyncDirectory;
    EXPECT_EQ(health.ok(), !uncertain);
    disk_.ClearFaults();
    const auto again = store_->Put("again", "after the error");
    EXPECT_EQ(again.ok(), health.ok());
    if (!health.ok()) {
      EXPECT_EQ(again.status().code(), Code::kUnavailable);
      EXPECT_EQ(store_->NewWriter("x").status().code(), Code::kUnavailable);
      EXPECT_EQ(store_->Sync({}).code(), Code::kUnavailable);
    }
    for (const Stored& stored : promised) ExpectIntact(stored);  // reads go on

    disk_.Crash(nth % 2 == 0 ? MemoryDisk::Loss::kUnsynced : MemoryDisk::Loss::kAnyOfUnsynced, nth);
    Open();
    for (const Stored& stored : promised) ExpectIntact(stored);
    ExpectIntact(PutSynced("after", std::string(5000, 'a')));
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, FaultSweep,
                         testing::Combine(testing::Values(DiskOp::kOpen, DiskOp::kWrite, DiskOp::kSync,
                                                          DiskOp::kTruncate, DiskOp::kPreallocate,
                                                          DiskOp::kSyncDirectory, DiskOp::kFreeBytes),
                                          testing::Values(EIO, ENOSPC), testing::Bool()));

TEST_F(ObjectStoreTest, AFailedReadIsReportedAndHarmless) {
  Open();
  const Stored stored = PutSynced("r", std::string(600'000, 'r'));
  std::string out;
  for (uint64_t nth = 1; nth <= 4; ++nth) {
    disk_.FailNth(DiskOp::kRead, nth, EIO);
    EXPECT_EQ(ReadBack(*store_, stored, &out).code(), Code::kIo);
  }
  disk_.ClearFaults();
  ExpectIntact(stored);
  EXPECT_TRUE(store_->health().ok());
}

TEST_F(ObjectStoreTest, OpeningWithFailuresReportsThemAndDestroysNothing) {
  segment_bytes_ = 64 << 10;
  Open();
  std::vector<Stored> all;
  for (int i = 0; i < 6; ++i) all.push_back(PutSynced("o", std::string(30'000, static_cast<char>('a' + i))));
  store_.reset();
  for (const DiskOp op : {DiskOp::kOpen, DiskOp::kRead, DiskOp::kList, DiskOp::kCreateDirectories}) {
    for (uint64_t nth = 1;; ++nth) {
      disk_.FailNth(op, nth, EIO);
      const Code outcome = TryOpen().status().code();
      EXPECT_EQ(outcome, disk_.failed(op) ? Code::kIo : Code::kOk);
      if (!disk_.failed(op)) break;
    }
    disk_.ClearFaults();
  }
  Open();
  for (const Stored& stored : all) ExpectIntact(stored);
}

}  // namespace
}  // namespace hilum::storage
