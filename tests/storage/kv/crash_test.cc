// Processes that die while they commit, and disks that fail under them: nothing acknowledged is lost, nothing is half
// there.
#include <sstream>
#include <thread>

#include "tests/storage/kv/child_process.h"
#include "tests/storage/kv/kv_testing.h"

namespace hilum::storage {
namespace {

using namespace testing;

struct Ack {
  std::string key;
  uint64_t sequence = 0;
};

std::vector<Ack> Acks(const std::vector<std::string>& lines) {
  std::vector<Ack> acks;
  for (const auto& line : lines) {
    std::istringstream in(line);
    std::string word;
    Ack ack;
    if (in >> word >> ack.key >> ack.sequence && word == "ack") acks.push_back(ack);
  }
  return acks;
}

// Every acknowledged row is there, and every row is complete.
void ExpectHolds(const Kv& kv, const std::vector<Ack>& acks) {
  for (const auto& ack : acks) {
    ASSERT_LE(ack.sequence, kv.sequence());
    ASSERT_TRUE(Read(kv, Family::kCatalogue, ack.key) == ValueFor(ack.key)) << "lost " << ack.key;
  }
  const auto left = kv.NewIterator(Family::kCatalogue, "", "");
  const auto right = kv.NewIterator(Family::kResource, "", "");
  left->SeekToFirst();
  right->SeekToFirst();
  for (; left->Valid() && right->Valid(); left->Next(), right->Next()) {
    ASSERT_EQ(left->key(), right->key()) << "a commit is half there";
    ASSERT_TRUE(left->value() == ValueFor(std::string(left->key())));
    ASSERT_TRUE(left->value() == right->value());
  }
  EXPECT_FALSE(left->Valid() || right->Valid()) << "a commit is half there";
  HILUM_EXPECT_OK(left->status());
  HILUM_EXPECT_OK(right->status());
}

TEST(CrashTest, KilledWhileCommittingLosesNothingAcknowledged) {
  const uint64_t seed = SeedFromClock();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  TempDirectory directory;
  const int rounds = ::getenv("HILUM_LONG_TESTS") != nullptr ? 200 : 8;
  std::vector<Ack> all;
  for (int round = 0; round < rounds; ++round) {
    // The same store again and again: recovery itself is killed too, and keys are overwritten with what they hold.
    ChildProcess child({HILUM_KV_CHILD, directory / "kv", "4"});
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 400));
    child.Kill();
    const auto lines = child.ReadLines();
    for (const auto& line : lines) ASSERT_EQ(line.find("refused"), std::string::npos) << line;
    const auto acks = Acks(lines);
    all.insert(all.end(), acks.begin(), acks.end());
    if (round % 2 == 0) continue;
    const auto kv = MustOpen(directory / "kv");
    ASSERT_NE(kv, nullptr);
    ASSERT_NO_FATAL_FAILURE(ExpectHolds(*kv, all));
    all.clear();
  }
}

// Large commits go to tables of their own instead of the log (rocks_tables.h); small ones of the same store come
// between.
TEST(CrashTest, KilledDuringLargeCommitsLosesNothingAcknowledged) {
  const uint64_t seed = SeedFromClock();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  TempDirectory directory;
  const int rounds = ::getenv("HILUM_LONG_TESTS") != nullptr ? 60 : 4;
  for (int round = 0; round < rounds; ++round) {
    ChildProcess large({HILUM_KV_CHILD, directory / "kv", "1", "10000"});
    std::this_thread::sleep_for(std::chrono::milliseconds(300 + random() % 1500));
    large.Kill();
    auto acks = Acks(large.ReadLines());
    ChildProcess small({HILUM_KV_CHILD, directory / "kv", "2"});
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 200));
    small.Kill();
    const auto lines = small.ReadLines();
    for (const auto& line : lines) ASSERT_EQ(line.find("refused"), std::string::npos) << line;
    const auto more = Acks(lines);
    acks.insert(acks.end(), more.begin(), more.end());
    const auto kv = MustOpen(directory / "kv");
    ASSERT_NE(kv, nullptr);
    ASSERT_NO_FATAL_FAILURE(ExpectHolds(*kv, acks));
  }
}

// A child with these arguments, whose disk fails by the rule.
void ExpectAnErrorStopsAllWrites(const std::string& rule, std::vector<std::string> arguments) {
  SCOPED_TRACE(rule);
  TempDirectory directory;
  arguments.insert(arguments.begin(), {HILUM_KV_CHILD, directory / "kv"});
  ChildProcess child(arguments, {"LD_PRELOAD=" HILUM_FAULT_SHIM, "HILUM_FAULT=" + rule});
  const auto lines = child.ReadLines();
  EXPECT_EQ(child.Wait(), 3);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "health unavailable"), 1);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "fatal 1"), 1);
  const auto kv = MustOpen(directory / "kv");
  ASSERT_NE(kv, nullptr);
  ASSERT_NO_FATAL_FAILURE(ExpectHolds(*kv, Acks(lines)));
}

TEST(FaultTest, ATableOfALargeCommitThatCannotBeWrittenStopsAllWritesAndLosesNothing) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's library must come first, a preloaded one cannot";
#endif
  for (const std::string rule : {"write:EIO:3:/tables/", "anysync:EIO:1:/tables/", "anysync:EIO:16:MANIFEST"})
    ASSERT_NO_FATAL_FAILURE(ExpectAnErrorStopsAllWrites(rule, {"1", "10000"}));
}

// Operations and paths at which a disk may fail, each at several calls.
struct FaultCase {
  const char* rule;  // errno and number follow
  const char* path;
};

class FaultTest : public ::testing::TestWithParam<FaultCase> {};

TEST_P(FaultTest, TheFirstErrorStopsAllWritesForGoodAndLosesNothingAcknowledged) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's library must come first, a preloaded one cannot";
#endif
  const uint64_t seed = SeedFromClock();
  std::mt19937_64 random(seed);
  for (const std::string error : {"EIO", "ENOSPC"}) {
    const uint64_t nth = 20 + random() % 200;
    const std::string rule =
        std::string(GetParam().rule) + ":" + error + ":" + std::to_string(nth) + ":" + GetParam().path;
    SCOPED_TRACE(rule);
    TempDirectory directory;
    ChildProcess child({HILUM_KV_CHILD, directory / "kv", "4"},
                       {"LD_PRELOAD=" HILUM_FAULT_SHIM, "HILUM_FAULT=" + rule});
    const auto lines = child.ReadLines();
    EXPECT_EQ(child.Wait(), 3);
    const auto acks = Acks(lines);
    EXPECT_GE(acks.size(), 1u);

    const auto count = [&](const std::string& line) { return std::count(lines.begin(), lines.end(), line); };
    EXPECT_EQ(count("failed unavailable"), 4) << "every thread hears of it";
    EXPECT_EQ(count("health unavailable"), 1);
    EXPECT_EQ(count("read 1"), 1) << "reads go on";
    EXPECT_EQ(count("again unavailable"), 1);
    EXPECT_EQ(count("fatal 1"), 1) << "on_fatal is called once";

    const auto kv = MustOpen(directory / "kv");
    ASSERT_NE(kv, nullptr);
    ASSERT_NO_FATAL_FAILURE(ExpectHolds(*kv, acks));
  }
}

INSTANTIATE_TEST_SUITE_P(Disk, FaultTest,
                         ::testing::Values(FaultCase{"fdatasync", ".log"}, FaultCase{"write", ".log"},
                                           FaultCase{"pwrite", "/watermark"}),
                         [](const auto& info) { return std::string(info.param.rule) + std::to_string(info.index); });

TEST(FaultTest, ATableThatCannotBeWrittenStopsAllWrites) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's library must come first, a preloaded one cannot";
#endif
  for (const std::string rule : {"write:EIO:1:.sst", "anysync:EIO:1:.sst", "write:EIO:12:MANIFEST"})
    ASSERT_NO_FATAL_FAILURE(ExpectAnErrorStopsAllWrites(rule, {"4"}));
}

}  // namespace
}  // namespace hilum::storage
