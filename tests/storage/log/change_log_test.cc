#include "storage/log/change_log.h"

#include <thread>

#include "tests/storage/kv/kv_testing.h"

namespace hilum::storage {
namespace {

using namespace testing;
using ::testing::ElementsAre;

class ChangeLogTest : public ::testing::Test {
 protected:
  Result<uint64_t> Append(Tenant tenant, Change change) {
    uint64_t sequence = 0;
    const auto outcome = writer_->Run([&](Txn& txn) -> Status {
      HILUM_ASSIGN_OR_RETURN(sequence, AppendChange(txn, tenant, change));
      return Status::Ok();
    });
    if (!outcome.ok()) return outcome.status();
    return sequence;
  }

  std::vector<uint64_t> Sequences(Tenant tenant, uint64_t after, size_t limit, const Snapshot* snapshot = nullptr) {
    const auto changes = ReadChanges(*kv_, tenant, after, limit, snapshot);
    HILUM_EXPECT_OK(changes);
    std::vector<uint64_t> sequences;
    for (const auto& change : *changes) sequences.push_back(change.sequence);
    return sequences;
  }

  TempDirectory directory_;
  std::unique_ptr<Kv> kv_ = MustOpen(directory_ / "kv");
  std::unique_ptr<Writer> writer_ = Writer::Start(*kv_, TestMergers(), {});
};

TEST_F(ChangeLogTest, ReadsBackEveryFieldOfAChange) {
  Change change;
  change.time_micros = -1;
  change.kind = ChangeKind::kResource;
  change.operation = ChangeOperation::kDelete;
  change.path = {"Patient", "", std::string("a\0b", 3)};
  change.version = UINT64_MAX;
  const auto sequence = Append(Tenant::kDefault, change);
  ASSERT_TRUE(sequence.ok());
  EXPECT_EQ(*sequence, 1u);

  const auto changes = ReadChanges(*kv_, Tenant::kDefault, 0, 10);
  ASSERT_TRUE(changes.ok());
  ASSERT_EQ(changes->size(), 1u);
  const Change& found = changes->front();
  EXPECT_EQ(found.sequence, 1u);
  EXPECT_EQ(found.time_micros, change.time_micros);
  EXPECT_EQ(found.kind, change.kind);
  EXPECT_EQ(found.operation, change.operation);
  EXPECT_EQ(found.path, change.path);
  EXPECT_EQ(found.version, change.version);
}

TEST_F(ChangeLogTest, PagesInOrderFromACursor) {
  for (int i = 0; i < 300; ++i) HILUM_EXPECT_OK(Append(Tenant::kDefault, {}));
  EXPECT_THAT(Sequences(Tenant::kDefault, 0, 3), ElementsAre(1, 2, 3));
  EXPECT_THAT(Sequences(Tenant::kDefault, 254, 4), ElementsAre(255, 256, 257, 258));
  EXPECT_THAT(Sequences(Tenant::kDefault, 298, 10), ElementsAre(299, 300));
  EXPECT_THAT(Sequences(Tenant::kDefault, 300, 10), ElementsAre());
  EXPECT_THAT(Sequences(Tenant::kDefault, UINT64_MAX, 10), ElementsAre());
  EXPECT_THAT(Sequences(Tenant::kDefault, 0, 0), ElementsAre());
}

TEST_F(ChangeLogTest, NumbersEachTenantOnItsOwnAndShowsItNothingElse) {
  const Tenant other{1};
  HILUM_EXPECT_OK(Append(Tenant::kDefault, {}));
  HILUM_EXPECT_OK(Append(other, {}));
  HILUM_EXPECT_OK(Append(other, {}));
  EXPECT_THAT(Sequences(Tenant::kDefault, 0, 10), ElementsAre(1));
  EXPECT_THAT(Sequences(other, 0, 10), ElementsAre(1, 2));
  const auto latest = LatestChange(*kv_, other);
  ASSERT_TRUE(latest.ok());
  EXPECT_EQ(*latest, 2u);
  const auto none = LatestChange(*kv_, Tenant{2});
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(*none, 0u);
}

TEST_F(ChangeLogTest, ReadsAsOfASnapshot) {
  HILUM_EXPECT_OK(Append(Tenant::kDefault, {}));
  const auto snapshot = kv_->NewSnapshot();
  HILUM_EXPECT_OK(Append(Tenant::kDefault, {}));
  EXPECT_THAT(Sequences(Tenant::kDefault, 0, 10, snapshot.get()), ElementsAre(1));
  const auto latest = LatestChange(*kv_, Tenant::kDefault, snapshot.get());
  ASSERT_TRUE(latest.ok());
  EXPECT_EQ(*latest, 1u);
}

TEST_F(ChangeLogTest, LeavesNoGapsWhenTasksFail) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 30; ++i) {
        const bool fails = (t + i) % 3 == 0;
        const auto outcome = writer_->Run([&](Txn& txn) -> Status {
          HILUM_RETURN_IF_ERROR(AppendChange(txn, Tenant::kDefault, {}).status());
          return fails ? Invalid("on purpose") : Status::Ok();
        });
        EXPECT_EQ(outcome.ok(), !fails);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto sequences = Sequences(Tenant::kDefault, 0, SIZE_MAX);
  ASSERT_EQ(sequences.size(), 160u);
  for (size_t i = 0; i < sequences.size(); ++i) ASSERT_EQ(sequences[i], i + 1);
}

TEST_F(ChangeLogTest, ReadsBackwardsFromAnyPlace) {
  for (int i = 0; i < 5; ++i) HILUM_EXPECT_OK(Append(Tenant::kDefault, {}));
  const auto changes = ReadChangesBefore(*kv_, Tenant::kDefault, 5, 3);
  ASSERT_TRUE(changes.ok());
  ASSERT_EQ(changes->size(), 3u);
  EXPECT_EQ((*changes)[0].sequence, 4u);
  EXPECT_EQ((*changes)[2].sequence, 2u);
  const auto newest = ReadChangesBefore(*kv_, Tenant::kDefault, UINT64_MAX, 1);
  ASSERT_TRUE(newest.ok());
  EXPECT_EQ(newest->at(0).sequence, 5u);
}

Change OfInstance(int64_t time_micros) {
  return {.time_micros = time_micros, .kind = ChangeKind::kInstance, .path = {"1", "1.1", "1.1.1"}};
}

Change OfResource() {
  return {.kind = ChangeKind::kResource, .path = {"Patient", "1"}};
}

TEST_F(ChangeLogTest, NumbersChangesOfInstancesAmongThemselves) {
  // given a log in which changes of resources lie between those of instances
  for (int i = 1; i <= 100; ++i) {
    for (int other = 0; other < i % 3; ++other) HILUM_EXPECT_OK(Append(Tenant::kDefault, OfResource()));
    HILUM_EXPECT_OK(Append(Tenant::kDefault, OfInstance(1000 * i)));
  }
  // then their numbers have no gaps, and their places are those of the one log
  const auto changes = ReadInstanceChanges(*kv_, Tenant::kDefault, 10, 5);
  ASSERT_TRUE(changes.ok());
  ASSERT_EQ(changes->size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    const Change& change = changes->at(i);
    EXPECT_EQ(change.instance_number, 11 + i);
    EXPECT_EQ(change.time_micros, static_cast<int64_t>(1000 * (11 + i)));
    EXPECT_EQ(change.path, OfInstance(0).path);
    const auto same = ReadChanges(*kv_, Tenant::kDefault, change.sequence - 1, 1);
    ASSERT_TRUE(same.ok());
    EXPECT_EQ(same->at(0).time_micros, change.time_micros);
  }
  const auto latest = LatestInstanceChange(*kv_, Tenant::kDefault);
  ASSERT_TRUE(latest.ok());
  EXPECT_EQ(*latest, 100u);
  const auto end = ReadInstanceChanges(*kv_, Tenant::kDefault, 99, 5);
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->size(), 1u);
  const auto beyond = ReadInstanceChanges(*kv_, Tenant::kDefault, 100, 5);
  ASSERT_TRUE(beyond.ok());
  EXPECT_TRUE(beyond->empty());
}

TEST_F(ChangeLogTest, FindsChangesOfInstancesByTime) {
  const auto before = [&](int64_t micros) {
    const auto count = InstanceChangesBefore(*kv_, Tenant::kDefault, micros);
    HILUM_EXPECT_OK(count);
    return count.ok() ? *count : UINT64_MAX;
  };
  EXPECT_EQ(before(5), 0u);
  for (int i = 1; i <= 37; ++i) {
    HILUM_EXPECT_OK(Append(Tenant::kDefault, OfInstance(10 * i)));
    HILUM_EXPECT_OK(Append(Tenant::kDefault, OfResource()));
  }
  EXPECT_EQ(before(0), 0u);
  EXPECT_EQ(before(INT64_MAX), 37u);
  for (uint64_t i = 1; i <= 37; ++i) {
    EXPECT_EQ(before(static_cast<int64_t>(10 * i)), i - 1);
    EXPECT_EQ(before(static_cast<int64_t>(10 * i + 1)), i);
  }
}

TEST_F(ChangeLogTest, GivesChangesOfInstancesTimesThatGrow) {
  const auto next = [&](int64_t now) {
    int64_t time = 0;
    HILUM_EXPECT_OK(writer_->Run([&](Txn& txn) -> Status {
      HILUM_ASSIGN_OR_RETURN(time, InstanceChangeTime(txn, Tenant::kDefault, now));
      return AppendChange(txn, Tenant::kDefault, OfInstance(time)).status();
    }));
    return time;
  };
  EXPECT_EQ(next(1000), 1000);
  EXPECT_EQ(next(1000), 1001);
  EXPECT_EQ(next(500), 1002);
  EXPECT_EQ(next(2000), 2000);
}

TEST_F(ChangeLogTest, KnowsWhoCanGoOn) {
  // given a log that begins with change 4, the second of an instance
  for (int i = 1; i <= 6; ++i) {
    HILUM_EXPECT_OK(Append(Tenant::kDefault, i % 2 == 0 ? OfInstance(i) : OfResource()));
  }
  const std::string tenant(4, '\0');
  const std::string seven(7, '\0');
  Batch trim;
  for (char i = 1; i <= 3; ++i) trim.Delete(Family::kLog, tenant + seven + i);
  trim.Delete(Family::kLog, tenant + std::string(8, '\xFF') + seven + '\x01');
  HILUM_EXPECT_OK(kv_->Commit(std::move(trim)));
  // then those who have all before that can, or who have more
  for (uint64_t after = 3; after <= 6; ++after) HILUM_EXPECT_OK(CheckChangesFollow(*kv_, Tenant::kDefault, after));
  for (uint64_t after = 1; after <= 3; ++after) {
    HILUM_EXPECT_OK(CheckInstanceChangesFollow(*kv_, Tenant::kDefault, after));
  }
  // and others are told what to do
  for (uint64_t after : {0, 2, 7}) {
    const Status status = CheckChangesFollow(*kv_, Tenant::kDefault, after);
    EXPECT_EQ(status.code(), Code::kNotFound) << after;
    EXPECT_THAT(status.message(), ::testing::HasSubstr("read all data anew"));
  }
  EXPECT_EQ(CheckInstanceChangesFollow(*kv_, Tenant::kDefault, 0).code(), Code::kNotFound);
  EXPECT_EQ(CheckInstanceChangesFollow(*kv_, Tenant::kDefault, 4).code(), Code::kNotFound);
}

TEST_F(ChangeLogTest, NumbersALogOfAnOlderVersion) {
  // given a log whose counter row has the latest sequence alone, and no numbers
  for (int i = 1; i <= 9; ++i) {
    HILUM_EXPECT_OK(Append(Tenant::kDefault, i % 3 == 0 ? OfInstance(i) : OfResource()));
  }
  const std::string tenant(4, '\0');
  Batch old;
  old.Put(Family::kLog, tenant + std::string(8, '\0'), Bytes("\x09\0\0\0\0\0\0\0", 8));
  for (char i = 1; i <= 3; ++i) old.Delete(Family::kLog, tenant + std::string(8, '\xFF') + std::string(7, '\0') + i);
  HILUM_EXPECT_OK(kv_->Commit(std::move(old)));
  ASSERT_TRUE(ReadInstanceChanges(*kv_, Tenant::kDefault, 0, 10)->empty());
  // when it is opened by this one
  HILUM_EXPECT_OK(NumberInstanceChanges(*kv_, Tenant::kDefault));
  HILUM_EXPECT_OK(Append(Tenant::kDefault, OfInstance(10)));
  // then old and new ones have numbers
  const auto changes = ReadInstanceChanges(*kv_, Tenant::kDefault, 0, 10);
  ASSERT_TRUE(changes.ok());
  std::vector<std::pair<uint64_t, uint64_t>> found;
  for (const Change& change : *changes) found.emplace_back(change.instance_number, change.sequence);
  EXPECT_THAT(found, ElementsAre(std::pair(1, 3), std::pair(2, 6), std::pair(3, 9), std::pair(4, 10)));
  // and doing so again changes nothing
  HILUM_EXPECT_OK(NumberInstanceChanges(*kv_, Tenant::kDefault));
  EXPECT_EQ(ReadInstanceChanges(*kv_, Tenant::kDefault, 0, 10)->size(), 4u);
}

// Rows as they lie on the disk.
std::string RowOf(char sequence) {
  return std::string(11, '\0') + sequence;
}
std::string RowOfNumber(char number) {
  return std::string(4, '\0') + std::string(8, '\xFF') + std::string(7, '\0') + number;
}
Batch Without(std::vector<std::string> keys) {
  Batch batch;
  for (const auto& key : keys) batch.Delete(Family::kLog, key);
  return batch;
}

TEST_F(ChangeLogTest, ChecksThatNothingIsMissing) {
  const auto findings = [&] {
    std::vector<std::string> found;
    HILUM_EXPECT_OK(CheckChangeLog(*kv_, Tenant::kDefault, nullptr,
                                   [&](std::string text) { found.push_back(text.substr(sizeof("change log:"))); }));
    return found;
  };
  EXPECT_THAT(findings(), ElementsAre());
  // given changes 3, 6 and 9 of instances, with numbers 1 to 3
  for (int i = 1; i <= 10; ++i) {
    HILUM_EXPECT_OK(Append(Tenant::kDefault, i % 3 == 0 ? OfInstance(i) : OfResource()));
  }
  EXPECT_THAT(findings(), ElementsAre());

  struct Case {
    const char* damage;
    Batch batch;
    std::vector<std::string> expected;
  };
  Case cases[] = {
      {"of a resource", Without({RowOf(4)}), {"sequence 4 is missing"}},
      {"the first ones", Without({RowOf(1), RowOf(2)}), {"sequence 1 to 2 are missing"}},
      {"the last one", Without({RowOf(10)}), {"the last sequence is 9, but the counter says 10"}},
      {"of an instance", Without({RowOf(6)}), {"sequence 6 is missing", "number 2 leads to no change of an instance"}},
      {"a number",
       Without({RowOfNumber(2)}),
       {"the change of an instance with sequence 6 has no number", "number 2 is missing"}},
      {"the last number",
       Without({RowOfNumber(3)}),
       {"the change of an instance with sequence 9 has no number", "the last number is 2, but the counter says 3"}},
      {"a number that leads elsewhere",
       OnePut(Family::kLog, RowOfNumber(2), std::string(7, '\0') + '\5'),
       {"number 2 leads to no change of an instance", "the change of an instance with sequence 6 has no number"}},
      {"a row", OnePut(Family::kLog, RowOf(5), "\1\1"), {"the row of sequence 5 is damaged: restore a backup"}},
      {"the counter",
       Without({RowOf(0)}),
       {"the last sequence is 10, but the counter says 0", "the last number is 3, but the counter says 0"}},
  };
  for (Case& damaged : cases) {
    SCOPED_TRACE(damaged.damage);
    Batch mended;
    const auto rows = kv_->NewIterator(Family::kLog, "", "");
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) mended.Put(Family::kLog, rows->key(), rows->value());
    HILUM_EXPECT_OK(kv_->Commit(std::move(damaged.batch)));
    EXPECT_EQ(findings(), damaged.expected);
    HILUM_EXPECT_OK(kv_->Commit(std::move(mended)));
  }
}

TEST_F(ChangeLogTest, ReportsADamagedRowWithItsPlace) {
  HILUM_EXPECT_OK(Append(Tenant::kDefault, {}));
  const std::string second_row("\0\0\0\0\0\0\0\0\0\0\0\2", 12);
  HILUM_EXPECT_OK(kv_->Commit(OnePut(Family::kLog, second_row, "\x01\x01")));
  const auto changes = ReadChanges(*kv_, Tenant::kDefault, 0, 10);
  EXPECT_EQ(changes.status().code(), Code::kCorruption);
  EXPECT_THAT(changes.status().message(), ::testing::HasSubstr("of sequence 2"));
}

}  // namespace
}  // namespace hilum::storage
