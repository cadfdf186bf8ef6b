#include "fhir/store/verify.h"

#include <gmock/gmock.h>

#include "fhir/store/keys.h"
#include "storage/index/keys.h"
#include "tests/fhir/interactions/store_fixture.h"

namespace hilum::fhir {
namespace {

using storage::Family;
using storage::Tenant;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class VerifyTest : public StoreFixture {
 protected:
  // Three resources that exist, one of them in two versions, and one that is deleted.
  void SetUp() override {
    StoreFixture::SetUp();
    Put(Patient("a", "Ash", R"(,"identifier":[{"system":"urn:x","value":"1"},{"value":"without a system"}])"));
    Put(Patient("a", "Oak", R"(,"identifier":[{"system":"urn:x","value":"2"}])"));
    Put(Patient("b", "Elm"));
    Put(Observation("o", "a", "8480-6", R"(,"valueString":")" + std::string(70'000, 'x') + "\""));
    Put(Observation("gone", "nobody", "8480-6"));
    Delete("Observation", "gone");
  }

  ResourceReport Verify() {
    auto report = VerifyResources(*store_, *resources_, nullptr);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return *std::move(report);
  }
  std::vector<std::string> Findings() { return Verify().findings.texts; }

  storage::CollectionId Collection(std::string_view type) {
    return resources_->schema().CollectionOf(*FindResourceType(type));
  }
  Version Newest(std::string_view type, std::string_view id) {
    const auto reader = resources_->Read();
    const TypeId type_id = *FindResourceType(type);
    return **reader->Newest(type_id, **reader->FindDoc(type_id, id));
  }
  void Change(const std::function<void(storage::Txn&)>& change) {
    const auto done = store_->writer().Run([&](storage::Txn& txn) {
      change(txn);
      return Status::Ok();
    });
    ASSERT_TRUE(done.ok()) << done.status().ToString();
  }
};

TEST_F(VerifyTest, ASoundStoreHasNoFindings) {
  const ResourceReport report = Verify();
  EXPECT_THAT(report.findings.texts, IsEmpty());
  EXPECT_EQ(report.resources, 3u);
  EXPECT_EQ(report.versions, 6u);
  EXPECT_GT(report.bytes, 70'000u);
}

TEST_F(VerifyTest, NorHasAnEmptyOne) {
  const hilum::testing::TempDir folder;
  auto store =
      storage::Store::Open(hilum::testing::SmallStore(folder.path() + "/empty"), disk_, clock_, random_, Logger());
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  auto bound = ResourceStore::OpenAsBound(**store, {}, clock_, random_);
  ASSERT_TRUE(bound.ok());
  EXPECT_EQ(*bound, nullptr) << "nobody opened it for resources yet";
}

TEST_F(VerifyTest, NeedsNoSettingsOfTheServer) {
  resources_.reset();
  auto bound = ResourceStore::OpenAsBound(*store_, {}, clock_, random_);
  ASSERT_TRUE(bound.ok()) << bound.status().ToString();
  EXPECT_EQ((*bound)->options().base_url, kBase);
}

TEST_F(VerifyTest, AVersionMissingFromItsHistoryIsNamed) {
  const Version version = Newest("Patient", "b");
  Change([&](storage::Txn& txn) {
    txn.Delete(Family::kResource, HistoryKey(Tenant::kDefault, Collection("Patient"), version.sequence));
  });
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("Patient/b version 1 is not in the history"),
                                      HasSubstr("Patient has 2 history entries, but 3")));
}

TEST_F(VerifyTest, AMissingChunkIsDamageAndTheRestIsChecked) {
  const Version version = Newest("Observation", "o");
  Change([&](storage::Txn& txn) {
    txn.Delete(Family::kResource, VersionKey(Tenant::kDefault, Collection("Observation"), version.doc, 1, 1));
  });
  const ResourceReport report = Verify();
  EXPECT_THAT(report.findings.texts,
              Contains(HasSubstr("Observation: the row of version 1 of document 0 of Observation is damaged")));
  EXPECT_THAT(report.findings.texts, Contains(HasSubstr("Observation/o has no version")));
  EXPECT_EQ(report.versions, 5u);
}

TEST_F(VerifyTest, AChangedBodyDiffersFromItsIndex) {
  const Version version = Newest("Patient", "b");
  const std::string key = VersionKey(Tenant::kDefault, Collection("Patient"), version.doc, 1, 0);
  Change([&](storage::Txn& txn) {
    std::string row = **txn.Get(Family::kResource, key);
    row.replace(row.find("Elm"), 3, "Fir");
    txn.Put(Family::kResource, key, row);
  });
  EXPECT_THAT(Findings(),
              ElementsAre(AllOf(HasSubstr("the index of Patient differs from 1 resources"), HasSubstr("family")),
                          AllOf(HasSubstr("Patient/b version 1"), HasSubstr("create it again"))));
}

TEST_F(VerifyTest, AMissingPostingAndAStrayOneAreFound) {
  const auto field = *resources_->schema().FieldOfParam(*FindResourceType("Patient"), "family");
  std::string key = storage::EntryPrefix(Tenant::kDefault, Collection("Patient"), storage::Entry::kPresent, field);
  AppendBe<uint32_t>(&key, 0);
  Change([&](storage::Txn& txn) { txn.Delete(Family::kIndex, key); });
  EXPECT_THAT(Findings(),
              Contains(HasSubstr("the index of Patient differs from 2 resources, in search parameters family")));
}

TEST_F(VerifyTest, AMissingIdentifierIsNamedAndAnOldOneCounted) {
  const Version version = Newest("Patient", "a");
  const auto collection = Collection("Patient");
  Change([&](storage::Txn& txn) {
    txn.Delete(Family::kResource, IdentifierKey(Tenant::kDefault, collection, {"urn:x", "2"}, version.doc));
  });
  EXPECT_THAT(Findings(), Contains(HasSubstr("Patient/a version 2 is not found by one of its identifiers")));
  Change([&](storage::Txn& txn) {
    txn.Put(Family::kResource, IdentifierKey(Tenant::kDefault, collection, {"urn:x", "2"}, version.doc), {});
    txn.Put(Family::kResource, IdentifierKey(Tenant::kDefault, collection, {"urn:x", "1"}, version.doc), {});
  });
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("Patient has 2 identifiers, but 1 belong")));
}

TEST_F(VerifyTest, AnIdThatLeadsElsewhereIsNamed) {
  const auto collection = Collection("Patient");
  Change([&](storage::Txn& txn) {
    const std::string other = **txn.Get(Family::kResource, HeadKey(Tenant::kDefault, collection, "a"));
    txn.Put(Family::kResource, HeadKey(Tenant::kDefault, collection, "b"), other);
  });
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("Patient/b version 1 is the newest, but its id leads elsewhere"),
                                      HasSubstr("Patient/b shares its document")));
}

TEST_F(VerifyTest, ALostCounterIsFound) {
  Change([&](storage::Txn& txn) {
    txn.Delete(Family::kResource, SequenceKey(Tenant::kDefault, Collection("Patient")));
    txn.Delete(Family::kResource, SequenceKey(Tenant::kDefault, kAnyCollection));
  });
  EXPECT_THAT(Findings(), ElementsAre(HasSubstr("the last change of Patient"), HasSubstr("the last change of all")));
}

}  // namespace
}  // namespace hilum::fhir
