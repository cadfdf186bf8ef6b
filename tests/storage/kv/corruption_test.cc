// Stores that were damaged while nobody looked: each damage is found or harmless, and the store is never silently
// shorter than what was acknowledged.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>

#include "tests/storage/kv/kv_testing.h"

namespace hilum::storage {
namespace {

using namespace testing;
namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

using Rows = std::map<std::string, std::string>;

std::string FamilyTag(Family family) {
  return std::to_string(static_cast<int>(family)) + "/";
}

// Fills a store with rows of two families, so that several logs and tables are live: rows of kObject are few and keep
// old logs alive.
Rows FillStore(const std::string& directory, uint64_t seed) {
  const auto kv = MustOpen(directory);
  std::mt19937_64 random(seed);
  Rows rows;
  for (int i = 0; i < 400; ++i) {
    std::string value(random() % 16'000, '\0');
    for (char& byte : value) byte = static_cast<char>(random());
    Batch batch;
    for (const auto family : {Family::kCatalogue, Family::kObject}) {
      if (family == Family::kObject && i % 50 != 0) continue;
      const std::string key = std::to_string(i);
      batch.Put(family, key, value);
      rows[FamilyTag(family) + key] = value;
    }
    HILUM_EXPECT_OK(kv->Commit(std::move(batch)));
  }
  return rows;
}

// What the store holds, or the first error of reading it.
Result<Rows> ReadAll(const Kv& kv) {
  Rows rows;
  for (const auto family : {Family::kCatalogue, Family::kObject}) {
    const auto walk = kv.NewIterator(family, "", "");
    for (walk->SeekToFirst(); walk->Valid(); walk->Next()) {
      rows.emplace(FamilyTag(family) + std::string(walk->key()), walk->value());
    }
    HILUM_RETURN_IF_ERROR(walk->status());
  }
  return rows;
}

std::vector<fs::path> FilesEndingIn(const std::string& directory, const std::string& part) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    if (name.find(part) != std::string::npos && entry.file_size() > 0) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void FlipBit(const fs::path& file, uint64_t bit) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(bit / 8));
  const char byte = static_cast<char>(stream.get() ^ (1 << bit % 8));
  stream.seekp(static_cast<std::streamoff>(bit / 8));
  stream.put(byte);
}

// Where the records of a write-ahead log begin; 7 bytes each are the header: checksum (4), length (2), type.
std::vector<uint64_t> RecordsOf(const fs::path& log) {
  std::ifstream stream(log, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  std::vector<uint64_t> records;
  for (size_t at = 0; at + 7 <= bytes.size();) {
    records.push_back(at);
    at += 7 + LoadLe<uint16_t>(bytes.data() + at + 4);
    if (at % 32'768 > 32'768 - 7) at += 32'768 - at % 32'768;
  }
  return records;
}

class CorruptionTest : public ::testing::Test {
 protected:
  // A fresh copy of the healthy store.
  std::string Copy() {
    const std::string copy = directory_ / ("copy" + std::to_string(copies_++));
    fs::copy(directory_ / "kv", copy, fs::copy_options::recursive);
    return copy;
  }

  fs::path RandomFile(const std::string& directory, const std::string& part) {
    const auto files = FilesEndingIn(directory + "/db", part);
    EXPECT_FALSE(files.empty()) << part;
    return files[random_() % files.size()];
  }

  enum class Outcome { kRefused, kHarmless, kFound };
  // Opens the store and holds it to what was acknowledged: never silently shorter, never silently wrong.
  Outcome Judge(const std::string& directory) {
    auto kv = OpenKv(SmallOptions(directory));
    if (!kv.ok()) return Outcome::kRefused;
    const auto found = ReadAll(**kv);
    if (!found.ok()) return Outcome::kFound;
    EXPECT_TRUE(*found == rows_) << "opened and read without a word, but holds " << found->size() << " of "
                                 << rows_.size() << " rows, or wrong ones";
    return (*kv)->VerifyFiles().ok() ? Outcome::kHarmless : Outcome::kFound;
  }

  // Damages one random file with `part` in its name in `times` copies. How often which outcome came of it.
  template <typename Damage>
  std::map<Outcome, int> JudgeDamages(int times, const std::string& part, Damage damage) {
    std::map<Outcome, int> outcomes;
    for (int i = 0; i < times; ++i) {
      const std::string copy = Copy();
      const fs::path file = RandomFile(copy, part);
      const std::string what = damage(file);
      SCOPED_TRACE(what + " " + file.filename().string() + ", seed " + std::to_string(seed_));
      ++outcomes[Judge(copy)];
      fs::remove_all(copy);
    }
    std::printf("%s: %d refused, %d found by reading or verifying, %d harmless (seed %lu)\n", part.c_str(),
                outcomes[Outcome::kRefused], outcomes[Outcome::kFound], outcomes[Outcome::kHarmless], seed_);
    return outcomes;
  }

  std::string FlipSomeBit(const fs::path& file) {
    const uint64_t bit = random_() % (8 * fs::file_size(file));
    FlipBit(file, bit);
    return "bit " + std::to_string(bit) + " flipped in";
  }

  const uint64_t seed_ = SeedFromClock();
  std::mt19937_64 random_{seed_};
  int copies_ = 0;
  const int times_ = ::getenv("HILUM_LONG_TESTS") != nullptr ? 1000 : 50;
  TempDirectory directory_;
  const Rows rows_ = FillStore(directory_ / "kv", seed_);
};

TEST_F(CorruptionTest, TheStoreUnderTestHasSeveralLogsAndTables) {
  EXPECT_GE(FilesEndingIn(directory_ / "kv/db", ".log").size(), 2u);
  EXPECT_GE(FilesEndingIn(directory_ / "kv/db", ".sst").size(), 2u);
  EXPECT_EQ(Judge(directory_ / "kv"), Outcome::kHarmless);
}

TEST_F(CorruptionTest, ABitFlippedInALogIsNeverSilent) {
  const auto outcomes = JudgeDamages(times_, ".log", [&](const fs::path& file) { return FlipSomeBit(file); });
  EXPECT_GT(outcomes.at(Outcome::kRefused), times_ / 2);
}

// RocksDB alone takes many of these for the end of the log, and goes on with the next one.
TEST_F(CorruptionTest, ABitFlippedInTheHeaderOfARecordOfAnOlderLogIsRefused) {
  auto logs = FilesEndingIn(directory_ / "kv/db", ".log");
  logs.pop_back();
  for (const auto& log : logs) {
    const auto records = RecordsOf(log);
    ASSERT_GT(records.size(), 2u);
    std::vector<uint64_t> bits;
    for (int bit = 0; bit < 7 * 8; ++bit) bits.push_back(8 * records.back() + bit);
    for (const uint64_t record : {records.front(), records[records.size() / 2]}) {
      for (int bit = 6 * 8; bit < 7 * 8; ++bit) bits.push_back(8 * record + bit);
    }
    for (const uint64_t bit : bits) {
      SCOPED_TRACE("bit " + std::to_string(bit) + " of " + log.filename().string());
      const std::string copy = Copy();
      const std::string damaged = "/db/" + log.filename().string();
      FlipBit(copy + damaged, bit);
      const Status refused = OpenKv(SmallOptions(copy)).status();
      EXPECT_EQ(refused.code(), Code::kCorruption);
      EXPECT_THAT(refused.message(), HasSubstr(copy + damaged + " is damaged at offset "));
      EXPECT_THAT(refused.message(), HasSubstr("restore a backup"));
      fs::remove_all(copy);
    }
  }
}

TEST_F(CorruptionTest, ADamagedOlderLogIsNoReasonToRefuseWhenTheLossIsAccepted) {
  const std::string log = FilesEndingIn(directory_ / "kv/db", ".log").front();
  FlipBit(log, 8 * (RecordsOf(log).back() + 6) + 2);
  auto options = SmallOptions(directory_ / "kv");
  options.accept_loss = true;
  if (const Status opened = OpenKv(options).status(); !opened.ok()) {
    // Tables hold what came after that log: RocksDB opens them in no mode, and to accept the loss is not advised.
    EXPECT_THAT(opened.message(), HasSubstr("ahead of WALs"));
    EXPECT_THAT(OpenKv(SmallOptions(directory_ / "kv")).status().message(), HasSubstr("restore a backup"));
    return;
  }
  EXPECT_NE(MustOpen(directory_ / "kv"), nullptr);
}

TEST_F(CorruptionTest, ADamagedLogThatIsNotReadAnyMoreIsHarmless) {
  const auto log = FilesEndingIn(directory_ / "kv/db", ".log").front();
  const std::string kept = directory_ / "kept";
  fs::copy_file(log, kept);
  fs::resize_file(kept, fs::file_size(kept) - 5);
  MustOpen(directory_ / "kv");
  ASSERT_FALSE(fs::exists(log));
  fs::copy_file(kept, log);
  EXPECT_EQ(Judge(directory_ / "kv"), Outcome::kHarmless);
}

// A start that is cut short after it made a new log leaves it empty behind the one that it has read.
TEST_F(CorruptionTest, AnUnfinishedCommitAtTheEndOfTheNewestLogIsHarmlessAlsoBeforeAnEmptyOne) {
  const auto logs = FilesEndingIn(directory_ / "kv/db", ".log");
  std::ofstream(logs.back(), std::ios::app | std::ios::binary) << std::string("\1\2\3\4\xFF\0\1 torn", 12);
  std::ofstream(directory_ / "kv/db/999999.log").flush();
  EXPECT_EQ(Judge(directory_ / "kv"), Outcome::kHarmless);
}

TEST_F(CorruptionTest, ALogThatWasCutIsRefused) {
  const auto outcomes = JudgeDamages(times_, ".log", [&](const fs::path& file) {
    const uint64_t length = random_() % fs::file_size(file);
    fs::resize_file(file, length);
    return "cut to " + std::to_string(length) + ":";
  });
  EXPECT_EQ(outcomes.at(Outcome::kRefused), times_);
}

TEST_F(CorruptionTest, ALogThatIsGoneIsRefusedWhicheverItIs) {
  for (const auto& file : FilesEndingIn(directory_ / "kv/db", ".log")) {
    SCOPED_TRACE(file.filename().string());
    const std::string copy = Copy();
    fs::remove(copy + "/db/" + file.filename().string());
    EXPECT_EQ(Judge(copy), Outcome::kRefused);
  }
}

TEST_F(CorruptionTest, ABitFlippedInATableIsFound) {
  const auto outcomes = JudgeDamages(times_ / 5, ".sst", [&](const fs::path& file) { return FlipSomeBit(file); });
  EXPECT_FALSE(outcomes.contains(Outcome::kHarmless) && outcomes.at(Outcome::kHarmless) > 0);
}

TEST_F(CorruptionTest, ABitFlippedInTheManifestIsNeverSilent) {
  const auto outcomes = JudgeDamages(times_, "MANIFEST", [&](const fs::path& file) { return FlipSomeBit(file); });
  EXPECT_GT(outcomes.at(Outcome::kRefused), times_ / 2);
}

// RocksDB alone opens what is left of it, with fewer rows. Only a cut in what was appended since the last fingerprint
// may pass, and then every row is there (Judge).
TEST_F(CorruptionTest, AManifestThatWasCutIsNeverSilent) {
  const auto outcomes = JudgeDamages(times_, "MANIFEST", [&](const fs::path& file) {
    const uint64_t length = random_() % fs::file_size(file);
    fs::resize_file(file, length);
    return "cut to " + std::to_string(length) + ":";
  });
  EXPECT_GT(outcomes.at(Outcome::kRefused), times_ / 2);
}

TEST_F(CorruptionTest, ADamagedCurrentFileIsRefused) {
  JudgeDamages(8, "CURRENT", [&](const fs::path& file) { return FlipSomeBit(file); });
  const std::string copy = Copy();
  fs::remove(copy + "/db/CURRENT");
  const auto kv = OpenKv(SmallOptions(copy));
  EXPECT_EQ(kv.status().code(), Code::kCorruption);
  EXPECT_THAT(kv.status().message(), HasSubstr("CURRENT is missing"));
  EXPECT_FALSE(FilesEndingIn(copy + "/db", ".sst").empty()) << "the tables are left alone";
}

TEST_F(CorruptionTest, ATableThatIsGoneIsRefused) {
  const auto outcomes = JudgeDamages(3, ".sst", [&](const fs::path& file) {
    fs::remove(file);
    return std::string("removed");
  });
  EXPECT_EQ(outcomes.at(Outcome::kRefused), 3);
}

TEST_F(CorruptionTest, VerifyFindsADamagedTableOfAnOpenStore) {
  const auto kv = MustOpen(directory_ / "kv");
  HILUM_EXPECT_OK(kv->CompactAll());  // no table is replaced or not yet in use
  HILUM_EXPECT_OK(kv->VerifyFiles());
  const fs::path file = RandomFile(directory_ / "kv", ".sst");
  FlipSomeBit(file);
  const Status verified = kv->VerifyFiles();
  EXPECT_EQ(verified.code(), Code::kCorruption);
  EXPECT_THAT(verified.message(), HasSubstr(file.filename().string())) << "seed " << seed_;
}

TEST_F(CorruptionTest, WhatMeetsADamagedTableSaysThatStartingAgainDoesNotHelp) {
  HILUM_EXPECT_OK(MustOpen(directory_ / "kv")->CompactAll());
  const auto tables = FilesEndingIn(directory_ / "kv/db", ".sst");
  const auto largest =
      *std::ranges::max_element(tables, {}, [](const fs::path& table) { return fs::file_size(table); });
  FlipBit(largest, 4 * fs::file_size(largest));
  const auto kv = MustOpen(directory_ / "kv");
  const auto advises = HasSubstr("starting again does not help: keep the folder, restore a backup");
  EXPECT_THAT(ReadAll(*kv).status().message(), advises);
  EXPECT_THAT(kv->VerifyFiles().message(), advises);
  EXPECT_THAT(kv->CompactAll().message(), advises);
}

// Where files are missing or cut that no start goes on without.
TEST_F(CorruptionTest, LossIsOfferedForAcceptanceOnlyWhereAcceptingItHelps) {
  const auto cut = [](const fs::path& file) { fs::resize_file(file, fs::file_size(file) / 2); };
  const auto empty = [](const fs::path& file) { fs::resize_file(file, 0); };
  const auto gone = [](const fs::path& file) { fs::remove(file); };
  const std::pair<const char*, std::function<void(const fs::path&)>> damages[] = {
      {".sst", cut}, {".sst", gone}, {"MANIFEST", gone}, {"MANIFEST", empty}, {"CURRENT", empty}};
  for (const auto& [part, damage] : damages) {
    for (const bool accept_loss : {false, true}) {
      const std::string copy = Copy();
      damage(RandomFile(copy, part));
      auto options = SmallOptions(copy);
      options.accept_loss = accept_loss;
      const Status refused = OpenKv(options).status();
      SCOPED_TRACE(std::string(part) + ": " + refused.ToString());
      ASSERT_FALSE(refused.ok());
      EXPECT_THAT(refused.message(), HasSubstr("restore a backup"));
      EXPECT_THAT(refused.message(), Not(HasSubstr("--store.accept_loss=true")));
      EXPECT_THAT(refused.message(), Not(HasSubstr("\n")));
    }
  }
}

TEST_F(CorruptionTest, VerifyFindsADamagedManifestOfAnOpenStore) {
  const auto kv = MustOpen(directory_ / "kv");
  const auto manifests = FilesEndingIn(directory_ / "kv/db", "MANIFEST");
  ASSERT_FALSE(manifests.empty());
  FlipBit(manifests.back(), 8 * 100);
  EXPECT_FALSE(kv->VerifyFiles().ok());
}

// --- the watermark and the store against each other ---

TEST_F(CorruptionTest, AnOldCopyOfTheStoreUnderANewerWatermarkIsRefusedWithTheCount) {
  const std::string old = Copy();
  {
    const auto kv = MustOpen(directory_ / "kv");
    for (int i = 0; i < 7; ++i) HILUM_EXPECT_OK(kv->Commit(OnePut(Family::kLog, std::to_string(i), "v")));
  }
  fs::remove_all(directory_ / "kv/db");
  fs::copy(old + "/db", directory_ / "kv/db", fs::copy_options::recursive);

  const auto kv = OpenKv(SmallOptions(directory_ / "kv"));
  EXPECT_EQ(kv.status().code(), Code::kCorruption);
  EXPECT_THAT(kv.status().message(), HasSubstr("7 acknowledged commits are missing"));
  EXPECT_THAT(kv.status().message(), HasSubstr("--store.accept_loss=true"));
}

TEST_F(CorruptionTest, AcceptedLossOpensOnceAndForAll) {
  const auto logs = FilesEndingIn(directory_ / "kv/db", ".log");
  fs::resize_file(logs.back(), fs::file_size(logs.back()) / 2);
  const Status refused = OpenKv(SmallOptions(directory_ / "kv")).status();
  EXPECT_THAT(refused.message(), HasSubstr("--store.accept_loss=true"));

  auto options = SmallOptions(directory_ / "kv");
  options.accept_loss = true;
  uint64_t sequence = 0;
  {
    const auto kv = OpenKv(options);
    ASSERT_TRUE(kv.ok()) << kv.status().ToString();
    sequence = (*kv)->sequence();
    EXPECT_GT(sequence, 0u);
    EXPECT_LT(sequence, 400u);
  }
  const auto kv = MustOpen(directory_ / "kv");
  ASSERT_NE(kv, nullptr);
  const auto next = kv->Commit(OnePut(Family::kLog, "a", "v"));
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(*next, sequence + 1);
}

TEST_F(CorruptionTest, AStoreThatIsGoneIsNotReplacedByAnEmptyOne) {
  fs::remove_all(directory_ / "kv/db");
  const auto kv = OpenKv(SmallOptions(directory_ / "kv"));
  EXPECT_EQ(kv.status().code(), Code::kCorruption);
  EXPECT_THAT(kv.status().message(), HasSubstr("400 acknowledged commits are missing"));
  EXPECT_FALSE(fs::exists(directory_ / "kv/db"));

  auto options = SmallOptions(directory_ / "kv");
  options.accept_loss = true;
  HILUM_EXPECT_OK(OpenKv(options));
}

TEST_F(CorruptionTest, AMissingWatermarkIsReported) {
  fs::remove(directory_ / "kv/watermark");
  EXPECT_EQ(OpenKv(SmallOptions(directory_ / "kv")).status().code(), Code::kCorruption);
  auto options = SmallOptions(directory_ / "kv");
  options.accept_loss = true;
  HILUM_EXPECT_OK(OpenKv(options));
  EXPECT_EQ(Judge(directory_ / "kv"), Outcome::kHarmless) << "nothing was lost but the watermark";
}

TEST_F(CorruptionTest, ATornWatermarkSlotIsHarmlessAndTwoAreRefused) {
  for (const uint64_t slot : {0, 4096}) {
    const std::string copy = Copy();
    FlipBit(copy + "/watermark", 8 * (slot + 25));
    EXPECT_EQ(Judge(copy), Outcome::kHarmless);
  }
  const std::string copy = Copy();
  FlipBit(copy + "/watermark", 8 * 25);
  FlipBit(copy + "/watermark", 8 * (4096 + 25));
  EXPECT_EQ(OpenKv(SmallOptions(copy)).status().code(), Code::kCorruption);
  auto options = SmallOptions(copy);
  options.accept_loss = true;
  HILUM_EXPECT_OK(OpenKv(options));
}

TEST_F(CorruptionTest, TheWatermarkOfAnotherStoreIsRefused) {
  {
    const auto other = MustOpen(directory_ / "other");
    HILUM_EXPECT_OK(other->Commit(OnePut(Family::kLog, "a", "v")));
  }
  fs::copy_file(directory_ / "other/watermark", directory_ / "kv/watermark", fs::copy_options::overwrite_existing);
  const auto kv = OpenKv(SmallOptions(directory_ / "kv"));
  EXPECT_EQ(kv.status().code(), Code::kCorruption);
  EXPECT_THAT(kv.status().message(), HasSubstr("another store"));
}

}  // namespace
}  // namespace hilum::storage
