#include "storage/object/object_store.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

#include "tests/storage/object/fixture.h"

namespace hilum::storage {
namespace {

constexpr size_t kChunk = 256 * 1024;

TEST_F(ObjectStoreTest, ReadsBackEverySizeThatWasPut) {
  Open();
  std::mt19937_64 random(1);
  std::vector<Stored> all;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{3968}, size_t{3969}, size_t{4095}, size_t{4096}, size_t{4097},
                            kChunk - 1, kChunk, kChunk + 1, size_t{3 << 20} + 17}) {
    all.push_back(PutSynced("1.2." + std::to_string(size), RandomBytes(random, size)));
  }
  for (const Stored& stored : all) ExpectIntact(stored);
  Open();
  for (const Stored& stored : all) ExpectIntact(stored);
}

TEST_F(ObjectStoreTest, ReadsBackWhatWasStreamedInOddPieces) {
  Open();
  std::mt19937_64 random(2);
  std::vector<Stored> all;
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{4096}, kChunk - 1, kChunk, kChunk + 1, 5 * kChunk, size_t{2'000'003}}) {
    for (const size_t piece : {size_t{1021}, kChunk, kChunk * 2 + 5})
      all.push_back(Stream("s", RandomBytes(random, size), piece));
  }
  for (const Stored& stored : all) ExpectIntact(stored);
}

TEST_F(ObjectStoreTest, NothingOfAnEarlierBodyInTheSameBufferReachesTheDisk) {
  Open();
  std::mt19937_64 random(5);
  ObjectBuffer buffer(kChunk);
  buffer.Append(std::string(kChunk, 'x'));
  const std::string body = RandomBytes(random, 3000);
  buffer.Clear();
  buffer.Append(Bytes(body).substr(0, 1000));
  buffer.Append(Bytes(body).substr(1000));
  const auto ref = store_->Put("second", buffer);
  ASSERT_TRUE(ref.ok());
  const Stored alone = PutSynced("second", body);
  std::string a(4096, '\0'), b(4096, '\0');
  const auto file = store_->Locate(*ref)->file;
  ASSERT_TRUE(file->ReadAt(ref->offset, a).ok());
  ASSERT_TRUE(file->ReadAt(alone.ref.offset, b).ok());
  EXPECT_TRUE(a.substr(128, 4096 - 256) == b.substr(128, 4096 - 256));  // frames name their place
  EXPECT_EQ(a.find("xx"), std::string::npos);
}

TEST_F(ObjectStoreTest, StreamedAndPutRecordsAreTheSameBytes) {
  Open();
  std::mt19937_64 random(3);
  const std::string body = RandomBytes(random, 3 * kChunk + 100);
  const Stored put = PutSynced("same", body);
  const Stored streamed = Stream("same", body, 1000);
  ASSERT_NE(put.ref.segment, streamed.ref.segment);
  ASSERT_EQ(put.ref.offset, streamed.ref.offset);
  const uint64_t size = ObjectStore::RecordBytes(body.size());
  std::string a(size, '\0'), b(size, '\0');
  const auto first = store_->Locate(put.ref), second = store_->Locate(streamed.ref);
  ASSERT_TRUE(first->file->ReadAt(put.ref.offset, a).ok());
  ASSERT_TRUE(second->file->ReadAt(streamed.ref.offset, b).ok());
  EXPECT_TRUE(a.substr(128, size - 256) == b.substr(128, size - 256));  // frames name their segment
}

TEST_F(ObjectStoreTest, ReadsAnyRange) {
  Open();
  std::mt19937_64 random(4);
  const Stored stored = PutSynced("r", RandomBytes(random, 3 * kChunk + 1000));
  for (int i = 0; i < 200; ++i) {
    const uint64_t begin = random() % (stored.body.size() + 1);
    const uint64_t length = random() % (stored.body.size() - begin + 1);
    std::string out(length, '\0');
    ASSERT_TRUE(store_->Read(stored.ref, begin, out).ok());
    ASSERT_TRUE(out == stored.body.substr(begin, length)) << begin << "+" << length;
  }
  std::string beyond(2, '\0');
  EXPECT_EQ(store_->Read(stored.ref, stored.body.size() - 1, beyond).code(), Code::kInvalid);
  EXPECT_EQ(store_->Read(stored.ref, UINT64_MAX, beyond).code(), Code::kInvalid);
}

TEST_F(ObjectStoreTest, LocateNamesTheBodyInTheFile) {
  Open();
  const Stored stored = PutSynced("l", "the body itself");
  const auto location = store_->Locate(stored.ref);
  ASSERT_TRUE(location.ok());
  std::string out(stored.body.size(), '\0');
  ASSERT_TRUE(location->file->ReadAt(location->offset, out).ok());
  EXPECT_EQ(out, stored.body);
}

TEST_F(ObjectStoreTest, RecordsBeginOnPagesAndTakeWhatIsAccounted) {
  Open();
  Stored previous = Put("a", "x");
  for (const size_t size : {size_t{3839}, size_t{3840}, size_t{3841}, kChunk, 3 * kChunk}) {
    const Stored next = Put("a", std::string(size, 'x'));
    EXPECT_EQ(next.ref.offset % 4096, 0u);
    EXPECT_EQ(next.ref.offset, previous.ref.offset + ObjectStore::RecordBytes(previous.body.size()));
    previous = next;
  }
}

TEST_F(ObjectStoreTest, RefsSurviveTheirEncoding) {
  for (const ObjectRef& ref :
       {ObjectRef{}, ObjectRef{1, 4096, 0}, ObjectRef{UINT32_MAX, uint64_t{1} << 48, (uint64_t{1} << 48) - 1}}) {
    std::string bytes;
    AppendObjectRef(&bytes, ref);
    EXPECT_LE(bytes.size(), 20u);
    ByteReader in(bytes);
    ObjectRef out;
    EXPECT_TRUE(ReadObjectRef(&in, &out));
    EXPECT_TRUE(in.empty());
    EXPECT_EQ(out, ref);
    for (size_t length = 0; length < bytes.size(); ++length) {
      ByteReader cut(Bytes(bytes).substr(0, length));
      EXPECT_FALSE(ReadObjectRef(&cut, &out));
    }
  }
  std::string large;
  for (int i = 0; i < 3; ++i) AppendVarint(&large, uint64_t{1} << 50);
  ByteReader in(large);
  ObjectRef out;
  EXPECT_FALSE(ReadObjectRef(&in, &out));
}

TEST_F(ObjectStoreTest, IdsAreBounded) {
  Open();
  const std::string longest(64, 'i');
  ExpectIntact(PutSynced(longest, "b"));
  EXPECT_EQ(store_->Put(longest + "i", "b").status().code(), Code::kInvalid);
  EXPECT_EQ(store_->NewWriter(longest + "i").status().code(), Code::kInvalid);
}

TEST_F(ObjectStoreTest, VerifyNoticesTheWrongIdOrPlace) {
  Open();
  const Stored stored = PutSynced("mine", std::string(10'000, 'm'));
  EXPECT_EQ(store_->VerifyObject("yours", stored.ref).code(), Code::kCorruption);
  for (ObjectRef wrong : {ObjectRef{stored.ref.segment, stored.ref.offset + 4096, stored.ref.length},
                          ObjectRef{stored.ref.segment, stored.ref.offset, stored.ref.length + 1},
                          ObjectRef{stored.ref.segment, stored.ref.offset, uint64_t{1} << 60},
                          ObjectRef{stored.ref.segment, uint64_t{1} << 62, 1}, ObjectRef{stored.ref.segment, 5, 1}}) {
    EXPECT_EQ(store_->VerifyObject("mine", wrong).code(), Code::kCorruption);
    std::string out(1, '\0');
    EXPECT_EQ(store_->Read(wrong, 0, out).code(), Code::kCorruption);
  }
  std::string out(1, '\0');
  EXPECT_EQ(store_->Read({77, 4096, 1}, 0, out).code(), Code::kNotFound);
  EXPECT_EQ(store_->Locate({77, 4096, 1}).status().code(), Code::kNotFound);
  const ObjectRef none{77, 4096, 1};
  EXPECT_EQ(store_->Sync({&none, 1}).code(), Code::kNotFound);
}

TEST_F(ObjectStoreTest, AWriterIsUselessAfterFinish) {
  Open();
  auto writer = store_->NewWriter("w");
  ASSERT_TRUE((*writer)->Append("x").ok());
  ASSERT_TRUE((*writer)->Finish().ok());
  EXPECT_EQ((*writer)->Append("y").code(), Code::kUnavailable);
  EXPECT_EQ((*writer)->Finish().status().code(), Code::kUnavailable);
}

TEST_F(ObjectStoreTest, AWriterThatIsGivenUpLeavesNothingButGarbage) {
  Open();
  {
    auto writer = store_->NewWriter("gone");
    ASSERT_TRUE((*writer)->Append(std::string(3 * kChunk, 'g')).ok());
  }
  const Stored next = Stream("next", "n", 1);
  EXPECT_GE(next.ref.offset, 3 * kChunk) << "behind it";
  ExpectIntact(next);
}

TEST_F(ObjectStoreTest, StreamsHaveSegmentsOfTheirOwnAndHandThemOn) {
  Open();
  auto first = store_->NewWriter("a"), second = store_->NewWriter("b");
  const Stored hot = Put("hot", "h");
  ASSERT_TRUE((*first)->Append("1").ok());
  ASSERT_TRUE((*second)->Append("2").ok());
  const auto a = (*first)->Finish(), b = (*second)->Finish();
  EXPECT_EQ((std::set{a->segment, b->segment, hot.ref.segment}.size()), 3u);
  first->reset();
  second->reset();
  const size_t segments = store_->Segments().size();
  for (int i = 0; i < 5; ++i) ExpectIntact(Stream("again", "s", 1));
  EXPECT_EQ(store_->Segments().size(), segments);
}

TEST_F(ObjectStoreTest, ASegmentIsSealedWhenItIsFull) {
  segment_bytes_ = 1 << 20;
  Open();
  std::vector<Stored> all;
  for (int i = 0; i < 10; ++i) all.push_back(PutSynced("p", std::string(300'000, static_cast<char>('a' + i))));
  EXPECT_TRUE(Info(all.front().ref.segment).sealed);
  EXPECT_FALSE(Info(all.back().ref.segment).sealed);
  const auto before = store_->Segments();
  segment_bytes_ *= 4;  // what is sealed stays so
  Open();
  const auto after = store_->Segments();
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(before[i].bytes, after[i].bytes);
    EXPECT_EQ(before[i].sealed, after[i].sealed);
  }
  for (const Stored& stored : all) ExpectIntact(stored);
}

TEST_F(ObjectStoreTest, AnObjectLargerThanASegmentMakesALargerSegment) {
  segment_bytes_ = 1 << 20;
  Open();
  std::mt19937_64 random(5);
  const Stored put = PutSynced("p", RandomBytes(random, 3 << 20));
  const Stored streamed = Stream("s", RandomBytes(random, 3 << 20), 100'000);
  EXPECT_TRUE(Info(put.ref.segment).sealed);
  EXPECT_TRUE(Info(streamed.ref.segment).sealed);
  ExpectIntact(put);
  ExpectIntact(streamed);
}

TEST_F(ObjectStoreTest, RestartsDoNotPileUpSegments) {
  std::vector<Stored> all;
  for (int i = 0; i < 10; ++i) {
    Open();
    all.push_back(PutSynced("p", "small"));
    if (i % 2 == 1) disk_.Crash();
  }
  EXPECT_EQ(store_->Segments().size(), 1u);
  for (const Stored& stored : all) ExpectIntact(stored);
}

TEST_F(ObjectStoreTest, ManyThreadsPutAndSyncAtOnce) {
  segment_bytes_ = 4 << 20;
  Open();
  constexpr int kThreads = 8, kEach = 40;
  std::vector<std::vector<Stored>> stored(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(static_cast<uint64_t>(t));
      for (int i = 0; i < kEach; ++i) {
        const std::string id = std::to_string(t) + "." + std::to_string(i);
        const std::string body = RandomBytes(random, random() % 100'000);
        stored[static_cast<size_t>(t)].push_back(i % 5 == 0 ? Stream(id, body, 10'000) : PutSynced(id, body));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& of_thread : stored) {
    for (const Stored& each : of_thread) ExpectIntact(each);
  }
}

TEST_F(ObjectStoreTest, OneSyncServesAllThatWasPutBefore) {
  Open();
  std::vector<ObjectRef> refs;
  for (int i = 0; i < 50; ++i) refs.push_back(Put("a", "b").ref);
  disk_.ClearCalls();
  ASSERT_TRUE(store_->Sync(refs).ok());
  EXPECT_EQ(disk_.count(DiskOp::kSync), 1u);
  for (const ObjectRef& ref : refs) ASSERT_TRUE(store_->Sync({&ref, 1}).ok());
  EXPECT_EQ(disk_.count(DiskOp::kSync), 1u);
  ASSERT_TRUE(store_->Sync({}).ok());
  refs.push_back(Put("c", "d").ref);
  ASSERT_TRUE(store_->Sync({&refs.back(), 1}).ok());
  EXPECT_EQ(disk_.count(DiskOp::kSync), 2u);
}

TEST_F(ObjectStoreTest, WhatIsWrittenWhileASyncRunsNeedsAnother) {
  Open();
  const Stored first = Put("first", "1");
  Stored second;
  disk_.set_after_sync([&] {
    disk_.set_after_sync(nullptr);
    second = Put("second", "2");
  });
  ASSERT_TRUE(store_->Sync({&first.ref, 1}).ok());
  ASSERT_TRUE(store_->Sync({&second.ref, 1}).ok());
  disk_.Crash();
  Open();
  ExpectIntact(first);
  ExpectIntact(second);
}

TEST_F(ObjectStoreTest, CallersThatComeWhileASyncRunsShareTheNext) {
  Open();
  PutSynced("makes the segment", "s");
  constexpr int kThreads = 8;
  std::atomic<int> put{0};
  std::atomic<bool> first{true};
  disk_.set_after_sync([&] {
    if (!first.exchange(false)) return;
    while (put.load() < kThreads) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // for them to queue up
  });
  disk_.ClearCalls();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      const Stored stored = Put("t", "b");
      ++put;
      EXPECT_TRUE(store_->Sync({&stored.ref, 1}).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(disk_.count(DiskOp::kSync), 1u);
  EXPECT_LE(disk_.count(DiskOp::kSync), 3u);
}

TEST_F(ObjectStoreTest, BelowTheLowWaterMarkOnlyReadsGoOn) {
  segment_bytes_ = 1 << 20;
  low_water_bytes_ = 10 << 20;
  disk_.set_capacity(20 << 20);
  Open();
  std::vector<Stored> all;
  Status refused;
  for (int i = 0; i < 100 && refused.ok(); ++i) {
    const std::string body(200'000, static_cast<char>(i));
    auto ref = store_->Put("full", body);
    if (ref.ok()) all.push_back({"full", body, *ref});
    refused = ref.status();
  }
  EXPECT_EQ(refused.code(), Code::kDiskFull);
  EXPECT_GT(all.size(), 40u);
  EXPECT_GE(*disk_.FreeBytes("/"), low_water_bytes_);
  for (const Stored& stored : all) ExpectIntact(stored);
  EXPECT_TRUE(store_->Sync({&all.back().ref, 1}).ok());
  EXPECT_TRUE(store_->health().ok());
  EXPECT_EQ(fatal_calls_, 0);
  disk_.set_capacity(40 << 20);
  ExpectIntact(PutSynced("room again", std::string(200'000, 'r')));
}

TEST_F(ObjectStoreTest, AStreamIsRefusedInTheMiddleWhenSpaceEnds) {
  low_water_bytes_ = 1 << 20;
  disk_.set_capacity(4 << 20);
  Open();
  {
    auto writer = store_->NewWriter("big");
    ASSERT_TRUE(writer.ok());
    Status status;
    for (int i = 0; i < 100 && status.ok(); ++i) status = (*writer)->Append(std::string(100'000, 'b'));
    EXPECT_EQ(status.code(), Code::kDiskFull);
    EXPECT_EQ((*writer)->Finish().status().code(), Code::kUnavailable);
  }
  EXPECT_TRUE(store_->health().ok());
  disk_.set_capacity(20 << 20);
  ExpectIntact(Stream("fits", std::string(300'000, 'f'), 9999));
}

TEST(ObjectStoreOnTheMachinesDisk, StoresSealsAndReopens) {
  std::string directory = testing::TempDir() + "hilum_object_XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  PosixDisk disk;
  ObjectStoreOptions options;
  options.directory = directory;
  options.segment_bytes = 1 << 20;
  options.low_water_bytes = 0;
  std::mt19937_64 random(6);
  std::vector<Stored> all;
  for (int life = 0; life < 3; ++life) {
    auto store = ObjectStore::Open(options, disk, Logger());
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    for (int i = 0; i < 5; ++i) {
      const std::string body = RandomBytes(random, 300'000);
      const auto ref = (*store)->Put("p", body);
      ASSERT_TRUE(ref.ok()) << ref.status().ToString();
      ASSERT_TRUE((*store)->Sync({&*ref, 1}).ok());
      all.push_back({"p", body, *ref});
    }
    for (const Stored& stored : all) {
      std::string out(stored.body.size(), '\0');
      EXPECT_TRUE((*store)->Read(stored.ref, 0, out).ok());
      EXPECT_TRUE(out == stored.body);
      const auto location = (*store)->Locate(stored.ref);
      EXPECT_TRUE(location.ok() && location->file->descriptor() >= 0);
    }
    for (const SegmentInfo& info : (*store)->Segments()) {
      struct stat on_disk;
      ASSERT_EQ(stat((directory + "/00000" + std::to_string(info.segment) + ".seg").c_str(), &on_disk), 0);
      EXPECT_EQ(static_cast<uint64_t>(on_disk.st_size), info.bytes);
      if (!info.sealed) continue;
      // What was reserved beyond the end is given back.
      EXPECT_LE(static_cast<uint64_t>(on_disk.st_blocks) * 512, info.bytes + (64 << 10));
    }
  }
  std::filesystem::remove_all(directory);
}

TEST(ObjectStoreOnTheMachinesDisk, NeverWritesToASegmentThatHasAnotherName) {
  std::string directory = testing::TempDir() + "hilum_object_XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  PosixDisk disk;
  const ObjectStoreOptions options{.directory = directory + "/objects", .low_water_bytes = 0};
  const std::string body(10'000, 'b'), file = options.directory + "/000001.seg", other = directory + "/other.seg";
  ObjectRef before;
  {
    auto store = ObjectStore::Open(options, disk, Logger());
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    before = *(*store)->Put("before", body);
    ASSERT_TRUE((*store)->Sync({&before, 1}).ok());
  }
  const auto size = std::filesystem::file_size(file);
  std::filesystem::create_hard_link(file, other);
  for (int life = 0; life < 2; ++life) {
    auto store = ObjectStore::Open(options, disk, Logger());
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    const auto after = (*store)->Put("after", body);
    ASSERT_TRUE(after.ok() && (*store)->Sync({&*after, 1}).ok());
    EXPECT_EQ(after->segment, 2u);
    EXPECT_TRUE((*store)->VerifyObject("before", before).ok());
    EXPECT_TRUE((*store)->VerifyObject("after", *after).ok());
  }
  EXPECT_EQ(std::filesystem::file_size(other), size);
  std::filesystem::remove_all(directory);
}

TEST_F(ObjectStoreTest, RefusesASegmentWhoseFirstPageIsDamaged) {
  Open();
  PutSynced("a", "b");
  store_.reset();
  const auto file = disk_.Open(std::string(kDirectory) + "/000001.seg", OpenMode::kReadWrite);
  for (const uint64_t offset : {0, 9, 13, 100, 4095}) {
    std::string byte(1, '\0');
    ASSERT_TRUE((*file)->ReadAt(offset, byte).ok());
    const char good = byte[0];
    byte[0] = static_cast<char>(good ^ 0x10);
    ASSERT_TRUE((*file)->WriteAt(offset, byte).ok());
    EXPECT_EQ(TryOpen().status().code(), Code::kCorruption);
    byte[0] = good;
    ASSERT_TRUE((*file)->WriteAt(offset, byte).ok());
  }
  EXPECT_TRUE(TryOpen().ok());
}

TEST_F(ObjectStoreTest, IgnoresFilesThatAreNoSegments) {
  Open();
  for (const char* name : {"/notes.txt", "/0000001.seg", "/000000.seg", "/1.seg", "/000002.seg.tmp"}) {
    ASSERT_TRUE(WriteWholeFile(disk_, std::string(kDirectory) + name, "something else").ok());
  }
  Open();
  EXPECT_TRUE(store_->Segments().empty());
  ExpectIntact(PutSynced("a", "b"));
}

TEST_F(ObjectStoreTest, RemovesASegmentWhoseCreationDidNotEnd) {
  Open();
  ASSERT_TRUE(WriteWholeFile(disk_, std::string(kDirectory) + "/000003.seg", std::string(4096, '\0')).ok());
  Open();
  EXPECT_FALSE(*disk_.Exists(std::string(kDirectory) + "/000003.seg"));
  ExpectIntact(PutSynced("a", "b"));
}

}  // namespace
}  // namespace hilum::storage
