#include "fhir/store/persons.h"

#include <gmock/gmock.h>

#include "fhir/store/keys.h"
#include "fhir/store/verify.h"
#include "tests/fhir/support/interactions_fixture.h"

namespace hilum::fhir {
namespace {

using storage::Family;
using storage::Tenant;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class PersonsTest : public InteractionsFixture {
 protected:
  // `into`: "Patient/1"; empty: nobody.
  void Put(const std::string& id, const std::string& into = "", const std::string& how = "replaced-by") {
    const std::string link =
        into.empty() ? "" : R"(,"link":[{"other":{"reference":")" + into + R"("},"type":")" + how + R"("}])";
    ASSERT_LT(Run("PUT", "Patient/" + id, R"({"resourceType":"Patient","id":")" + id + "\"" + link + "}").status, 300);
  }
  storage::Doc DocOf(const std::string& id) { return **resources_->Read()->FindDoc(*FindResourceType("Patient"), id); }
  // All Patients of the person of `id`, the one who stands for it last.
  std::vector<std::string> PersonOf(const std::string& id) {
    const auto reader = resources_->Read();
    const auto persons = Persons::Read(*reader);
    if (!persons.ok()) return {persons.status().ToString()};
    const storage::Doc survivor = persons->SurvivorOf(DocOf(id));
    std::vector<std::string> ids;
    storage::Bitmap records = persons->RecordsOf(storage::Bitmap({DocOf(id)}));
    EXPECT_TRUE(records.Contains(survivor));
    EXPECT_EQ(persons->SurvivorsOf(records).ToVector(), std::vector<storage::Doc>{survivor});
    records.Remove(survivor);
    for (const storage::Doc doc : records.ToVector())
      ids.push_back((*reader->Newest(*FindResourceType("Patient"), doc))->id);
    ids.push_back((*reader->Newest(*FindResourceType("Patient"), survivor))->id);
    return ids;
  }
};

TEST_F(PersonsTest, AreAllWhoWereMergedInARow) {
  for (const char* id : {"a", "b", "c", "d"}) Put(id);
  Put("a", "Patient/b");
  Put("b", "Patient/c");
  Put("d", "Patient/c", "seealso");
  for (const char* id : {"a", "b", "c"}) EXPECT_THAT(PersonOf(id), ElementsAre("a", "b", "c")) << id;
  EXPECT_THAT(PersonOf("d"), ElementsAre("d"));
  Put("b");
  EXPECT_THAT(PersonOf("a"), ElementsAre("a", "b"));
  EXPECT_THAT(PersonOf("c"), ElementsAre("c"));
}

TEST_F(PersonsTest, WhoIsReplacedByNobodyStandsAlone) {
  for (const char* id : {"a", "b", "c", "d"}) Put(id);
  Put("a", "Patient/b");
  Put("b", "Patient/a");
  Put("c", "Patient/nobody");
  Put("d", "Patient/gone");
  EXPECT_THAT(PersonOf("a"), ElementsAre("a"));
  EXPECT_THAT(PersonOf("c"), ElementsAre("c"));
  Put("gone");
  EXPECT_THAT(PersonOf("d"), ElementsAre("d", "gone"));
  EXPECT_EQ(Run("DELETE", "Patient/gone").status, 204);
  EXPECT_THAT(PersonOf("d"), ElementsAre("d"));
}

TEST_F(PersonsTest, AStoreThatDidNotIndexMergesLearnsOfThem) {
  Put("a");
  Put("b", "Patient/a");
  Put("c", "Patient/a");
  // As an older release left it: the parameter has no number, so it gets a new one that nothing is indexed under.
  const auto forget = [&](storage::Txn& txn) -> Status {
    txn.Delete(Family::kResource, NumberKey(Tenant::kDefault, std::string("Patient\0replaced-by", 19)));
    const auto collection = resources_->schema().CollectionOf(*FindResourceType("Patient"));
    txn.Put(Family::kResource, VersionKey(Tenant::kDefault, collection, 2, 1, 0), "damaged");
    return Status::Ok();
  };
  ASSERT_TRUE(store_->writer().Run(forget).status().ok());
  Reopen();
  EXPECT_THAT(PersonOf("b"), ElementsAre("b", "a"));
  EXPECT_EQ(Total("Patient?replaced-by=Patient/a&_summary=count"), 1) << "and who cannot be read is left out";
  Put("b");
  EXPECT_EQ(Total("Patient?replaced-by=Patient/a"), 0);
}

}  // namespace
}  // namespace hilum::fhir
