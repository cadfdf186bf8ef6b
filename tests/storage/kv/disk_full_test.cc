// Disks that fill up: commits are refused before the edge, reads go on, and everything goes on when space returns.
#include <sys/mount.h>

#include <fstream>
#include <latch>
#include <thread>

#include "storage/kv/writer.h"
#include "tests/storage/kv/kv_testing.h"

namespace hilum::storage {
namespace {

using namespace testing;
using ::testing::HasSubstr;

constexpr uint64_t kMiB = 1 << 20;

class ShrinkingDisk : public PosixDisk {
 public:
  std::atomic<uint64_t> free{1024 * kMiB};
  mutable std::atomic<int> looks{0};
  Result<uint64_t> FreeBytes(const std::string&) const override {
    ++looks;
    return free.load();
  }
};

// Of 20 MB that do not compress, in order.
Batch LargeBatch() {
  std::mt19937_64 random(1);
  Batch batch;
  for (int i = 100; i < 500; ++i) {
    std::string value(50'000, '\0');
    for (char& byte : value) byte = static_cast<char>(random());
    batch.Put(Family::kResource, std::to_string(i), value);
  }
  return batch;
}

class DiskFullTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Kv>> Open() {
    return Kv::Open(SmallOptions(directory_ / "kv"), TestMergers(), disk_, clock_, Logger());
  }
  Code Commit(Kv& kv, const std::string& key) {
    clock_.Advance(std::chrono::milliseconds(21));
    return kv.Commit(OnePut(Family::kCatalogue, key, "v")).status().code();
  }

  TempDirectory directory_;
  ShrinkingDisk disk_;
  FakeClock clock_;
};

TEST_F(DiskFullTest, RefusesCommitsBelowTheLowWaterMarkAndGoesOnAboveIt) {
  const auto kv = Open();
  ASSERT_TRUE(kv.ok()) << kv.status().ToString();
  EXPECT_EQ(Commit(**kv, "before"), Code::kOk);

  disk_.free = 16 * kMiB - 1;
  EXPECT_EQ(Commit(**kv, "refused"), Code::kDiskFull);
  EXPECT_EQ(Read(**kv, Family::kCatalogue, "before"), "v");
  EXPECT_EQ(Read(**kv, Family::kCatalogue, "refused"), "(absent)");
  EXPECT_EQ((*kv)->sequence(), 1u);
  HILUM_EXPECT_OK((*kv)->health());

  disk_.free = 16 * kMiB;
  EXPECT_EQ(Commit(**kv, "after"), Code::kOk);
  EXPECT_EQ((*kv)->sequence(), 2u);
}

TEST_F(DiskFullTest, DeletionsAndCheckpointsGoOnDownToTheReserve) {
  const auto kv = Open();
  ASSERT_TRUE(kv.ok()) << kv.status().ToString();
  EXPECT_EQ(Commit(**kv, "before"), Code::kOk);
  const auto remove = [&] {
    clock_.Advance(std::chrono::milliseconds(21));
    Batch batch;
    batch.Delete(Family::kCatalogue, "before");
    return (*kv)->Commit(std::move(batch), Space::kReserve).status();
  };

  disk_.free = 8 * kMiB - 1;
  EXPECT_EQ(remove().code(), Code::kDiskFull);
  EXPECT_EQ((*kv)->Checkpoint(directory_ / "copy").status().code(), Code::kDiskFull);
  EXPECT_EQ(Read(**kv, Family::kCatalogue, "before"), "v");

  disk_.free = 8 * kMiB;
  HILUM_EXPECT_OK(remove());
  HILUM_EXPECT_OK((*kv)->Checkpoint(directory_ / "copy"));
  EXPECT_EQ(Read(**kv, Family::kCatalogue, "before"), "(absent)");
  EXPECT_EQ(Commit(**kv, "refused"), Code::kDiskFull);
}

TEST_F(DiskFullTest, ALargeCommitNeedsRoomForItselfTwiceAboveTheReserve) {
  const auto kv = Open();
  ASSERT_TRUE(kv.ok()) << kv.status().ToString();
  disk_.free = 8 * kMiB + 39'000'000;
  EXPECT_EQ(Commit(**kv, "small"), Code::kOk);
  const Status refused = (*kv)->Commit(LargeBatch()).status();
  EXPECT_EQ(refused.code(), Code::kDiskFull);
  EXPECT_THAT(refused.message(), HasSubstr("a change as large as this one needs 47 MiB"));
  EXPECT_EQ(Read(**kv, Family::kResource, "100"), "(absent)");
  disk_.free = 8 * kMiB + 41'000'000;
  HILUM_EXPECT_OK((*kv)->Commit(LargeBatch()));
}

TEST(ReserveMarkTest, IsHalfOfTheLowWaterMarkButNeverLessThanTheWriteBuffersNeed) {
  EXPECT_EQ(ReserveMark(1024 * kMiB, 64 * kMiB), 512 * kMiB);
  EXPECT_EQ(ReserveMark(160 * kMiB, 64 * kMiB), 128 * kMiB);
  EXPECT_EQ(ReserveMark(128 * kMiB, 64 * kMiB), 128 * kMiB);
}

// Both waited together, so that without care they would be one commit.
TEST_F(DiskFullTest, WhatIsRefusedTakesNoDeletionDownWithIt) {
  const auto kv = Open();
  ASSERT_TRUE(kv.ok()) << kv.status().ToString();
  EXPECT_EQ(Commit(**kv, "doomed"), Code::kOk);
  const auto writer = Writer::Start(**kv, TestMergers(), {});
  disk_.free = 12 * kMiB;
  clock_.Advance(std::chrono::milliseconds(21));

  std::latch entered(1), open(1);
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    const Task gate = [&](Txn&) {
      entered.count_down();
      open.wait();
      return Status::Ok();
    };
    HILUM_EXPECT_OK(writer->Run(gate, Space::kReserve));
  });
  entered.wait();
  const auto expect = [&](Code code, Space space, Task task) {
    const size_t waiting = threads.size();
    threads.emplace_back([&writer, code, space, task] { EXPECT_EQ(writer->Run(task, space).status().code(), code); });
    while (writer->waiting() < waiting) std::this_thread::yield();
  };
  const Task put = [](Txn& txn) {
    txn.Put(Family::kCatalogue, "new", "v");
    return Status::Ok();
  };
  const Task remove = [](Txn& txn) {
    txn.Delete(Family::kCatalogue, "doomed");
    return Status::Ok();
  };
  expect(Code::kDiskFull, Space::kUsual, put);
  expect(Code::kOk, Space::kReserve, remove);
  expect(Code::kDiskFull, Space::kUsual, put);
  open.count_down();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Read(**kv, Family::kCatalogue, "doomed"), "(absent)");
  EXPECT_EQ(Read(**kv, Family::kCatalogue, "new"), "(absent)");
}

TEST_F(DiskFullTest, LooksAtTheDiskRarelyButBeforeMuchIsWritten) {
  const auto kv = Open();
  ASSERT_TRUE(kv.ok()) << kv.status().ToString();
  EXPECT_EQ(Commit(**kv, "first"), Code::kOk);
  disk_.looks = 0;
  for (int i = 0; i < 100; ++i) HILUM_EXPECT_OK((*kv)->Commit(OnePut(Family::kCatalogue, "k", "v")));
  EXPECT_EQ(disk_.looks, 0) << "no time has passed and little was written";
  for (int i = 0; i < 100; ++i) {
    HILUM_EXPECT_OK((*kv)->Commit(OnePut(Family::kCatalogue, "k", std::string(60'000, 'v'))));
  }
  EXPECT_EQ(disk_.looks, 1) << "6 MB were written";
}

TEST_F(DiskFullTest, OpensBelowTheLowWaterMarkForReadingButNotWithoutRoomToRecover) {
  {
    const auto kv = Open();
    ASSERT_TRUE(kv.ok()) << kv.status().ToString();
    EXPECT_EQ(Commit(**kv, "a"), Code::kOk);
  }
  disk_.free = 4 * kMiB;
  const auto refused = Open();
  EXPECT_EQ(refused.status().code(), Code::kDiskFull);
  EXPECT_THAT(refused.status().message(), HasSubstr("opening the store needs"));

  disk_.free = 15 * kMiB;
  const auto kv = Open();
  ASSERT_TRUE(kv.ok()) << kv.status().ToString();
  EXPECT_EQ(Read(**kv, Family::kCatalogue, "a"), "v");
  EXPECT_EQ(Commit(**kv, "b"), Code::kDiskFull);
}

// A real file system of 64 MB. Needs the right to mount.
class SmallFileSystemTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=64m") != 0) {
      GTEST_SKIP() << "no permission to mount a small file system";
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
  }

  TempDirectory directory_;
  bool mounted_ = false;
};

TEST_F(SmallFileSystemTest, FillsUpWithoutHarmAndGoesOnWhenSpaceReturns) {
  const uint64_t seed = SeedFromClock();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  { std::ofstream(directory_ / "ballast") << std::string(16 * kMiB, 'b'); }
  std::vector<std::string> values;
  // Commits random values, which do not compress, until the disk is full; how many.
  const auto fill = [&](Kv& kv) {
    const size_t before = values.size();
    while (true) {
      std::string value(60'000, '\0');
      for (char& byte : value) byte = static_cast<char>(random());
      const auto outcome = kv.Commit(OnePut(Family::kCatalogue, std::to_string(values.size()), value));
      if (!outcome.ok()) {
        EXPECT_EQ(outcome.status().code(), Code::kDiskFull) << outcome.status().ToString();
        return values.size() - before;
      }
      values.push_back(std::move(value));
    }
  };
  const auto expect_all = [&](const Kv& kv) {
    HILUM_EXPECT_OK(kv.health());
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_TRUE(Read(kv, Family::kCatalogue, std::to_string(i)) == values[i]) << i;
    }
  };

  auto kv = MustOpen(directory_ / "kv");
  ASSERT_NE(kv, nullptr);
  EXPECT_GT(fill(*kv), 100u);
  expect_all(*kv);
  for (int round = 0; round < 3; ++round) {
    kv.reset();
    kv = MustOpen(directory_ / "kv");
    ASSERT_NE(kv, nullptr) << "a store that is full to the low-water mark opens again";
    fill(*kv);
    expect_all(*kv);
  }
  std::filesystem::remove(directory_ / "ballast");
  std::this_thread::sleep_for(std::chrono::milliseconds(25));
  EXPECT_GT(fill(*kv), 50u) << "space returned";
  expect_all(*kv);
}

// Somebody else may use up the space meanwhile.
TEST_F(SmallFileSystemTest, ALargeCommitThatDoesNotFitChangesNothingAndIsTakenWhenSpaceReturns) {
  ShrinkingDisk disk;  // claims that there is space
  const SystemClock clock;
  const auto kv = Kv::Open(SmallOptions(directory_ / "kv"), TestMergers(), disk, clock, Logger());
  ASSERT_TRUE(kv.ok()) << kv.status().ToString();
  { std::ofstream(directory_ / "ballast") << std::string(50 * kMiB, 'b'); }
  EXPECT_EQ((*kv)->Commit(LargeBatch()).status().code(), Code::kDiskFull);
  HILUM_EXPECT_OK((*kv)->health());
  EXPECT_TRUE(std::filesystem::is_empty(directory_ / "kv/tables"));
  EXPECT_EQ(Read(**kv, Family::kResource, "100"), "(absent)");
  HILUM_EXPECT_OK((*kv)->Commit(OnePut(Family::kCatalogue, "small", "v")));

  std::filesystem::remove(directory_ / "ballast");
  HILUM_EXPECT_OK((*kv)->Commit(LargeBatch()));
}

}  // namespace
}  // namespace hilum::storage
