// _include and _revinclude.
#include <gmock/gmock.h>

#include "tests/fhir/interactions/search_fixture.h"

namespace hilum::fhir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST_F(SearchTest, IncludesWhatMatchesReferTo) {
  PutClinic();
  const BundleView found = Search("Observation?code=8480-6&_include=Observation:subject");
  EXPECT_THAT(found.matches, ElementsAre("Observation/a", "Observation/c"));
  EXPECT_THAT(found.included, ElementsAre("Patient/1", "Patient/2"));
  EXPECT_EQ(found.total, 2) << "what is included does not count";
  EXPECT_THAT(Search("Observation?_id=a&_include=Observation:subject:Group").included, IsEmpty());
}

TEST_F(SearchTest, IncludesNothingInSummariesOfTextAndSaysSo) {
  PutClinic();
  const std::string url = "Observation?_id=a&_include=Observation:subject&_summary=text";
  const BundleView found = Search(url);
  EXPECT_THAT(found.included, IsEmpty());
  ASSERT_EQ(found.outcomes.size(), 1u);
  EXPECT_THAT(found.outcomes[0], HasSubstr("do not go with _summary=text"));
  EXPECT_EQ(found.Link("self"), "http://hilum.test/fhir/Observation?_id=a&_summary=text");
  EXPECT_EQ(Get(url, {.prefer_handling = Handling::kStrict}).status, 400);
}

TEST_F(SearchTest, IncludesFurtherOnlyWhenItIterates) {
  PutClinic();
  EXPECT_THAT(Search("Observation?_id=a&_include=Observation:subject&_include=Patient:organization").included,
              ElementsAre("Patient/1"));
  EXPECT_THAT(Search("Observation?_id=a&_include=Observation:subject&_include:iterate=Patient:organization").included,
              UnorderedElementsAre("Patient/1", "Organization/org"));
  EXPECT_THAT(Search("Observation?_id=b&_include:iterate=*").included,
              UnorderedElementsAre("Patient/1", "Observation/a", "Organization/org", "Organization/parent"));
  EXPECT_THAT(Search("Observation?_id=b&_include=*").included, UnorderedElementsAre("Patient/1", "Observation/a"));
}

TEST_F(SearchTest, IncludesWhatRefersToMatches) {
  PutClinic();
  EXPECT_THAT(Search("Patient?_id=1&_revinclude=Observation:subject").included,
              ElementsAre("Observation/a", "Observation/b"));
  EXPECT_THAT(Search("Patient?_id=1&_revinclude=*").included, ElementsAre("Observation/a", "Observation/b"));
  EXPECT_THAT(Search("Patient?_id=1&_revinclude=Observation:*").included,
              ElementsAre("Observation/a", "Observation/b"));
  EXPECT_THAT(Search("Organization?_id=parent&_revinclude:iterate=*").included,
              UnorderedElementsAre("Organization/org", "Patient/1", "Observation/a", "Observation/b"));
}

TEST_F(SearchTest, IncludesEachOnceInACycle) {
  Put(R"({"resourceType":"Organization","id":"x","partOf":{"reference":"Organization/y"}})");
  Put(R"({"resourceType":"Organization","id":"y","partOf":{"reference":"Organization/x"}})");
  const BundleView found = Search("Organization?_id=x&_include:iterate=*&_revinclude:iterate=*");
  EXPECT_THAT(found.matches, ElementsAre("Organization/x"));
  EXPECT_THAT(found.included, ElementsAre("Organization/y"));
}

TEST_F(SearchTest, LeavesOutIncludesThatAreNotThere) {
  Put(Observation("o", "never", "1-1"));
  Put(Patient("gone", "Doe"));
  Put(Observation("p", "gone", "1-1"));
  Delete("Patient", "gone");
  EXPECT_THAT(Search("Observation?_include=Observation:subject").included, IsEmpty());
}

TEST_F(SearchTest, StopsIncludingAtTheLimitAndSaysSo) {
  PutClinic();
  Configure({.max_included = 1});
  const BundleView found = Search("Patient?_id=1&_revinclude=Observation:subject");
  EXPECT_EQ(found.included.size(), 1u);
  ASSERT_EQ(found.outcomes.size(), 1u);
  EXPECT_THAT(found.outcomes[0], HasSubstr("too-costly"));
}

TEST_F(SearchTest, IncludesOfOneReferenceLookItUpOnce) {
  Put(Observation("0", "p", "n"));
  const auto refers = [](const std::string& id) { return R"(,"hasMember":[{"reference":"Observation/)" + id + "\"}]"; };
  for (int i = 1; i <= 50; ++i) Put(Observation(std::to_string(i), "p", "n", refers(std::to_string(i - 1))));
  std::string url = "Observation?_id=50";
  for (const char* to : {"", ":Observation", ":Patient", ":Group", ":Device"})
    url += std::string("&_include:iterate=Observation:has-member") + to;
  Configure({.max_include_lookups = 51});
  const BundleView whole = Search(url);
  EXPECT_EQ(whole.included.size(), 50u);
  EXPECT_THAT(whole.outcomes, IsEmpty());

  for (const auto& query : {url, std::string("Observation?_id=0&_revinclude:iterate=Observation:has-member")}) {
    Configure({.max_include_lookups = 20});
    const BundleView cut = Search(query);
    EXPECT_EQ(cut.included.size(), 20u);
    ASSERT_EQ(cut.outcomes.size(), 1u);
    EXPECT_THAT(cut.outcomes[0], HasSubstr("too-costly"));
  }
}

TEST_F(SearchTest, IncludesOfAnythingLookUpWhatResourcesUse) {
  Put(Observation("0", "p", "n"));
  for (int i = 1; i <= 50; ++i) {
    Put(Observation(std::to_string(i), "p", "n",
                    R"(,"hasMember":[{"reference":"Observation/)" + std::to_string(i - 1) + "\"}]"));
  }
  Configure({.max_include_lookups = 1000});
  for (const char* query : {"_id=50&_include:iterate=*", "_id=0&_revinclude:iterate=*"}) {
    const BundleView found = Search(std::string("Observation?") + query);
    EXPECT_EQ(found.included.size(), 50u) << query;
    EXPECT_THAT(found.outcomes, IsEmpty()) << query;
  }
}

TEST_F(SearchTest, IncludesOfOneReferenceAreToEachTypeThatOneOfThemNames) {
  PutClinic();
  Put(R"({"resourceType":"Group","id":"g","type":"person","actual":true})");
  Put(R"({"resourceType":"Observation","id":"g","status":"final","code":{"text":"x"},"subject":{"reference":"Group/g"}})");
  const std::string url = "Observation?_id=a,g&_include=Observation:subject:";
  EXPECT_THAT(Search(url + "Group").included, ElementsAre("Group/g"));
  EXPECT_THAT(Search(url + "Group&_include=Observation:subject:Device").included, ElementsAre("Group/g"));
  EXPECT_THAT(Search(url + "Group&_include=Observation:patient").included, ElementsAre("Group/g", "Patient/1"));
  EXPECT_THAT(Search(url + "Device&_include=Observation:*").included, ElementsAre("Group/g", "Patient/1"));
}

TEST_F(SearchTest, LeavesOutIncludedResourcesThatGetLongAndSaysSo) {
  PutClinic();
  const std::string comment = R"(,"note":[{"text":")" + std::string(2000, 'x') + "\"}]";
  for (const std::string id : {"x", "y", "z"}) Put(Observation(id, "2", "n", comment));
  Configure({.max_page_bytes = 3000});
  const BundleView page = Search("Patient?_id=2&_revinclude=Observation:subject");
  EXPECT_THAT(page.matches, ElementsAre("Patient/2"));
  EXPECT_EQ(page.included.size(), 3u) << "the short one, and two of the long ones";
  ASSERT_EQ(page.outcomes.size(), 1u);
  EXPECT_THAT(page.outcomes[0], HasSubstr("not all resources to include are here, only 3;"));
}

}  // namespace
}  // namespace hilum::fhir
