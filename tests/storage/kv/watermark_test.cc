#include "storage/kv/watermark.h"

#include <thread>

#include "tests/storage/kv/kv_testing.h"
#include "tests/support/sync_disk.h"

namespace hilum::storage {
namespace {

using namespace testing;

constexpr WatermarkValue kStart{.store = {'i', 'd'}, .sequence = 5, .manifest = {}};

class WatermarkTest : public ::testing::Test {
 protected:
  std::unique_ptr<Watermark> Create() {
    auto watermark =
        Watermark::Create(disk_, path_, kStart, [this](const Status& error) { errors_ += error.ok() ? 0 : 1; });
    EXPECT_TRUE(watermark.ok());
    return std::move(*watermark);
  }
  uint64_t SequenceOnDisk() {
    const auto value = ReadWatermark(disk_, path_);
    EXPECT_TRUE(value.ok() && value->has_value());
    EXPECT_EQ((*value)->store, kStart.store);
    return (*value)->sequence;
  }

  TempDirectory directory_;
  const std::string path_ = directory_ / "watermark";
  SyncDisk disk_;
  std::atomic<int> errors_{0};
};

TEST_F(WatermarkTest, IsAbsentBeforeItIsCreated) {
  const auto value = ReadWatermark(disk_, path_);
  ASSERT_TRUE(value.ok());
  EXPECT_FALSE(value->has_value());
}

TEST_F(WatermarkTest, EveryRecordIsInTheFileAtOnce) {
  const auto watermark = Create();
  EXPECT_EQ(SequenceOnDisk(), 5u);
  for (uint64_t sequence = 6; sequence < 200; ++sequence) {
    HILUM_EXPECT_OK(watermark->Record(sequence));
    EXPECT_EQ(SequenceOnDisk(), sequence);
    if (sequence % 7 == 0) HILUM_EXPECT_OK(watermark->Sync());
  }
}

TEST_F(WatermarkTest, WhatWasSyncedSurvivesATornWriteOfWhatWasNot) {
  const auto watermark = Create();
  for (uint64_t sequence = 6; sequence < 20; ++sequence) {
    HILUM_EXPECT_OK(watermark->Record(sequence));
    HILUM_EXPECT_OK(watermark->Sync());
    const auto before = ReadWholeFile(disk_, path_, 1 << 20);
    ASSERT_TRUE(before.ok());
    HILUM_EXPECT_OK(watermark->Record(sequence + 1));
    const auto after = ReadWholeFile(disk_, path_, 1 << 20);
    ASSERT_TRUE(after.ok());
    // Power loss may leave any part of what changed since the sync.
    const auto [first, unused] = std::mismatch(before->begin(), before->end(), after->begin());
    const auto torn_at = static_cast<uint64_t>(first - before->begin());
    const auto file = disk_.Open(path_, OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok());
    HILUM_EXPECT_OK((*file)->WriteAt(torn_at, "torn"));
    EXPECT_EQ(SequenceOnDisk(), sequence);
    HILUM_EXPECT_OK((*file)->WriteAt(0, *after));
  }
}

TEST_F(WatermarkTest, IsSyncedSoonAfterARecordAndNotOftener) {
  const auto watermark = Create();
  disk_.syncs = 0;
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t sequence = 6; disk_.syncs < 3; ++sequence) {
    HILUM_EXPECT_OK(watermark->Record(sequence));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(290));
  HILUM_EXPECT_OK(watermark->Sync());
  const int before = disk_.syncs;
  HILUM_EXPECT_OK(watermark->Record(1'000'000));
  while (disk_.syncs == before) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  EXPECT_EQ(disk_.syncs, before + 1) << "the last record is synced though no other follows, and only once";
}

TEST_F(WatermarkTest, AFailedSyncIsReportedOnceAndNeverRetried) {
  const auto watermark = Create();
  disk_.fail = true;
  HILUM_EXPECT_OK(watermark->Record(6));
  while (errors_ == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  disk_.fail = false;
  disk_.syncs = 0;
  EXPECT_FALSE(watermark->Record(7).ok());
  EXPECT_FALSE(watermark->Sync().ok());
  EXPECT_EQ(disk_.syncs, 0);
  EXPECT_EQ(errors_, 1);
}

}  // namespace
}  // namespace hilum::storage
