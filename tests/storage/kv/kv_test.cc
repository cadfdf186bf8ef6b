// Round trips, order, snapshots, preconditions, merges and limits of the store.
#include "storage/kv/kv.h"

#include <chrono>
#include <thread>

#include "tests/storage/kv/kv_testing.h"

namespace hilum::storage {
namespace {

using namespace testing;
using ::testing::ElementsAre;

class KvTest : public ::testing::Test {
 protected:
  void Reopen() {
    kv_.reset();
    kv_ = MustOpen(directory_ / "kv");
    ASSERT_NE(kv_, nullptr);
  }

  std::vector<std::string> Keys(Family family, const std::string& lower, const std::string& upper) {
    std::vector<std::string> keys;
    const auto rows = kv_->NewIterator(family, lower, upper);
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) keys.emplace_back(rows->key());
    HILUM_EXPECT_OK(rows->status());
    return keys;
  }

  TempDirectory directory_;
  std::unique_ptr<Kv> kv_ = MustOpen(directory_ / "kv");
};

TEST_F(KvTest, ReadsBackWhatWasCommittedAlsoAfterReopening) {
  const std::string binary("\0\xFF\0value", 8);
  HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kCatalogue, binary, binary)));

  EXPECT_EQ(Read(*kv_, Family::kCatalogue, binary), binary);
  Reopen();
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, binary), binary);
  EXPECT_EQ(Read(*kv_, Family::kLog, binary), "(absent)") << "families are separate key spaces";
}

TEST_F(KvTest, LaterOperationsOfABatchWinOverEarlierOnes) {
  Batch batch;
  batch.Put(Family::kCatalogue, "a", "1");
  batch.Put(Family::kCatalogue, "a", "2");
  batch.Put(Family::kCatalogue, "b", "1");
  batch.Delete(Family::kCatalogue, "b");
  batch.Delete(Family::kCatalogue, "c");
  batch.Put(Family::kCatalogue, "c", "1");
  HILUM_EXPECT_OK(kv_->Commit(std::move(batch)));

  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "a"), "2");
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "b"), "(absent)");
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "c"), "1");
}

TEST_F(KvTest, NumbersCommitsWithoutGapsAcrossReopening) {
  EXPECT_EQ(kv_->sequence(), 0u);
  for (uint64_t expected : {1u, 2u, 3u}) {
    const auto sequence = kv_->Commit(OnePut(Family::kObject, "k", "v"));
    ASSERT_TRUE(sequence.ok());
    EXPECT_EQ(*sequence, expected);
  }
  Reopen();
  EXPECT_EQ(kv_->sequence(), 3u);
  const auto next = kv_->Commit(OnePut(Family::kObject, "k", "v"));
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(*next, 4u);
}

TEST_F(KvTest, WalksKeysInByteOrderWithinBounds) {
  Batch batch;
  for (const char* key : {"b", "a\xFF", "a", "c", "ab", "\xFF\xFF"}) batch.Put(Family::kCatalogue, key, "v");
  HILUM_EXPECT_OK(kv_->Commit(std::move(batch)));

  EXPECT_THAT(Keys(Family::kCatalogue, "", ""), ElementsAre("a", "ab", "a\xFF", "b", "c", "\xFF\xFF"));
  EXPECT_THAT(Keys(Family::kCatalogue, "ab", "c"), ElementsAre("ab", "a\xFF", "b"));
  EXPECT_THAT(Keys(Family::kCatalogue, "a", PrefixEnd("a")), ElementsAre("a", "ab", "a\xFF"));
  EXPECT_THAT(Keys(Family::kCatalogue, "\xFF", PrefixEnd("\xFF")), ElementsAre("\xFF\xFF"));
  EXPECT_THAT(Keys(Family::kCatalogue, "c", "b"), ElementsAre()) << "an inverted range is empty";
}

TEST_F(KvTest, IteratorNeverLeavesItsRangeInEitherDirection) {
  Batch batch;
  for (const char* key : {"a", "b", "d", "f", "g"}) batch.Put(Family::kCatalogue, key, "v");
  HILUM_EXPECT_OK(kv_->Commit(std::move(batch)));
  const auto rows = kv_->NewIterator(Family::kCatalogue, "b", "g");

  rows->Seek("a");
  ASSERT_TRUE(rows->Valid());
  EXPECT_EQ(rows->key(), "b");
  rows->Prev();
  EXPECT_FALSE(rows->Valid());
  rows->SeekForPrev("z");
  ASSERT_TRUE(rows->Valid());
  EXPECT_EQ(rows->key(), "f");
  rows->SeekForPrev("e");
  ASSERT_TRUE(rows->Valid());
  EXPECT_EQ(rows->key(), "d");
  rows->SeekToLast();
  ASSERT_TRUE(rows->Valid());
  EXPECT_EQ(rows->key(), "f");
  rows->Next();
  EXPECT_FALSE(rows->Valid());
  rows->SeekForPrev("a");
  EXPECT_FALSE(rows->Valid());
  HILUM_EXPECT_OK(rows->status());
}

TEST_F(KvTest, SnapshotKeepsSeeingTheStoreAsItWas) {
  HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kCatalogue, "a", "old")));
  const auto snapshot = kv_->NewSnapshot();
  Batch batch;
  batch.Put(Family::kCatalogue, "a", "new");
  batch.Put(Family::kCatalogue, "b", "new");
  HILUM_EXPECT_OK(kv_->Commit(std::move(batch)));

  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "a", snapshot.get()), "old");
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "b", snapshot.get()), "(absent)");
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "a"), "new");
  const auto rows = kv_->NewIterator(Family::kCatalogue, "", "", snapshot.get());
  rows->SeekToLast();
  ASSERT_TRUE(rows->Valid());
  EXPECT_EQ(rows->key(), "a");
  EXPECT_EQ(rows->value(), "old");
  HILUM_EXPECT_OK(rows->status());
}

TEST_F(KvTest, MultiGetAnswersInTheOrderOfTheKeys) {
  Batch batch;
  batch.Put(Family::kCatalogue, "a", "1");
  batch.Put(Family::kCatalogue, "c", "3");
  HILUM_EXPECT_OK(kv_->Commit(std::move(batch)));
  const std::vector<std::string> keys = {"c", "b", "a", "c"};
  const auto values = kv_->MultiGet(Family::kCatalogue, keys);
  ASSERT_TRUE(values.ok());
  EXPECT_THAT(*values, ElementsAre("3", std::nullopt, "1", "3"));
}

TEST_F(KvTest, FoldsOperandsOverValuesThroughFlushesAndCompactions) {
  const auto merge = [this](Bytes operand) {
    Batch batch;
    batch.Merge(Family::kIndex, "k", operand);
    return kv_->Commit(std::move(batch)).status();
  };
  HILUM_EXPECT_OK(merge("b"));
  EXPECT_EQ(Read(*kv_, Family::kIndex, "k"), "b");
  HILUM_EXPECT_OK(kv_->CompactAll());
  HILUM_EXPECT_OK(merge("c"));
  HILUM_EXPECT_OK(merge("a"));
  EXPECT_EQ(Read(*kv_, Family::kIndex, "k"), "abc");
  HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kIndex, "k", "z")));
  HILUM_EXPECT_OK(merge("y"));
  EXPECT_EQ(Read(*kv_, Family::kIndex, "k"), "yz");
  HILUM_EXPECT_OK(kv_->CompactAll());
  Reopen();
  EXPECT_EQ(Read(*kv_, Family::kIndex, "k"), "yz");
}

TEST_F(KvTest, CompactionDropsValuesThatSayNothing) {
  HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kIndex, "k", "?")));
  HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kIndex, "l", "x")));
  HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kResource, "k", "?")));
  HILUM_EXPECT_OK(kv_->CompactAll());
  EXPECT_EQ(Read(*kv_, Family::kIndex, "k"), "(absent)");
  EXPECT_EQ(Read(*kv_, Family::kIndex, "l"), "x");
  EXPECT_EQ(Read(*kv_, Family::kResource, "k"), "?") << "nothing is merged there";
}

// Of more than kTableCommitBytes, in order.
Batch LargeBatch(const std::string& merged, const std::string& deleted) {
  Batch batch;
  batch.Put(Family::kMeta, "row", "meta");
  batch.Merge(Family::kIndex, "set", merged);
  batch.Delete(Family::kResource, deleted);
  char key[16];
  for (int i = 0; i < 600; ++i) {
    std::snprintf(key, sizeof(key), "row%04d", i);
    batch.Put(Family::kResource, key, std::string(30'000, static_cast<char>('a' + i % 26)));
  }
  return batch;
}

TEST_F(KvTest, ALargeCommitIsLaidOverWhatWasThereAndIsThereAfterReopening) {
  Batch before = OnePut(Family::kResource, "gone", "1");
  before.Merge(Family::kIndex, "set", "a");
  before.Put(Family::kResource, "row0001", "old");
  HILUM_EXPECT_OK(kv_->Commit(std::move(before)));
  auto snapshot = kv_->NewSnapshot();

  const auto sequence = kv_->Commit(LargeBatch("bc", "gone"));
  ASSERT_TRUE(sequence.ok()) << sequence.status().ToString();
  EXPECT_EQ(*sequence, 2u);
  EXPECT_EQ(Read(*kv_, Family::kResource, "row0001", snapshot.get()), "old");
  EXPECT_EQ(Read(*kv_, Family::kIndex, "set", snapshot.get()), "a");
  snapshot.reset();

  Batch after = OnePut(Family::kResource, "row0002", "new");
  after.Merge(Family::kIndex, "set", "d");
  HILUM_EXPECT_OK(kv_->Commit(std::move(after)));
  for (const bool reopened : {false, true}) {
    SCOPED_TRACE(reopened);
    EXPECT_EQ(Read(*kv_, Family::kMeta, "row"), "meta");
    EXPECT_EQ(Read(*kv_, Family::kIndex, "set"), "abcd");
    EXPECT_EQ(Read(*kv_, Family::kResource, "gone"), "(absent)");
    EXPECT_TRUE(Read(*kv_, Family::kResource, "row0001") == std::string(30'000, 'b'));
    EXPECT_EQ(Read(*kv_, Family::kResource, "row0002"), "new");
    EXPECT_TRUE(Read(*kv_, Family::kResource, "row0599") == std::string(30'000, 'b'));
    if (reopened) break;
    Reopen();
  }
  EXPECT_EQ(kv_->sequence(), 3u);
  HILUM_EXPECT_OK(kv_->VerifyFiles());
  EXPECT_TRUE(std::filesystem::is_empty(directory_ / "kv/tables"));
}

// RocksDB goes on with another manifest now and then, and removes the one before.
TEST_F(KvTest, AManifestThatIsGoneWhenItIsReadIsAskedForOnceMore) {
  class ForgetfulDisk : public PosixDisk {
   public:
    std::atomic<int> lost{0};
    Result<std::shared_ptr<File>> Open(const std::string& path, OpenMode mode) override {
      if (path.find("/MANIFEST-") != std::string::npos && lost-- > 0) return NotFound(path);
      return PosixDisk::Open(path, mode);
    }
  };
  ForgetfulDisk disk;
  const SystemClock clock;
  const auto kv = Kv::Open(SmallOptions(directory_ / "other"), TestMergers(), disk, clock, Logger());
  ASSERT_TRUE(kv.ok()) << kv.status().ToString();
  disk.lost = 1;
  HILUM_EXPECT_OK((*kv)->Commit(LargeBatch("a", "none")));
  EXPECT_LT(disk.lost, 1);
  HILUM_EXPECT_OK((*kv)->health());
}

uint64_t TablesOf(const Kv& kv) {
  for (const auto& [name, value] : kv.Properties()) {
    if (name == "table_files") return value;
  }
  return 0;
}

TEST_F(KvTest, TablesGatherDuringABulkLoadAndAreCompactedAfterIt) {
  constexpr uint64_t kCommits = 10;
  auto load = kv_->BeginBulkLoad();
  auto overlapping = kv_->BeginBulkLoad();
  for (uint64_t i = 0; i < kCommits; ++i) HILUM_EXPECT_OK(kv_->Commit(LargeBatch("a", "none")));
  overlapping.reset();
  // Each commit has written the same keys in three families.
  EXPECT_GE(TablesOf(*kv_), 3 * kCommits);

  load.reset();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (TablesOf(*kv_) >= kCommits && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_LT(TablesOf(*kv_), kCommits);
  EXPECT_TRUE(Read(*kv_, Family::kResource, "row0599") == std::string(30'000, 'b'));
}

TEST_F(KvTest, ALargeBatchWithoutOrderMeansTheSame) {
  Batch batch = LargeBatch("a", "none");
  batch.Put(Family::kResource, "row0001", "later");
  batch.Put(Family::kCatalogue, "x", "y");
  HILUM_EXPECT_OK(kv_->Commit(std::move(batch)));
  EXPECT_EQ(Read(*kv_, Family::kResource, "row0001"), "later");
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "x"), "y");
}

TEST_F(KvTest, ALargeCommitWithAMergeWithoutMergerChangesNothing) {
  Batch batch = LargeBatch("a", "none");
  batch.Merge(Family::kResource, "set", "x");
  EXPECT_EQ(kv_->Commit(std::move(batch)).status().code(), Code::kInternal);
  EXPECT_EQ(Read(*kv_, Family::kResource, "row0001"), "(absent)");
  HILUM_EXPECT_OK(kv_->health());
}

TEST_F(KvTest, FoldsHundredsOfOperandsOnOneKey) {
  for (int i = 0; i < 300; ++i) {
    Batch batch;
    batch.Merge(Family::kIndex, "k", std::string(1, static_cast<char>('a' + i % 26)));
    HILUM_EXPECT_OK(kv_->Commit(std::move(batch)));
  }
  EXPECT_EQ(Read(*kv_, Family::kIndex, "k"), "abcdefghijklmnopqrstuvwxyz");
  Reopen();
  EXPECT_EQ(Read(*kv_, Family::kIndex, "k"), "abcdefghijklmnopqrstuvwxyz");
}

TEST_F(KvTest, ReportsAnOperandTheMergerRejectsAsCorruption) {
  Batch batch;
  batch.Merge(Family::kIndex, "k", "a!");
  HILUM_EXPECT_OK(kv_->Commit(std::move(batch)));
  EXPECT_EQ(kv_->Get(Family::kIndex, "k").status().code(), Code::kCorruption);
}

TEST_F(KvTest, RefusesAMergeIntoAFamilyWithoutMergerBeforeItReachesTheLog) {
  Batch batch;
  batch.Merge(Family::kCatalogue, "k", "a");
  EXPECT_EQ(kv_->Commit(std::move(batch)).status().code(), Code::kInternal);
  HILUM_EXPECT_OK(kv_->health());
  HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kCatalogue, "k", "v")));
}

TEST_F(KvTest, TakesKeysAndValuesUpToTheEnvelopeAndNothingLarger) {
  const auto commit = [this](size_t key, size_t value) {
    return kv_->Commit(OnePut(Family::kCatalogue, std::string(key, 'k'), std::string(value, 'v'))).status().code();
  };
  EXPECT_EQ(commit(kMaxKeyBytes, kMaxValueBytes), Code::kOk);
  EXPECT_EQ(commit(kMaxKeyBytes + 1, 1), Code::kLimit);
  EXPECT_EQ(commit(1, kMaxValueBytes + 1), Code::kLimit);

  Batch large;
  for (int i = 0; large.bytes() <= kMaxTaskBytes; ++i) {
    large.Put(Family::kCatalogue, std::to_string(i), std::string(kMaxValueBytes, 'v'));
  }
  EXPECT_EQ(kv_->Commit(std::move(large)).status().code(), Code::kLimit);
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "0"), "(absent)");
}

TEST_F(KvTest, ConcurrentCommitsAreAllThereUnderNumbersOfTheirOwn) {
  constexpr int kThreads = 16, kCommits = 20;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < kCommits; ++i) {
        HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kCatalogue, std::to_string(thread * kCommits + i), "v")));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (int i = 0; i < kThreads * kCommits; ++i) EXPECT_EQ(Read(*kv_, Family::kCatalogue, std::to_string(i)), "v");
  EXPECT_EQ(kv_->sequence(), uint64_t{kThreads} * kCommits);
}

TEST_F(KvTest, CheckpointOpensAsAStoreOfItsOwn) {
  for (int i = 0; i < 100; ++i) HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kCatalogue, std::to_string(i), "v")));
  const auto copied = kv_->Checkpoint(directory_ / "copy");
  ASSERT_TRUE(copied.ok()) << copied.status().ToString();
  EXPECT_EQ(*copied, 100u);
  HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kCatalogue, "after", "v")));
  EXPECT_EQ(kv_->Checkpoint(directory_ / "copy").status().code(), Code::kConflict);

  const auto copy = MustOpen(directory_ / "copy");
  ASSERT_NE(copy, nullptr);
  EXPECT_GE(copy->sequence(), *copied);
  EXPECT_EQ(Read(*copy, Family::kCatalogue, "99"), "v");
  EXPECT_EQ(Read(*copy, Family::kCatalogue, "after"), "(absent)");
  HILUM_EXPECT_OK(copy->Commit(OnePut(Family::kCatalogue, "only in the copy", "v")));
  EXPECT_EQ(Read(*kv_, Family::kCatalogue, "only in the copy"), "(absent)");
}

TEST_F(KvTest, VerifyAcceptsAHealthyStoreWhileCommitsGoOn) {
  std::atomic<bool> stop{false};
  std::thread committer([&] {
    for (int i = 0; !stop; ++i) HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kCatalogue, std::to_string(i), "v")));
  });
  for (int i = 0; i < 3; ++i) HILUM_EXPECT_OK(kv_->VerifyFiles());
  stop = true;
  committer.join();
  HILUM_EXPECT_OK(kv_->CompactAll());
  HILUM_EXPECT_OK(kv_->VerifyFiles());
}

TEST_F(KvTest, RefusesASecondOpeningOfTheSameStore) {
  EXPECT_FALSE(OpenKv(SmallOptions(directory_ / "kv")).ok());
  HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kCatalogue, "a", "1")));
}

TEST_F(KvTest, RefusesALowWaterMarkThatLeavesNoRoomForTheWriteBuffers) {
  auto options = SmallOptions(directory_ / "other");
  options.low_water_bytes = 2 * options.write_buffer_bytes - 1;
  EXPECT_EQ(OpenKv(options).status().code(), Code::kInvalid);
}

TEST_F(KvTest, TellsItsMemoryAndFiles) {
  HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kCatalogue, "a", "1")));
  HILUM_EXPECT_OK(kv_->CompactAll());
  std::map<std::string, uint64_t> properties;
  for (const auto& [name, value] : kv_->Properties()) properties[name] = value;
  EXPECT_GT(properties["memtable_bytes"], 0u);
  EXPECT_GT(properties["table_files"], 0u);
  EXPECT_EQ(properties["sequence"], 1u);
}

TEST(PrefixEndTest, IsTheSmallestKeyAfterAllWithThePrefix) {
  EXPECT_EQ(PrefixEnd("ab"), "ac");
  EXPECT_EQ(PrefixEnd("a\xFF\xFF"), "b");
  EXPECT_EQ(PrefixEnd("\xFF\xFF"), "");
  EXPECT_EQ(PrefixEnd(""), "");
}

}  // namespace
}  // namespace hilum::storage
