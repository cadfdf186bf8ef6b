// Zeros beyond the end of the hot segment and in the one after it: there while the store is open, never in the way of
// what is stored.
#include <cerrno>
#include <thread>

#include "tests/storage/object/fixture.h"
#include "tests/support/eventually.h"

namespace hilum::storage {
namespace {

class RoomAheadTest : public ObjectStoreTest {
 protected:
  static constexpr uint64_t kPage = 4096;

  RoomAheadTest() { room_ahead_bytes_ = 8 << 20; }

  uint64_t FileBytes(int segment = 1) {
    return BytesOf(std::string(kDirectory) + "/00000" + std::to_string(segment) + ".seg");
  }
  uint64_t BytesOf(const std::string& path) {
    const auto file = disk_.Open(path, OpenMode::kRead);
    if (!file.ok()) return 0;
    const auto size = (*file)->Size();
    return size.ok() ? *size : 0;
  }
  static uint64_t EndOf(const Stored& stored) {
    return stored.ref.offset + ObjectStore::RecordBytes(stored.ref.length);
  }
  bool RoomIs(uint64_t bytes, const Stored& last) {
    return Eventually([&] { return FileBytes() == EndOf(last) + bytes; });
  }
};

TEST_F(RoomAheadTest, IsAsLargeAsWhatWasStoredSinceTheStartUpToItsLimit) {
  Open();
  Stored stored = PutSynced("1", std::string(100'000, '1'));
  EXPECT_TRUE(RoomIs(ObjectStore::RecordBytes(100'000), stored));
  stored = PutSynced("2", std::string(5'000'000, '2'));
  EXPECT_TRUE(RoomIs(ObjectStore::RecordBytes(100'000) + ObjectStore::RecordBytes(5'000'000), stored));
  stored = PutSynced("3", std::string(4'000'000, '3'));
  EXPECT_EQ(Info(1).bytes, EndOf(stored)) << "room is no part of what is in use";
  EXPECT_TRUE(RoomIs(16 * 1024 * 1024 - EndOf(stored), stored)) << "nor does it go beyond the segment";
}

TEST_F(RoomAheadTest, IsGivenBackAtTheEnd) {
  Open();
  const Stored stored = PutSynced("1", std::string(100'000, '1'));
  ASSERT_TRUE(RoomIs(ObjectStore::RecordBytes(100'000), stored));
  store_.reset();
  EXPECT_EQ(FileBytes(), EndOf(stored));
}

TEST_F(RoomAheadTest, WhatComesNextOverwritesItAlsoAfterACrash) {
  Open();
  const Stored first = PutSynced("1", std::string(100'000, '1'));
  const Stored zeros = PutSynced("2", std::string(300'000, '\0'));
  ASSERT_TRUE(RoomIs(ObjectStore::RecordBytes(100'000) + ObjectStore::RecordBytes(300'000), zeros));
  const Stored next = PutSynced("3", std::string(200'000, '3'));
  EXPECT_EQ(next.ref.offset, EndOf(zeros));
  disk_.Crash();
  Open();
  EXPECT_EQ(FileBytes(), EndOf(next)) << "the zeros behind it are cut off";
  const Stored last = PutSynced("4", std::string(10'000, '4'));
  EXPECT_EQ(last.ref.offset, EndOf(next));
  for (const Stored& stored : {first, zeros, next, last}) ExpectIntact(stored);
}

TEST_F(RoomAheadTest, ASegmentIsSealedBehindItsLastRecord) {
  Open();
  const Stored first = PutSynced("1", std::string(6'000'000, '1'));
  ASSERT_TRUE(RoomIs(ObjectStore::RecordBytes(6'000'000), first));
  const Stored full = PutSynced("2", std::string(12'000'000, '2'));
  EXPECT_TRUE(Info(1).sealed);
  EXPECT_EQ(FileBytes(), EndOf(full) + 4096);
  const Stored next = PutSynced("3", "3");
  EXPECT_EQ(next.ref.segment, 2u);
  disk_.Crash();
  Open();
  EXPECT_TRUE(Info(1).sealed);
  for (const Stored& stored : {first, full, next}) ExpectIntact(stored);
}

TEST_F(RoomAheadTest, GoesOnInTheNextSegment) {
  Open();
  const Stored first = PutSynced("1", std::string(12'000'000, '1'));
  ASSERT_TRUE(RoomIs(segment_bytes_ - EndOf(first), first));
  const uint64_t rest = room_ahead_bytes_ - (segment_bytes_ - EndOf(first));
  ASSERT_TRUE(Eventually([&] { return FileBytes(2) == kPage + rest; }));
  EXPECT_EQ(Info(2).bytes, kPage);

  const Stored full = PutSynced("2", std::string(5'000'000, '2'));
  EXPECT_EQ(full.ref.segment, 1u);
  const Stored next = PutSynced("3", std::string(100'000, '3'));
  EXPECT_EQ(next.ref.segment, 2u);
  EXPECT_EQ(next.ref.offset, kPage);
  disk_.Crash();
  Open();
  EXPECT_EQ(FileBytes(2), EndOf(next));
  for (const Stored& stored : {first, full, next}) ExpectIntact(stored);
}

TEST_F(RoomAheadTest, TheNextSegmentCanBeSealedEarly) {
  Open();
  const Stored first = PutSynced("1", std::string(12'000'000, '1'));
  ASSERT_TRUE(Eventually([&] { return FileBytes(2) > kPage; }));
  const auto sealed = store_->SealEarly(2);
  ASSERT_TRUE(sealed.ok()) << sealed.status().ToString();
  EXPECT_TRUE(*sealed);
  EXPECT_EQ(FileBytes(2), 2 * kPage) << "without its zeros";
  const Stored full = PutSynced("2", std::string(5'000'000, '2'));
  const Stored next = PutSynced("3", "3");
  EXPECT_EQ(next.ref.segment, 3u);
  for (const Stored& stored : {first, full, next}) ExpectIntact(stored);
}

TEST_F(RoomAheadTest, ADiskNearlyFullGetsNoNextSegment) {
  disk_.set_capacity(segment_bytes_ + (1 << 20));
  Open();
  PutSynced("1", std::string(14'000'000, '1'));
  const Stored last = PutSynced("2", "2");
  ASSERT_TRUE(Eventually([&] { return FileBytes() > EndOf(last); })) << "what the hot segment has is used";
  EXPECT_EQ(FileBytes(2), 0u);
  EXPECT_TRUE(store_->health().ok());
}

TEST_F(RoomAheadTest, BackupsHaveNone) {
  Open();
  const Stored stored = PutSynced("1", std::string(100'000, '1'));
  ASSERT_TRUE(RoomIs(ObjectStore::RecordBytes(100'000), stored));
  ASSERT_TRUE(disk_.CreateDirectories("/backup").ok());
  ASSERT_TRUE(store_->Backup("/backup").ok());
  EXPECT_EQ(BytesOf("/backup/000001.seg"), EndOf(stored));
}

// Writers with pauses as long as the store waits before it prepares room: both meet all the time.
TEST_F(RoomAheadTest, NeverOverwritesWhatAWriterGot) {
  segment_bytes_ = 4 << 20;
  Open();
  std::vector<std::vector<Stored>> stored(3);
  std::vector<std::thread> writers;
  for (size_t w = 0; w < stored.size(); ++w) {
    writers.emplace_back([&, w] {
      std::mt19937_64 random(w);
      for (int i = 0; i < 40; ++i) {
        const std::string id = std::to_string(w) + "." + std::to_string(i);
        const std::string body = RandomBytes(random, random() % 400'000);
        stored[w].push_back(i % 2 == 0 ? PutSynced(id, body) : Put(id, body));
        if (random() % 4 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(18 + random() % 8));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  for (const auto& of_one : stored)
    for (const Stored& each : of_one) ExpectIntact(each);
}

TEST_F(RoomAheadTest, ADiskThatRefusesItStopsTheStore) {
  Open();
  const Stored stored = PutSynced("1", std::string(100'000, '1'));
  ASSERT_TRUE(RoomIs(ObjectStore::RecordBytes(100'000), stored));
  disk_.FailNth(DiskOp::kWrite, 2, EIO);  // behind that of the next object
  PutSynced("2", std::string(100'000, '2'));
  EXPECT_TRUE(Eventually([&] { return !store_->health().ok(); }));
  EXPECT_EQ(store_->Put("3", "3").status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace hilum::storage
