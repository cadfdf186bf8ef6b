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
