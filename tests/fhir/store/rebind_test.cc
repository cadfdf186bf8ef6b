// A store that is opened with another public URL or default time zone than it was filled with.
#include <gmock/gmock.h>

#include <filesystem>

#include "fhir/store/keys.h"
#include "fhir/store/verify.h"
#include "tests/fhir/interactions/store_fixture.h"

namespace hilum::fhir {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kOtherBase = "https://other.test/fhir";

class RebindTest : public StoreFixture {
 protected:
  void ReopenWith(std::string_view base, int offset_minutes) {
    resource_options_.base_url = base;
    resource_options_.default_offset_minutes = offset_minutes;
    Reopen();
  }
  long Total(std::string_view url) { return BundleView(Get(url)).total; }
  std::vector<std::string> Findings() {
    const auto report = VerifyResources(*store_, *resources_, nullptr);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? report->findings.texts : std::vector<std::string>();
  }
  // Of a patient by the URL of the other name, at midnight of nowhere in particular.
  void PutSeenFromElsewhere(const std::string& id) {
    Put(R"({"resourceType":"Observation","status":"final","code":{"text":"x"},"effectiveDateTime":"2024-05-01",)"
        R"("subject":{"reference":")" +
        std::string(kOtherBase) + R"(/Patient/1"},"id":")" + id + "\"}");
  }
};

TEST_F(RebindTest, AbsoluteReferencesLeadHereByTheNewUrlAndNoLongerByTheOld) {
  Put(Patient("1", "Doe", R"(,"managingOrganization":{"reference":"http://hilum.test/fhir/Organization/o"})"));
  Put(R"({"resourceType":"Organization","id":"o","name":"Clinic"})");
  PutSeenFromElsewhere("a");
  EXPECT_EQ(Total("Patient?organization.name=clinic"), 1);
  EXPECT_EQ(Total("Observation?subject:Patient.name=doe"), 0);

  ReopenWith(kOtherBase, 0);
  EXPECT_EQ(Total("Patient?organization.name=clinic"), 0);
  EXPECT_EQ(Total("Observation?subject:Patient.name=doe"), 1);
  EXPECT_THAT(Findings(), IsEmpty());

  ReopenWith(kBase, 0);
  EXPECT_EQ(Total("Patient?organization.name=clinic"), 1);
  EXPECT_EQ(Total("Observation?subject:Patient.name=doe"), 0);
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST_F(RebindTest, AResourceThatCannotBeReadIsNamedAndKeepsNobodyFromStarting) {
  for (const std::string id : {"a", "b", "c"}) PutSeenFromElsewhere(id);
  const TypeId type = *FindResourceType("Observation");
  const auto damage = [&](storage::Txn& txn) -> Status {
    const auto key = [&](storage::Doc doc) {
      return VersionKey(storage::Tenant::kDefault, resources_->schema().CollectionOf(type), doc, 1, 0);
    };
    HILUM_ASSIGN_OR_RETURN(const auto cut_off, txn.Get(storage::Family::kResource, key(0)));
    txn.Put(storage::Family::kResource, key(0), cut_off->substr(0, cut_off->size() - 1));
    HILUM_ASSIGN_OR_RETURN(const auto no_json, txn.Get(storage::Family::kResource, key(1)));
    txn.Put(storage::Family::kResource, key(1), no_json->substr(0, no_json->size() - 1) + "{");
    return Status::Ok();
  };
  ASSERT_TRUE(store_->writer().Run(damage).status().ok());
  ::testing::internal::CaptureStderr();
  resource_options_.log = Logger(STDERR_FILENO, LogLevel::kError);
  ReopenWith(kBase, 60);
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("version 1 of document 0 of Observation is damaged"));
  EXPECT_THAT(log, HasSubstr(R"("document":1)"));
  EXPECT_EQ(BundleView(Get("Observation?date=lt2024-05-01T00:00:00Z&_id=c")).total, 1);
  EXPECT_THAT(Findings(), Contains(HasSubstr("version 1 of document 0 of Observation is damaged")));
}

TEST_F(RebindTest, DatesWithoutAZoneAreOfTheNewOne) {
  PutSeenFromElsewhere("a");
  EXPECT_EQ(Total("Observation?date=gt2024-05-01T23:30:00Z"), 1);
  ReopenWith(kBase, 60);
  EXPECT_EQ(Total("Observation?date=gt2024-05-01T23:30:00Z"), 0);
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST_F(RebindTest, AStoreOfAnOlderReleaseIsIndexedByTheRulesOfThisOne) {
  const auto put = [&](const std::string& id, const std::string& event) {
    Put(R"({"resourceType":"Observation","status":"final","code":{"text":"x"},"id":")" + id +
        R"(","effectiveTiming":{"event":[")" + event +
        R"("],"repeat":{"boundsPeriod":{"start":"2024-02-01","end":"2024-02-28"}}}})");
  };
  resource_options_.index_rules = 0;
  resource_options_.base_url = "";
  Reopen();
  for (const std::string id : {"a", "b", "c"}) put(id, "2024-01-01");
  EXPECT_EQ(Total("Observation?date=ge2024-02-15"), 0);

  resource_options_.index_rules = kIndexRules;
  Reopen();
  EXPECT_EQ(Total("Observation?date=ge2024-02-15"), 3);
  EXPECT_EQ(Total("Observation?date=le2024-01-15"), 3);
  EXPECT_THAT(Findings(), IsEmpty());
  put("a", "2024-02-03");
  Delete("Observation", "b");
  EXPECT_EQ(Total("Observation?date=le2024-01-15"), 1);
  EXPECT_THAT(Findings(), IsEmpty());
  Reopen();
  EXPECT_EQ(Total("Observation?date=ge2024-02-15"), 2);
}

TEST_F(RebindTest, WhatIsUpdatedAndDeletedAfterwardsLeavesNothingBehind) {
  PutSeenFromElsewhere("a");
  PutSeenFromElsewhere("b");
  ReopenWith(kOtherBase, 60);
  Put(R"({"resourceType":"Observation","id":"a","status":"final","code":{"text":"x"}})");
  Delete("Observation", "b");
  EXPECT_EQ(Total("Observation?subject=Patient/1"), 0);
  EXPECT_THAT(Findings(), IsEmpty());
}

TEST_F(RebindTest, GoesOnWhereItWasInterrupted) {
  constexpr int kObservations = 700;  // several commits
  for (int i = 0; i < kObservations; ++i) PutSeenFromElsewhere(std::to_string(i));
  Put(Patient("1", "Doe"));
  const std::string interrupted = directory_.path() + "/interrupted";
  resource_options_.on_rebound = [&](uint64_t done) {
    if (done < 600 || std::filesystem::exists(interrupted)) return;
    const Status copied = store_->Backup(interrupted);
    EXPECT_TRUE(copied.ok()) << copied.ToString();
  };
  ReopenWith(kOtherBase, 0);
  resource_options_.on_rebound = nullptr;
  ASSERT_TRUE(std::filesystem::exists(interrupted));
  interactions_.reset();
  resources_.reset();
  store_.reset();

  for (const std::string_view base : {kOtherBase, kBase}) {
    const std::string data = directory_.path() + "/data";
    std::filesystem::remove_all(data);
    std::filesystem::copy(interrupted, data, std::filesystem::copy_options::recursive);
    resource_options_.base_url = base;
    Open();
    EXPECT_EQ(Total("Observation?subject:Patient.name=doe"), base == kOtherBase ? kObservations : 0);
    EXPECT_THAT(Findings(), IsEmpty()) << base;
    interactions_.reset();
    resources_.reset();
    store_.reset();
  }
}

}  // namespace
}  // namespace hilum::fhir
