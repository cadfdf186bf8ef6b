// Resources written inside a transaction of somebody else.
#include <gmock/gmock.h>

#include "fhir/store/keys.h"
#include "fhir/store/verify.h"
#include "tests/fhir/support/interactions_fixture.h"

namespace hilum::fhir {
namespace {

using storage::Txn;
using ::testing::ElementsAre;

class ResourceTxnTest : public InteractionsFixture {
 protected:
  static TypeId Type(std::string_view name) { return *FindResourceType(name); }

  Write WriteOf(const std::string& text, uint64_t seen = 0) {
    const auto document = json::Document::Parse(text);
    const Validation validation = Validate(document->root());
    const std::string id(json::Find(document->root(), "id").TextOr(""));
    const TypeId type = *ResourceTypeOf(document->root());
    Write write{.method = seen == 0 ? Method::kCreate : Method::kUpdate, .type = type, .id = id, .seen_version = seen};
    write.after = resources_->Prepare(document->root(), validation.typing, id, seen + 1).value();
    return write;
  }
  static std::vector<Write> One(Write write) {
    std::vector<Write> writes;
    writes.push_back(std::move(write));
    return writes;
  }
  Status Transact(const std::function<Status(ResourceTxn&)>& work) {
    return store_->writer()
        .Run([&](Txn& txn) {
          ResourceTxn resources(*resources_, txn);
          return work(resources);
        })
        .status();
  }
};

const std::string kPatient =
    R"({"resourceType":"Patient","id":"p","identifier":[{"system":"urn:a","value":"1"}],"name":[{"family":"Doe"}]})";

TEST_F(ResourceTxnTest, WhatItWroteIsThereForTheRestOfTheTransactionAndAfterIt) {
  const Status status = Transact([&](ResourceTxn& resources) -> Status {
    EXPECT_FALSE(resources.FindHead(Type("Patient"), "p")->has_value());
    HILUM_ASSIGN_OR_RETURN(const Committed committed, resources.WriteAll(One(WriteOf(kPatient)), {}));
    EXPECT_EQ(committed.stamps.size(), 1u);
    EXPECT_EQ(committed.stamps.at(0).version, 1u);
    EXPECT_EQ(committed.stamps.at(0).updated_micros, resources.now_micros());
    HILUM_ASSIGN_OR_RETURN(const auto newest, resources.Newest(Type("Patient"), "p"));
    EXPECT_EQ(newest->number, 1u);
    EXPECT_EQ(At(newest->bytes, "name.0.family"), "Doe");
    HILUM_ASSIGN_OR_RETURN(const auto docs, resources.FindIdentifier(Type("Patient"), {"urn:a", "1"}, 2));
    EXPECT_THAT(docs, ElementsAre(newest->doc));
    HILUM_ASSIGN_OR_RETURN(const std::string id, resources.IdOf(Type("Patient"), docs.at(0)));
    EXPECT_EQ(id, "p");
    return Status::Ok();
  });
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(Run("GET", "Patient/p").status, 200);
  EXPECT_EQ(Total("Patient?name=doe"), 1);
}

TEST_F(ResourceTxnTest, OfThoseWhoHaveAnIdentifierItReadsSoMany) {
  const storage::TokenValue identifier{"urn:a", "1"};
  const Status status = Transact([&](ResourceTxn& resources) -> Status {
    for (const std::string id : {"a", "b", "c"}) {
      std::string patient = kPatient;
      patient.replace(patient.find("\"p\""), 3, "\"" + id + "\"");
      HILUM_RETURN_IF_ERROR(resources.WriteAll(One(WriteOf(patient)), {}).status());
    }
    HILUM_ASSIGN_OR_RETURN(const auto docs, resources.FindIdentifier(Type("Patient"), identifier, 2));
    EXPECT_THAT(docs, ElementsAre(0, 1));
    return Status::Ok();
  });
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_THAT(*resources_->Read()->FindIdentifier(Type("Patient"), identifier, 2), ElementsAre(0, 1));
  EXPECT_THAT(*resources_->Read()->FindIdentifier(Type("Patient"), identifier), ElementsAre(0, 1, 2));
}

TEST_F(ResourceTxnTest, NothingIsLeftOfATransactionThatFails) {
  const Status status = Transact([&](ResourceTxn& resources) -> Status {
    HILUM_RETURN_IF_ERROR(resources.WriteAll(One(WriteOf(kPatient)), {}).status());
    return Conflict("something else went wrong");
  });
  EXPECT_EQ(status.code(), Code::kConflict);
  EXPECT_EQ(Run("GET", "Patient/p").status, 404);
  EXPECT_EQ(Total("Patient"), 0);
}

TEST_F(ResourceTxnTest, AWriteThatSawAnotherVersionIsOutdatedAndWritesNothing) {
  ASSERT_EQ(Run("PUT", "Patient/p", kPatient).status, 201);
  const Status status = Transact([&](ResourceTxn& resources) -> Status {
    std::vector<Write> writes = One(WriteOf(R"({"resourceType":"Patient","id":"other"})"));
    writes.push_back(WriteOf(kPatient, 7));
    HILUM_ASSIGN_OR_RETURN(const Committed committed, resources.WriteAll(std::move(writes), {}));
    EXPECT_TRUE(committed.outdated);
    return Status::Ok();
  });
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(Run("GET", "Patient/other").status, 404);
  EXPECT_EQ(Run("GET", "Patient/p").version, 1u);
}

TEST_F(ResourceTxnTest, SeveralVersionsOfOneResourceFollowEachOther) {
  const Status status = Transact([&](ResourceTxn& resources) -> Status {
    HILUM_RETURN_IF_ERROR(resources.WriteAll(One(WriteOf(kPatient)), {}).status());
    Write second = WriteOf(R"({"resourceType":"Patient","id":"p","name":[{"family":"Roe"}]})", 1);
    HILUM_ASSIGN_OR_RETURN(const auto newest, resources.Newest(Type("Patient"), "p"));
    HILUM_ASSIGN_OR_RETURN(second.before, resources_->PrepareStored(*newest));
    HILUM_ASSIGN_OR_RETURN(const Committed committed, resources.WriteAll(One(std::move(second)), {}));
    EXPECT_FALSE(committed.outdated);
    return Status::Ok();
  });
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(Run("GET", "Patient/p").version, 2u);
  EXPECT_EQ(Total("Patient?name=roe"), 1);
  EXPECT_EQ(Total("Patient?name=doe"), 0);
  EXPECT_EQ(Total("Patient?identifier=urn:a|1"), 0);
}

TEST_F(ResourceTxnTest, LongResourcesAreReadWhole) {
  const std::string text =
      R"({"resourceType":"Patient","id":"p","name":[{"family":")" + std::string(200'000, 'x') + "\"}]}";
  const Status status = Transact([&](ResourceTxn& resources) -> Status {
    HILUM_RETURN_IF_ERROR(resources.WriteAll(One(WriteOf(text)), {}).status());
    HILUM_ASSIGN_OR_RETURN(const auto newest, resources.Newest(Type("Patient"), "p"));
    EXPECT_EQ(At(newest->bytes, "name.0.family").size(), 200'000u);
    return Status::Ok();
  });
  ASSERT_TRUE(status.ok()) << status.ToString();
}

TEST(Instant, IsTheTimeToTheMillisecond) {
  EXPECT_EQ(Instant(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(Instant(1'709'209'805'006'999), "2024-02-29T12:30:05.006Z");
  EXPECT_EQ(Instant(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(Instant(-62'135'596'800'000'000), "0001-01-01T00:00:00.000Z");
}

class EditedVersionsTest : public ResourceTxnTest {
 protected:
  // Doe is called Roe and Poe: the second version is stored as an edit of the first, the third too.
  void WriteThree() {
    const Status status = Transact([&](ResourceTxn& resources) -> Status {
      HILUM_RETURN_IF_ERROR(resources.WriteAll(One(WriteOf(kPatient)), {}).status());
      HILUM_ASSIGN_OR_RETURN(const auto first, resources.Newest(Type("Patient"), "p"));
      const auto document = json::Document::Parse(first->bytes);
      const json::Value family = *json::MaybeValue(document->root())["name"]->children().begin();
      json::Edits edits;
      edits.Replace(json::Find(family, "family")->begin(), json::Find(family, "family")->end(), "\"Roe\"");
      HILUM_RETURN_IF_ERROR(
          Write(resources, *first, resources_->PrepareEdited(document->root(), std::move(edits), *first)));
      HILUM_ASSIGN_OR_RETURN(const auto second, resources.NewestRow(Type("Patient"), "p"));
      EXPECT_TRUE(second->edited && second->bytes.empty());
      return Write(resources, *second, resources_->PrepareEdited(*second, {"\"Poe\""}));
    });
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  Status Write(ResourceTxn& resources, const Version& seen, std::pair<PreparedVersion, PreparedValues> prepared) {
    fhir::Write write{.method = Method::kUpdate, .type = seen.type, .id = seen.id, .seen_version = seen.number};
    write.after = std::move(prepared.first);
    write.before = std::move(prepared.second);
    return resources.WriteAll(One(std::move(write)), {}).status();
  }
  std::string Family(uint64_t version) {
    return At(Run("GET", "Patient/p/_history/" + std::to_string(version)).body, "name.0.family");
  }
  std::string VersionRow(uint64_t version) {
    const auto reader = resources_->Read();
    const auto head = reader->FindHead(Type("Patient"), "p").value();
    return VersionKey(storage::Tenant::kDefault, reader->CollectionOf(Type("Patient")), head->doc, version, 0);
  }
};

TEST_F(EditedVersionsTest, AreReadLikeOthers) {
  WriteThree();
  for (const auto& [version, family] : {std::pair(1, "Doe"), {2, "Roe"}, {3, "Poe"}}) {
    const Answer answer = Run("GET", "Patient/p/_history/" + std::to_string(version));
    EXPECT_EQ(At(answer.body, "name.0.family"), family);
    EXPECT_EQ(At(answer.body, "meta.versionId"), std::to_string(version));
    EXPECT_EQ(At(answer.body, "meta.lastUpdated"), Instant(*answer.updated_micros));
  }
  EXPECT_EQ(At(Run("GET", "Patient/p").body, "name.0.family"), "Poe");
  ASSERT_EQ(Run("PUT", "Patient/p", kPatient).status, 200);
  EXPECT_EQ(Family(3), "Poe");
  EXPECT_EQ(Family(4), "Doe");
}

TEST_F(EditedVersionsTest, AreDamagedWithWhatTheyAreEditsOf) {
  WriteThree();
  const Status status = Transact([&](ResourceTxn& resources) -> Status {
    const std::string row = **resources.txn().Get(storage::Family::kResource, VersionRow(2));
    resources.txn().Put(storage::Family::kResource, VersionRow(2), row.substr(0, row.size() - 8));
    resources.txn().Delete(storage::Family::kResource, VersionRow(1));
    return Status::Ok();
  });
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(Run("GET", "Patient/p/_history/2").status, 500);
  EXPECT_EQ(Run("GET", "Patient/p").status, 500);
  const auto report = VerifyResources(*store_, *resources_, {});
  EXPECT_THAT(report->findings.texts,
              ::testing::Contains(::testing::HasSubstr("version 2 of document 0 of Patient is damaged")));
}

// The field behind searches by what images are like (fhir/search/images.h).
TEST_F(ResourceTxnTest, AnImagingStudyLeadsToTheStudyOfTheCatalogueWithItsImages) {
  constexpr storage::Doc kStudy = 5;
  const Status status = Transact([&](ResourceTxn& resources) -> Status {
    Write write =
        WriteOf(R"({"resourceType":"ImagingStudy","id":"s","status":"available","subject":{"reference":"Patient/p"}})");
    write.after->index.images = kStudy;
    return resources.WriteAll(One(std::move(write)), {}).status();
  });
  ASSERT_TRUE(status.ok()) << status.ToString();
  const auto reader = resources_->Read();
  const TypeId type = Type("ImagingStudy");
  const auto head = reader->FindHead(type, "s");
  const auto studies =
      reader->index().References(reader->CollectionOf(type), *reader->ImagesField(), (*head)->doc).value();
  ASSERT_EQ(studies.size(), 1u);
  EXPECT_EQ(studies[0].target->collection, storage::CollectionOf(storage::Level::kStudy));
  EXPECT_EQ(studies[0].target->doc, kStudy);
}

}  // namespace
}  // namespace hilum::fhir
