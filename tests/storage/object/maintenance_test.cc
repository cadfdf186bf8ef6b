// Compaction and backup.
#include <cerrno>
#include <map>
#include <set>

#include "tests/storage/object/fixture.h"

namespace hilum::storage {
namespace {

class CompactionTest : public ObjectStoreTest {
 protected:
  // Ten objects in segment 1, which gets sealed.
  void SetUp() override {
    segment_bytes_ = 256 << 10;
    Open();
    std::mt19937_64 random(21);
    for (int i = 0; i < 10; ++i) {
      all_.push_back(PutSynced("id" + std::to_string(i), RandomBytes(random, 30'000)));
      if (i % 2 == 0) live_.insert("id" + std::to_string(i));
    }
    first_ = all_.front().ref.segment;
    ASSERT_TRUE(Info(first_).sealed);
    std::erase_if(all_, [&](const Stored& stored) { return stored.ref.segment != first_; });
  }

  Status Compact() {
    std::vector<ObjectStore::LiveObject> live;
    for (const Stored& stored : all_)
      if (live_.count(stored.id) > 0) live.push_back({stored.id, stored.ref});
    return store_->Compact(first_, live, [&](std::span<const ObjectStore::Move> moves) {
      for (const auto& move : moves) moved_[move.id] = move;
      return Status::Ok();
    });
  }
  std::vector<ObjectStore::LiveObject> All() const {
    std::vector<ObjectStore::LiveObject> all;
    for (const Stored& stored : all_) all.push_back({stored.id, stored.ref});
    return all;
  }
  void ExpectMoved(const Stored& stored) {
    ASSERT_EQ(moved_.count(stored.id), 1u);
    EXPECT_EQ(moved_[stored.id].from, stored.ref);
    ExpectIntact({stored.id, stored.body, moved_[stored.id].to});
  }
  uint64_t StoredBytes() {
    uint64_t sum = 0;
    for (const SegmentInfo& info : store_->Segments()) sum += info.bytes;
    return sum;
  }
  bool FileExists() { return *disk_.Exists(std::string(kDirectory) + "/000001.seg"); }

  uint32_t first_ = 0;
  std::vector<Stored> all_;
  std::set<std::string> live_;
  std::map<std::string, ObjectStore::Move> moved_;
};

TEST_F(CompactionTest, TheLiveMoveAndTheRestIsGone) {
  ASSERT_TRUE(Compact().ok());
  EXPECT_FALSE(FileExists());
  disk_.Crash();
  Open();
  for (const Stored& stored : all_) {
    if (live_.count(stored.id) > 0)
      ExpectMoved(stored);
    else
      EXPECT_EQ(moved_.count(stored.id), 0u);
    std::string out;
    EXPECT_EQ(ReadBack(*store_, stored, &out).code(), Code::kNotFound);
  }
}

TEST_F(CompactionTest, GoesOnBelowTheLowWaterMarkDownToTheReserve) {
  low_water_bytes_ = 8 << 20;
  reserve_bytes_ = 4 << 20;
  Open();
  const auto leave_free = [&](uint64_t bytes) {
    disk_.set_capacity(1 << 30);
    disk_.set_capacity((1 << 30) - *disk_.FreeBytes("/") + bytes);
  };
  leave_free((4 << 20) - 1);
  EXPECT_EQ(Compact().code(), Code::kDiskFull);
  EXPECT_TRUE(FileExists());
  leave_free(5 << 20);
  EXPECT_EQ(store_->Put("new", std::string(300'000, 'n')).status().code(), Code::kDiskFull);
  ASSERT_TRUE(Compact().ok());
  EXPECT_FALSE(FileExists());
  for (const Stored& stored : all_)
    if (live_.count(stored.id) > 0) ExpectMoved(stored);
}

TEST_F(ObjectStoreTest, ASegmentThatThereIsNoRoomToSealStaysOpen) {
  low_water_bytes_ = reserve_bytes_ = 1 << 20;
  Open();
  const Stored stored = PutSynced("1", "1");
  Open();  // nothing is reserved behind it
  disk_.set_capacity(1 << 20);
  EXPECT_EQ(store_->SealEarly(1).status().code(), Code::kDiskFull);
  EXPECT_TRUE(store_->health().ok());
  ExpectIntact(stored);
  disk_.set_capacity(1 << 30);
  const auto sealed = store_->SealEarly(1);
  EXPECT_TRUE(sealed.ok() && *sealed);
}

TEST_F(CompactionTest, CopiesAreDurableBeforeAnybodyIsTold) {
  const Status status = store_->Compact(first_, All(), [&](std::span<const ObjectStore::Move> moves) {
    std::vector<Stored> copies;
    for (size_t i = 0; i < moves.size(); ++i) copies.push_back({moves[i].id, all_[i].body, moves[i].to});
    disk_.Crash();
    auto other = TryOpen();
    EXPECT_TRUE(other.ok());
    for (const Stored& copy : copies) ExpectIntact(**other, copy);
    for (const Stored& original : all_) ExpectIntact(**other, original);
    return Cancelled("crashed");
  });
  EXPECT_EQ(status.code(), Code::kCancelled);
}

TEST_F(CompactionTest, AnErrorBeforeTheEndLeavesEverythingInPlace) {
  const auto refuse = [](std::span<const ObjectStore::Move>) { return Conflict("no"); };
  EXPECT_EQ(store_->Compact(first_, All(), refuse).code(), Code::kConflict);
  for (const Stored& stored : all_) ExpectIntact(stored);
  EXPECT_TRUE(FileExists());
}

TEST_F(CompactionTest, AReaderKeepsTheOldFile) {
  const auto location = store_->Locate(all_[1].ref);
  ASSERT_TRUE(location.ok());
  ASSERT_TRUE(Compact().ok());
  std::string out(all_[1].body.size(), '\0');
  ASSERT_TRUE(location->file->ReadAt(location->offset, out).ok());
  EXPECT_TRUE(out == all_[1].body);
}

TEST_F(CompactionTest, ADamagedLiveBodyKeepsTheSegment) {
  const auto file = disk_.Open(std::string(kDirectory) + "/000001.seg", OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->WriteAt(all_[2].ref.offset + 128, "damage").ok());
  const uint64_t before = StoredBytes();
  EXPECT_EQ(Compact().code(), Code::kCorruption);
  EXPECT_TRUE(FileExists());
  EXPECT_TRUE(moved_.empty());
  EXPECT_EQ(StoredBytes(), before) << "copies that nobody points at";
  live_.erase("id2");
  EXPECT_TRUE(Compact().ok());
  EXPECT_FALSE(FileExists());
}

TEST_F(CompactionTest, WhatIsAnotherObjectThanRowsSayKeepsTheSegment) {
  std::vector<ObjectStore::LiveObject> live = All();
  live[1].id = "another";
  const auto accept = [](std::span<const ObjectStore::Move>) { return Status::Ok(); };
  EXPECT_EQ(store_->Compact(first_, live, accept).code(), Code::kCorruption);
  EXPECT_TRUE(FileExists());
}

TEST_F(CompactionTest, ADamagedHeaderIsHealedByTheMove) {
  const auto file = disk_.Open(std::string(kDirectory) + "/000001.seg", OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->WriteAt(all_[2].ref.offset, "damage").ok());
  ASSERT_TRUE(Compact().ok());
  ExpectMoved(all_[2]);
}

TEST_F(CompactionTest, OnlySealedSegmentsAreCompacted) {
  const Stored hot = PutSynced("hot", "h");
  EXPECT_EQ(store_->Compact(hot.ref.segment, {}, nullptr).code(), Code::kInvalid);
  EXPECT_EQ(store_->Compact(99, {}, nullptr).code(), Code::kNotFound);
}

TEST_F(CompactionTest, ASegmentNumberIsNeverGivenOutTwice) {
  std::set<uint32_t> used;
  live_.clear();
  for (int i = 0; i < 4; ++i) {
    while (true) {
      const Stored stored = PutSynced("n", std::string(100'000, 'n'));
      first_ = stored.ref.segment;
      if (Info(first_).sealed) break;
    }
    EXPECT_TRUE(used.insert(first_).second) << first_;
    ASSERT_TRUE(Compact().ok());
    disk_.Crash();
    Open();
  }
}

TEST_F(CompactionTest, AFaultAtAnyStepLosesNoLiveObject) {
  for (const DiskOp op :
       {DiskOp::kOpen, DiskOp::kRead, DiskOp::kWrite, DiskOp::kSync, DiskOp::kRemove, DiskOp::kSyncDirectory}) {
    for (uint64_t nth = 1; nth < 100; ++nth) {
      SCOPED_TRACE("operation " + std::to_string(static_cast<int>(op)) + " call " + std::to_string(nth));
      ASSERT_NO_FATAL_FAILURE(Wipe());
      all_.clear();
      live_.clear();
      moved_.clear();
      SetUp();
      Open();
      disk_.FailNth(op, nth, EIO);
      const Status status = Compact();
      const bool failed = disk_.failed(op);
      EXPECT_EQ(status.ok(), !failed) << status.ToString();
      disk_.ClearFaults();
      disk_.Crash();
      Open();
      for (const Stored& stored : all_) {
        if (live_.count(stored.id) == 0) continue;
        if (moved_.count(stored.id) > 0)
          ExpectMoved(stored);
        else
          ExpectIntact(stored);
      }
      if (!failed || HasFailure()) break;
    }
  }
}

using SealEarlyTest = ObjectStoreTest;

TEST_F(SealEarlyTest, IsForSegmentsThatNobodyWritesTo) {
  Open();
  const Stored first = PutSynced("first", "body");
  const uint32_t hot = first.ref.segment;
  auto writer = store_->NewWriter("streamed");
  ASSERT_TRUE(writer.ok());
  const uint32_t lane = store_->Segments().back().segment;
  ASSERT_NE(lane, hot);
  const auto sealed = [&](uint32_t segment) {
    const auto outcome = store_->SealEarly(segment);
    EXPECT_TRUE(outcome.ok()) << outcome.status().ToString();
    return outcome.ok() && *outcome;
  };
  EXPECT_FALSE(sealed(lane));
  EXPECT_TRUE(sealed(hot));
  EXPECT_TRUE(Info(hot).sealed);
  EXPECT_TRUE(sealed(hot)) << "it is already";
  EXPECT_NE(PutSynced("second", "body").ref.segment, hot);

  ASSERT_TRUE((*writer)->Append("streamed body").ok());
  ASSERT_TRUE((*writer)->Finish().ok());
  writer->reset();
  EXPECT_TRUE(sealed(lane));
  EXPECT_EQ(store_->SealEarly(999).status().code(), Code::kNotFound);
}

class BackupTest : public ObjectStoreTest {
 protected:
  static constexpr const char* kCopy = "/backup/objects";
  void SetUp() override {
    segment_bytes_ = 128 << 10;
    Open();
    std::mt19937_64 random(31);
    for (int i = 0; i < 9; ++i) all_.push_back(PutSynced("p" + std::to_string(i), RandomBytes(random, 30'000)));
    all_.push_back(Stream("s", RandomBytes(random, 40'000), 999));
    ASSERT_TRUE(store_->Sync({&all_.back().ref, 1}).ok());
    ASSERT_TRUE(disk_.CreateDirectories(kCopy).ok());
  }
  std::unique_ptr<ObjectStore> OpenCopy() {
    ObjectStoreOptions options;
    options.directory = kCopy;
    options.segment_bytes = copy_segment_bytes_;
    options.low_water_bytes = 0;
    auto copy = ObjectStore::Open(options, disk_, Logger());
    EXPECT_TRUE(copy.ok()) << copy.status().ToString();
    return copy.ok() ? std::move(*copy) : nullptr;
  }
  uint64_t copy_segment_bytes_ = 128 << 10;
  std::vector<Stored> all_;
};

TEST_F(BackupTest, ABackupIsAStore) {
  const auto writer = store_->NewWriter("in progress");
  ASSERT_TRUE((*writer)->Append(std::string(300'000, 'x')).ok());
  ASSERT_TRUE(store_->Backup(kCopy).ok());
  disk_.Crash();
  const auto copy = OpenCopy();
  for (const Stored& stored : all_) ExpectIntact(*copy, stored);
}

TEST_F(BackupTest, StoreAndCopyGoOnWithoutDisturbingEachOther) {
  ASSERT_TRUE(store_->Backup(kCopy).ok());
  copy_segment_bytes_ = 1 << 20;  // would leave room in the sealed segments, which are shared
  const auto copy = OpenCopy();
  std::vector<Stored> here, there;
  for (int i = 0; i < 20; ++i) {
    here.push_back(PutSynced("here", std::string(20'000, 'h')));
    const auto ref = copy->Put("there", std::string(20'000, 't'));
    ASSERT_TRUE(ref.ok());
    there.push_back({"there", std::string(20'000, 't'), *ref});
  }
  for (const Stored& stored : here) ExpectIntact(stored);
  for (const Stored& stored : there) ExpectIntact(*copy, stored);
  for (const Stored& stored : all_) {
    ExpectIntact(stored);
    ExpectIntact(*copy, stored);
  }
}

TEST_F(BackupTest, SealedSegmentsAreCopiedWhereLinksAreNotPossible) {
  disk_.FailNth(DiskOp::kHardLink, 1, EXDEV, true);
  ASSERT_TRUE(store_->Backup(kCopy).ok());
  disk_.ClearFaults();
  const auto copy = OpenCopy();
  for (const Stored& stored : all_) ExpectIntact(*copy, stored);
  EXPECT_TRUE(copy->Segments().front().sealed);
}

TEST_F(BackupTest, ACopyThatWouldLeaveTooLittleRoomIsRefused) {
  low_water_bytes_ = 1 << 20;
  Open();
  PutSynced("in an open segment", "h");
  disk_.set_capacity(disk_.used_bytes() + low_water_bytes_);
  EXPECT_EQ(store_->Backup(kCopy).code(), Code::kDiskFull);
  ASSERT_TRUE(disk_.CreateDirectories("/backup/second").ok());
  disk_.set_capacity(disk_.used_bytes() + low_water_bytes_ + segment_bytes_);
  const Status status = store_->Backup("/backup/second");
  EXPECT_TRUE(status.ok()) << status.ToString();
}

TEST_F(BackupTest, ABackupIntoAFolderThatHoldsOneIsRefused) {
  ASSERT_TRUE(store_->Backup(kCopy).ok());
  EXPECT_EQ(store_->Backup(kCopy).code(), Code::kConflict);
}

}  // namespace
}  // namespace hilum::storage
