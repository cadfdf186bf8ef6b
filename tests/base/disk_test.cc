#include "base/disk.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/memory_disk.h"

namespace hilum {
namespace {

std::string Content(Disk& disk, const std::string& path) {
  auto content = ReadWholeFile(disk, path, 1 << 20);
  EXPECT_TRUE(content.ok()) << content.status().ToString();
  return content.ok() ? *content : "";
}

std::shared_ptr<File> OpenOrDie(Disk& disk, const std::string& path, OpenMode mode) {
  auto file = disk.Open(path, mode);
  EXPECT_TRUE(file.ok()) << file.status().ToString();
  return *file;
}

// What every Disk promises, on the machine's and on the fake.
class DiskTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      disk_ = std::make_unique<PosixDisk>();
      std::string pattern = testing::TempDir() + "hilum_disk_XXXXXX";
      ASSERT_NE(mkdtemp(pattern.data()), nullptr);
      root_ = pattern;
    } else {
      disk_ = std::make_unique<MemoryDisk>();
      root_ = "/root";
      ASSERT_TRUE(disk_->CreateDirectories(root_).ok());
    }
  }
  void TearDown() override {
    if (GetParam()) std::filesystem::remove_all(root_);
  }
  std::string Path(const std::string& name) const { return root_ + "/" + name; }

  std::unique_ptr<Disk> disk_;
  std::string root_;
};

INSTANTIATE_TEST_SUITE_P(Disks, DiskTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Posix" : "Memory"; });

TEST_P(DiskTest, ReadsBackWhatWasWrittenAtAnyOffset) {
  const auto file = OpenOrDie(*disk_, Path("a"), OpenMode::kCreateNew);
  ASSERT_TRUE(file->WriteAt(5000, "later").ok());
  ASSERT_TRUE(file->WriteAt(0, "first").ok());
  std::string gap(1, 'x');
  std::string later(5, 'x');
  EXPECT_TRUE(file->ReadAt(4999, gap).ok());
  EXPECT_TRUE(file->ReadAt(5000, later).ok());
  EXPECT_EQ(gap, std::string(1, '\0'));
  EXPECT_EQ(later, "later");
  EXPECT_EQ(*file->Size(), 5005u);
}

TEST_P(DiskTest, WritesAroundTheCacheAreSeenBesideOrdinaryOnes) {
  struct alignas(File::kDirectBytes) Pages {
    char bytes[2 * File::kDirectBytes];
  };
  const auto pages = std::make_unique<Pages>();
  const auto file = OpenOrDie(*disk_, Path("a"), OpenMode::kCreateNew);
  std::string expected(4 * File::kDirectBytes, '0');
  ASSERT_TRUE(file->WriteAt(0, expected).ok());
  std::string seen(expected.size(), ' ');
  ASSERT_TRUE(file->ReadAt(0, seen).ok());  // so that the pages are in the cache
  std::fill(std::begin(pages->bytes), std::end(pages->bytes), 'd');
  const Bytes direct(pages->bytes, sizeof(pages->bytes));
  ASSERT_TRUE(file->WriteDirectAt(File::kDirectBytes, direct).ok());
  ASSERT_TRUE(file->WriteDirectAt(expected.size(), direct).ok());  // makes the file longer
  ASSERT_TRUE(file->Sync().ok());
  expected.replace(File::kDirectBytes, direct.size(), direct);
  EXPECT_TRUE(Content(*disk_, Path("a")) == expected.append(direct));
}

TEST_P(DiskTest, WritesPiecesOneAfterTheOther) {
  const auto file = OpenOrDie(*disk_, Path("a"), OpenMode::kCreateNew);
  std::vector<Bytes> pieces;
  std::string expected = "...";
  const std::string big(70'000, 'b');
  for (int i = 0; i < 20; ++i) {
    pieces.push_back(i % 5 == 0 ? Bytes() : i % 2 == 0 ? Bytes(big) : Bytes("small"));
    expected += pieces.back();
  }
  ASSERT_TRUE(file->WriteAt(0, "...").ok());
  ASSERT_TRUE(file->WritePiecesAt(3, pieces).ok());
  EXPECT_EQ(Content(*disk_, Path("a")), expected);
}

TEST_P(DiskTest, ReadingPastTheEndIsCorruption) {
  const auto file = OpenOrDie(*disk_, Path("a"), OpenMode::kCreateNew);
  ASSERT_TRUE(file->WriteAt(0, "12345").ok());
  std::string out(3, 'x');
  EXPECT_EQ(file->ReadAt(3, out).code(), Code::kCorruption);
  EXPECT_EQ(file->ReadAt(100, out).code(), Code::kCorruption);
}

TEST_P(DiskTest, TruncatingAndGrowingLeavesZeros) {
  const auto file = OpenOrDie(*disk_, Path("a"), OpenMode::kCreateNew);
  ASSERT_TRUE(file->WriteAt(0, "12345").ok());
  ASSERT_TRUE(file->Truncate(2).ok());
  ASSERT_TRUE(file->Truncate(4).ok());
  EXPECT_EQ(Content(*disk_, Path("a")), std::string("12\0\0", 4));
}

TEST_P(DiskTest, PreallocationKeepsTheSize) {
  const auto file = OpenOrDie(*disk_, Path("a"), OpenMode::kCreateNew);
  ASSERT_TRUE(file->Preallocate(0, 1 << 20).ok());
  EXPECT_EQ(*file->Size(), 0u);
}

TEST_P(DiskTest, OpenModesSayWhatMayExist) {
  EXPECT_EQ(disk_->Open(Path("a"), OpenMode::kRead).status().code(), Code::kNotFound);
  EXPECT_EQ(disk_->Open(Path("a"), OpenMode::kReadWrite).status().code(), Code::kNotFound);
  EXPECT_TRUE(disk_->Open(Path("a"), OpenMode::kReadWriteCreate).ok());
  EXPECT_TRUE(disk_->Open(Path("a"), OpenMode::kReadWriteCreate).ok());
  EXPECT_EQ(disk_->Open(Path("a"), OpenMode::kCreateNew).status().code(), Code::kConflict);
  EXPECT_EQ(disk_->Open(Path("none/a"), OpenMode::kCreateNew).status().code(), Code::kNotFound);
  EXPECT_FALSE(OpenOrDie(*disk_, Path("a"), OpenMode::kRead)->WriteAt(0, "x").ok());
}

TEST_P(DiskTest, NamesCanBeListedLinkedRenamedAndRemoved) {
  ASSERT_TRUE(disk_->CreateDirectories(Path("x/y/z")).ok());
  ASSERT_TRUE(disk_->CreateDirectories(Path("x/y/z/")).ok());
  ASSERT_TRUE(OpenOrDie(*disk_, Path("x/b"), OpenMode::kCreateNew)->WriteAt(0, "b").ok());
  ASSERT_TRUE(disk_->HardLink(Path("x/b"), Path("x/c")).ok());
  EXPECT_EQ(disk_->HardLink(Path("x/b"), Path("x/c")).code(), Code::kConflict);
  ASSERT_TRUE(disk_->Rename(Path("x/b"), Path("x/a")).ok());
  EXPECT_EQ(*disk_->List(Path("x")), (std::vector<std::string>{"a", "c", "y"}));
  EXPECT_EQ(Content(*disk_, Path("x/c")), "b");
  EXPECT_TRUE(*disk_->Exists(Path("x/y/z")));
  ASSERT_TRUE(disk_->Remove(Path("x/a")).ok());
  EXPECT_EQ(disk_->Remove(Path("x/a")).code(), Code::kNotFound);
  EXPECT_FALSE(*disk_->Exists(Path("x/a")));
  EXPECT_TRUE(disk_->SyncDirectory(Path("x")).ok());
  EXPECT_FALSE(disk_->SyncDirectory(Path("none")).ok());
  EXPECT_FALSE(disk_->List(Path("none")).ok());
}

TEST_P(DiskTest, AFolderCannotReplaceAFile) {
  ASSERT_TRUE(OpenOrDie(*disk_, Path("a"), OpenMode::kCreateNew)->Sync().ok());
  EXPECT_FALSE(disk_->CreateDirectories(Path("a")).ok());
  EXPECT_FALSE(disk_->CreateDirectories(Path("a/b")).ok());
}

TEST_P(DiskTest, ARemovedFileStaysReadableWhileHeld) {
  ASSERT_TRUE(OpenOrDie(*disk_, Path("a"), OpenMode::kCreateNew)->WriteAt(0, "still here").ok());
  const auto held = OpenOrDie(*disk_, Path("a"), OpenMode::kRead);
  ASSERT_TRUE(disk_->Remove(Path("a")).ok());
  std::string out(10, ' ');
  EXPECT_TRUE(held->ReadAt(0, out).ok());
  EXPECT_EQ(out, "still here");
}

TEST_P(DiskTest, WholeFilesAreReplacedAndBounded) {
  ASSERT_TRUE(WriteWholeFile(*disk_, Path("a"), std::string(1000, 'a')).ok());
  ASSERT_TRUE(WriteWholeFile(*disk_, Path("a"), "short").ok());
  EXPECT_EQ(Content(*disk_, Path("a")), "short");
  EXPECT_EQ(ReadWholeFile(*disk_, Path("a"), 4).status().code(), Code::kLimit);
  EXPECT_EQ(*disk_->List(root_), std::vector<std::string>{"a"});
}

TEST_P(DiskTest, FreeSpaceIsKnown) {
  EXPECT_GT(*disk_->FreeBytes(root_), 0u);
}

TEST_P(DiskTest, ErrorsNameTheOperationAndThePath) {
  const Status status = disk_->Open(Path("none"), OpenMode::kRead).status();
  EXPECT_NE(status.message().find("open"), std::string::npos);
  EXPECT_NE(status.message().find(Path("none")), std::string::npos);
}

TEST(ParentDirectory, IsWhatHoldsThePath) {
  EXPECT_EQ(ParentDirectory("/a/b"), "/a");
  EXPECT_EQ(ParentDirectory("/a/b/"), "/a");
  EXPECT_EQ(ParentDirectory("a//b"), "a");
  EXPECT_EQ(ParentDirectory("/a"), "/");
  EXPECT_EQ(ParentDirectory("/"), "/");
  EXPECT_EQ(ParentDirectory("a"), ".");
  EXPECT_EQ(ParentDirectory(""), ".");
}

class MemoryDiskTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(disk_.CreateDirectories("/d").ok()); }
  std::shared_ptr<File> SyncedFile(const std::string& content) {
    const auto file = OpenOrDie(disk_, "/d/a", OpenMode::kCreateNew);
    EXPECT_TRUE(file->WriteAt(0, content).ok());
    EXPECT_TRUE(file->Sync().ok());
    EXPECT_TRUE(disk_.SyncDirectory("/d").ok());
    return file;
  }
  MemoryDisk disk_;
};

TEST_F(MemoryDiskTest, ACrashDropsWritesAndGrowthSinceTheLastSync) {
  const auto file = SyncedFile("synced");
  ASSERT_TRUE(file->WriteAt(0, "S").ok());
  ASSERT_TRUE(file->WriteAt(6000, "more").ok());
  disk_.Crash();
  EXPECT_EQ(Content(disk_, "/d/a"), "synced");
}

TEST_F(MemoryDiskTest, ACrashDropsNamesWhoseFolderWasNotSynced) {
  SyncedFile("old");
  ASSERT_TRUE(OpenOrDie(disk_, "/d/new", OpenMode::kCreateNew)->Sync().ok());
  ASSERT_TRUE(disk_.Rename("/d/a", "/d/b").ok());
  disk_.Crash();
  EXPECT_EQ(*disk_.List("/d"), std::vector<std::string>{"a"});
  ASSERT_TRUE(disk_.Rename("/d/a", "/d/b").ok());
  ASSERT_TRUE(disk_.SyncDirectory("/d").ok());
  disk_.Crash();
  EXPECT_EQ(*disk_.List("/d"), std::vector<std::string>{"b"});
}

TEST_F(MemoryDiskTest, AnUnluckyCrashKeepsTearsAndDropsPages) {
  bool kept = false, lost = false, torn = false;
  for (uint64_t seed = 0; seed < 64; ++seed) {
    MemoryDisk disk;
    const auto file = OpenOrDie(disk, "/a", OpenMode::kCreateNew);
    ASSERT_TRUE(file->WriteAt(0, std::string(4096, 'o')).ok());
    ASSERT_TRUE(file->Sync().ok());
    ASSERT_TRUE(disk.SyncDirectory("/").ok());
    ASSERT_TRUE(file->WriteAt(0, std::string(4096, 'n')).ok());
    disk.Crash(MemoryDisk::Loss::kAnyOfUnsynced, seed);
    const std::string content = Content(disk, "/a");
    ASSERT_EQ(content.size(), 4096u);
    const size_t tear = content.find('o');
    kept |= tear == std::string::npos;
    lost |= tear == 0;
    if (tear != std::string::npos && tear > 0) {
      torn = true;
      EXPECT_EQ(tear % 512, 0u);
    }
  }
  EXPECT_TRUE(kept && lost && torn);
}

TEST_F(MemoryDiskTest, WhatAFailedSyncShouldHaveSavedIsLostEvenAfterAnotherSync) {
  const auto file = SyncedFile("old");
  ASSERT_TRUE(file->WriteAt(0, "new").ok());
  disk_.FailNth(DiskOp::kSync, 1, EIO);
  EXPECT_EQ(file->Sync().code(), Code::kIo);
  EXPECT_TRUE(file->Sync().ok());
  disk_.Crash();
  EXPECT_EQ(Content(disk_, "/d/a"), "old");
}

TEST_F(MemoryDiskTest, TheNthCallFailsOnceOrForGood) {
  const auto file = SyncedFile("");
  disk_.FailNth(DiskOp::kWrite, 2, EIO);
  EXPECT_TRUE(file->WriteAt(0, "12").ok());
  EXPECT_FALSE(disk_.failed(DiskOp::kWrite));
  EXPECT_EQ(file->WriteAt(0, "3456").code(), Code::kIo);
  EXPECT_TRUE(disk_.failed(DiskOp::kWrite));
  EXPECT_EQ(Content(disk_, "/d/a"), "34");
  EXPECT_TRUE(file->WriteAt(0, "78").ok());
  disk_.FailNth(DiskOp::kWrite, 1, ENOSPC, true);
  EXPECT_EQ(file->WriteAt(0, "9").code(), Code::kDiskFull);
  EXPECT_EQ(file->WriteAt(0, "9").code(), Code::kDiskFull);
  disk_.ClearFaults();
  EXPECT_TRUE(file->WriteAt(0, "9").ok());
}

TEST_F(MemoryDiskTest, AFullDiskRefusesWritesAndReservations) {
  disk_.set_capacity(3 * 4096);
  const auto file = SyncedFile("12345");
  EXPECT_EQ(*disk_.FreeBytes("/d"), 2u * 4096);
  EXPECT_TRUE(file->Preallocate(0, 2 * 4096).ok());
  EXPECT_EQ(*disk_.FreeBytes("/d"), 4096u);
  EXPECT_EQ(file->Preallocate(0, 4 * 4096).code(), Code::kDiskFull);
  EXPECT_EQ(file->WriteAt(3 * 4096, "x").code(), Code::kDiskFull);
  EXPECT_TRUE(file->WriteAt(0, std::string(3 * 4096, 'x')).ok());
  EXPECT_EQ(disk_.used_bytes(), 3u * 4096);
}

TEST_F(MemoryDiskTest, CallsAreCountedAndRecorded) {
  disk_.ClearCalls();
  const auto file = SyncedFile("12345");
  EXPECT_EQ(disk_.count(DiskOp::kWrite), 1u);
  EXPECT_EQ(disk_.count(DiskOp::kSync), 1u);
  ASSERT_EQ(disk_.calls().size(), 4u);
  EXPECT_EQ(disk_.calls()[1].op, DiskOp::kWrite);
  EXPECT_EQ(disk_.calls()[1].path, "/d/a");
  EXPECT_EQ(disk_.calls()[1].length, 5u);
}

}  // namespace
}  // namespace hilum
