// What the observer of the catalogue is told, and what becomes of its own changes.
#include "storage/catalogue/changes.h"

#include <gmock/gmock.h>

#include "tests/support/instances.h"

namespace hilum::storage {
namespace {

using ::testing::ElementsAre;
using testing::InstanceSpec;
using testing::MakeInstance;

// Writes each call down: "1.2.1: 1.2.1.1 (+1.2.1.1.1)".
class Recorder : public CatalogueObserver {
 public:
  Status OnChanges(Txn& txn, const CatalogueChanges& changes) override {
    std::string call;
    for (const auto& [doc, study] : changes.studies()) {
      call += Sign(study.row) + Uid(study.row) + ":";
      for (const auto& [series_doc, series] : study.series) {
        call += " " + Sign(series.row) + Uid(series.row) + "(";
        for (const auto& [instance_doc, instance] : series.instances) call += Sign(instance) + Uid(instance);
        call += ")";
      }
    }
    calls.push_back(call);
    txn.Put(Family::kMeta, "recorded", call);
    return fail ? Conflict("the observer does not want it") : Status::Ok();
  }

  std::vector<std::string> calls;
  bool fail = false;

 private:
  template <typename Row>
  static std::string Sign(const RowPair<Row>& row) {
    return !row.before ? "+" : !row.after ? "-" : "=";
  }
  template <typename Row>
  static std::string Uid(const RowPair<Row>& row) {
    return row.after ? row.after->uid : row.before->uid;
  }
};

class ChangesTest : public testing::StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    store_->Observe(&recorder_);
  }
  void IngestAll(const std::vector<std::string>& instances) {
    IngestBatch batch(*store_, {}, std::nullopt, Logger());
    for (const std::string& bytes : instances) {
      batch.BeginInstance();
      batch.Append(bytes);
      batch.EndInstance();
    }
    outcomes_ = batch.Finish();
  }

  Recorder recorder_;
  std::vector<InstanceOutcome> outcomes_;
};

TEST_F(ChangesTest, OneCallTellsAllThatATransactionDid) {
  IngestAll({MakeInstance({.sop = "1.2.1.1.1"}), MakeInstance({.series = "1.2.1.2", .sop = "1.2.1.2.1"}),
             MakeInstance({.sop = "1.2.1.1.2"})});
  EXPECT_THAT(recorder_.calls, ElementsAre("+1.2.1: +1.2.1.1(+1.2.1.1.1+1.2.1.1.2) +1.2.1.2(+1.2.1.2.1)"));
}

TEST_F(ChangesTest, RowsAreThoseBeforeTheFirstStepAndAfterTheLast) {
  struct : CatalogueObserver {
    Status OnChanges(Txn&, const CatalogueChanges& changes) override {
      const auto& row = changes.studies().begin()->second.row;
      before = row.before ? row.before->instances : 0;
      after = row.after ? row.after->instances : 0;
      return Status::Ok();
    }
    uint64_t before = 0, after = 0;
  } counts;
  ASSERT_TRUE(Ingest(InstanceSpec{.sop = "1.2.1.1.9"}).stored());
  store_->Observe(&counts);
  IngestAll({MakeInstance({.sop = "1.2.1.1.1"}), MakeInstance({.sop = "1.2.1.1.2"})});
  EXPECT_EQ(counts.before, 1u);
  EXPECT_EQ(counts.after, 3u);
}

TEST_F(ChangesTest, ReplacingAndDeletingAreTold) {
  ASSERT_TRUE(Ingest(InstanceSpec{}).stored());
  ASSERT_TRUE(Ingest(InstanceSpec{.sop = "1.2.1.1.2"}).stored());
  ASSERT_TRUE(Ingest(MakeInstance({.pixel_fill = 3}), {.duplicates = DuplicatePolicy::kReplace}).stored());
  ASSERT_TRUE(store_->Delete("1.2.1", "1.2.1.1", "1.2.1.1.1").ok());
  ASSERT_TRUE(store_->Delete("1.2.1", std::nullopt, std::nullopt).ok());
  EXPECT_THAT(recorder_.calls, ElementsAre("+1.2.1: +1.2.1.1(+1.2.1.1.1)", "=1.2.1: =1.2.1.1(+1.2.1.1.2)",
                                           "=1.2.1: =1.2.1.1(=1.2.1.1.1)", "=1.2.1: =1.2.1.1(-1.2.1.1.1)",
                                           "-1.2.1: -1.2.1.1(-1.2.1.1.2)"));
}

TEST_F(ChangesTest, WhatChangesNothingTellsNothing) {
  ASSERT_TRUE(Ingest(InstanceSpec{}).stored());
  ASSERT_EQ(Ingest(InstanceSpec{}).kind, InstanceOutcome::Kind::kIdentical);
  EXPECT_EQ(recorder_.calls.size(), 1u);
}

TEST_F(ChangesTest, TheObserverWritesInTheSameCommit) {
  ASSERT_TRUE(Ingest(InstanceSpec{}).stored());
  Reopen();
  EXPECT_EQ(store_->kv().Get(Family::kMeta, "recorded")->value(), recorder_.calls.at(0));
}

TEST_F(ChangesTest, NothingIsStoredWhenTheObserverFails) {
  recorder_.fail = true;
  EXPECT_FALSE(Ingest(InstanceSpec{}).stored());
  EXPECT_EQ(StoredBytes({"1.2.1", "1.2.1.1", "1.2.1.1.1"}), "(not found)");
  EXPECT_FALSE(store_->kv().Get(Family::kMeta, "recorded")->has_value());
  EXPECT_EQ(Findings(), "");
}

}  // namespace
}  // namespace hilum::storage
