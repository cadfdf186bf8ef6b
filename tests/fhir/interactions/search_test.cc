#include <gmock/gmock.h>

#include <algorithm>

#include "tests/fhir/interactions/search_fixture.h"
#include "tests/support/seeded_random.h"

namespace hilum::fhir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

TEST_F(SearchTest, FindsWhatMatchesAndCountsIt) {
  PutClinic();
  const BundleView found = Search("Patient?gender=male");
  EXPECT_EQ(found.total, 1);
  EXPECT_THAT(found.matches, ElementsAre("Patient/1"));
  EXPECT_EQ(found.Link("self"), "http://hilum.test/fhir/Patient?gender=male");
  EXPECT_EQ(found.Link("next"), "");
  EXPECT_EQ(Search("Patient?gender=other").total, 0);
}

TEST_F(SearchTest, GivesLinksThatAreUrls) {
  PutClinic();
  const BundleView found = Search("Observation?code=http://loinc.org|8480-6,http://loinc.org|8462-4&_count=1");
  const std::string url =
      "http://hilum.test/fhir/Observation?code=http://loinc.org%7C8480-6,http://loinc.org%7C8462-4&_count=1";
  EXPECT_EQ(found.Link("self"), url);
  EXPECT_EQ(found.Link("first"), url);
  EXPECT_THAT(found.Link("next"), ::testing::StartsWith(url + "&_cursor="));
  EXPECT_EQ(Follow(url), (std::vector<std::string>{"Observation/a", "Observation/b", "Observation/c"}));
}

// As without http.public_url: what clients call the server is known by each request only.
class SearchWithoutPublicUrlTest : public SearchTest {
 protected:
  void SetUp() override { Open(); }
};

TEST_F(SearchWithoutPublicUrlTest, FindsByTheUrlOfATargetAsTheClientKnowsIt) {
  PutClinic();
  Put(Patient("3", "Poe", R"(,"managingOrganization":{"reference":"http://hilum.test/fhir/Organization/org"})"));
  Put(Patient("4", "Coe", R"(,"managingOrganization":{"reference":"http://other.test/fhir/Organization/org"})"));
  EXPECT_THAT(Search("Patient?organization=http://hilum.test/fhir/Organization/org").matches,
              ElementsAre("Patient/1", "Patient/3"));
  EXPECT_THAT(Search("Patient?organization=http://other.test/fhir/Organization/org").matches, ElementsAre("Patient/4"));
  EXPECT_THAT(Search("Observation?subject:Patient=http://hilum.test/fhir/Patient/2").matches,
              ElementsAre("Observation/c"));
  EXPECT_THAT(Search("Observation?subject=http://hilum.test/fhir/Location/2").matches, IsEmpty());
  EXPECT_THAT(Search("Patient?organization=Organization/org").matches, ElementsAre("Patient/1"))
      << "what an absolute reference means is settled when it is stored";
}

TEST_F(SearchTest, NoLongerFindsDeletedResourcesAndOldVersions) {
  PutClinic();
  Put(Patient("1", "Moe", R"(,"gender":"male")"));
  Delete("Patient", "2");
  EXPECT_EQ(Search("Patient?family=Doe").total, 0);
  EXPECT_THAT(Search("Patient").matches, ElementsAre("Patient/1"));
  EXPECT_THAT(Search("Patient?family=moe").matches, ElementsAre("Patient/1"));
}

TEST_F(SearchTest, CountsWithoutEntriesWhenAskedTo) {
  PutClinic();
  for (const char* url : {"Observation?_summary=count", "Observation?_count=0"}) {
    const BundleView found = Search(url);
    EXPECT_EQ(found.total, 3) << url;
    EXPECT_THAT(found.matches, IsEmpty()) << url;
  }
  EXPECT_EQ(Search("Observation?_total=none").total, -1);
  EXPECT_EQ(Search("Observation?_total=accurate").total, 3);
}

TEST_F(SearchTest, SaysWhatItIgnoresOrRefusesIt) {
  PutClinic();
  const BundleView found = Search("Patient?gender=male&shoe-size=44");
  EXPECT_EQ(found.total, 1);
  EXPECT_EQ(found.Link("self"), "http://hilum.test/fhir/Patient?gender=male");
  ASSERT_EQ(found.outcomes.size(), 1u);
  EXPECT_THAT(found.outcomes[0], HasSubstr("shoe-size"));
  EXPECT_EQ(Get("Patient?gender=male&shoe-size=44", {.prefer_handling = Handling::kStrict}).status, 400);
  Configure({.handling = Handling::kStrict});
  EXPECT_EQ(Get("Patient?shoe-size=44").status, 400);
  EXPECT_EQ(Get("Patient?shoe-size=44", {.prefer_handling = Handling::kLenient}).status, 200);
}

TEST_F(SearchTest, RefusesValuesThatDoNotFit) {
  for (const char* url :
       {"Patient?birthdate=tomorrow", "Patient?_count=-1", "Patient?_include=Patient", "?_type=Nothing"})
    EXPECT_EQ(Get(url).status, 400) << url;
}

TEST_F(SearchTest, GoesThroughSeveralTypes) {
  PutClinic();
  EXPECT_THAT(Search("?_type=Patient,Organization").matches,
              ElementsAre("Organization/parent", "Organization/org", "Patient/1", "Patient/2"));
  EXPECT_EQ(Follow("?_type=Patient,Organization&_count=1"), Search("?_type=Patient,Organization").matches);
  EXPECT_EQ(Follow("?_type=Patient,Organization&_count=2"), Search("?_type=Patient,Organization").matches);
  EXPECT_EQ(Search("?_summary=count").total, 7);
  EXPECT_THAT(Search("?_id=1").matches, ElementsAre("Patient/1"));
  const BundleView ignoring = Search("?_type=Patient,Organization&gender=male");
  EXPECT_EQ(ignoring.total, 4) << "not known to both, so it has no effect";
  EXPECT_EQ(ignoring.outcomes.size(), 1u);
  EXPECT_EQ(Search("?_type=Patient&gender=male").total, 1);
}

TEST_F(SearchTest, FindsFromADayOnAndUpToADayWhatLiesPartlyInIt) {
  Put(R"({"resourceType":"Encounter","id":"night","status":"finished","class":{"code":"IMP"},)"
      R"("period":{"start":"2020-01-10T22:00:00Z","end":"2020-01-11T06:00:00Z"}})");
  Put(R"({"resourceType":"Encounter","id":"stay","status":"in-progress","class":{"code":"IMP"},)"
      R"("period":{"start":"2020-01-11T08:00:00Z"}})");
  struct Case {
    const char* date;
    std::vector<std::string> found;
  };
  const std::string night = "Encounter/night", stay = "Encounter/stay";
  for (const auto& [date, found] : std::vector<Case>{{"ge2020-01-11", {night, stay}},
                                                     {"ge2020-01-11T05:00", {night, stay}},
                                                     {"ge2020-01-11T06:01", {stay}},
                                                     {"ge2020-01-12", {stay}},
                                                     {"le2020-01-09", {}},
                                                     {"le2020-01-10", {night}},
                                                     {"le2020-01-11", {night, stay}}}) {
    const std::string url = std::string("Encounter?date=") + date;
    EXPECT_THAT(Search(url).matches, ::testing::ElementsAreArray(found)) << url;
  }
}

TEST_F(SearchTest, StaysWithinACompartment) {
  PutClinic();
  EXPECT_THAT(Search("Patient/1/Observation").matches, ElementsAre("Observation/a", "Observation/b"));
  EXPECT_THAT(Search("Patient/1/Observation?code=8480-6").matches, ElementsAre("Observation/a"));
  EXPECT_THAT(Search("Patient/1/*").matches, UnorderedElementsAre("Observation/a", "Observation/b", "Patient/1"));
  EXPECT_THAT(Search("Patient/9/Observation").matches, IsEmpty());
  EXPECT_EQ(Get("Patient/1/Medication").status, 404);
}

TEST_F(SearchTest, FindsAVersionOfACanonicalUrl) {
  const auto value_set = [](const std::string& id, const std::string& version) {
    return R"({"resourceType":"ValueSet","status":"active","url":"http://a.test/vs","id":")" + id + R"(","version":")" +
           version + "\"}";
  };
  Put(value_set("1", "1.0"));
  Put(value_set("2", "2.0"));
  EXPECT_THAT(Search("ValueSet?url=http://a.test/vs|2.0").matches, ElementsAre("ValueSet/2"));
  EXPECT_EQ(Search("ValueSet?url=http://a.test/vs|3.0").total, 0);
  EXPECT_EQ(Search("ValueSet?url=http://a.test/vs").total, 2);
  EXPECT_EQ(Search("ValueSet?url:below=http://a.test/").total, 2);
  EXPECT_EQ(Get("ValueSet?url:below=urn:oid:1.2").status, 400) << "URNs have nothing below";
}

TEST_F(SearchTest, FindsQuantitiesByTheUnitForPeopleToo) {
  const auto put = [&](const std::string& id, const std::string& quantity) {
    Put(Observation(id, "1", "8480-6", ",\"valueQuantity\":{\"value\":120," + quantity + "}"));
  };
  put("a", R"("unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]")");
  put("b", R"("unit":"mmHg")");
  put("c", R"("unit":"furlong","system":"urn:own","code":"fl")");
  EXPECT_THAT(Search("Observation?value-quantity=120||mmHg").matches,
              UnorderedElementsAre("Observation/a", "Observation/b"));
  EXPECT_THAT(Search("Observation?value-quantity=gt100||mm[Hg]").matches, ElementsAre("Observation/a"));
  EXPECT_THAT(Search("Observation?value-quantity=120||furlong").matches, ElementsAre("Observation/c"));
  EXPECT_THAT(Search("Observation?value-quantity=120||fl").matches, ElementsAre("Observation/c"));
  EXPECT_EQ(Search("Observation?value-quantity=120|urn:own|furlong").total, 0);
}

TEST_F(SearchTest, SaysByWhichMethodASearchIsPosted) {
  for (const std::string url : {"_search", "Patient/_search", "Patient/1/Observation/_search"}) {
    EXPECT_EQ(Run(url, {.method = "GET"}).status, 405) << url;
    EXPECT_EQ(Run(url, {.method = "PUT"}).status, 405) << url;
  }
}

TEST_F(SearchTest, AParameterThatNarrowsAnotherMissesNothingThatItFinds) {
  Put(Observation("dangling", "nobody", "n"));
  Put(Patient("gone", "Gone"));
  Put(Observation("orphan", "gone", "n"));
  Delete("Patient", "gone");
  Put(R"({"resourceType":"Observation","id":"of-group","status":"final","code":{"coding":[{"code":"n"}]},)"
      R"("subject":{"reference":"Group/g"}})");
  EXPECT_THAT(Search("Observation?code=n&patient=Patient/nobody,Patient/gone").matches,
              ElementsAre("Observation/dangling", "Observation/orphan"));
  EXPECT_THAT(Search("Observation?code=n&patient:missing=false").matches,
              ElementsAre("Observation/dangling", "Observation/orphan"));
  EXPECT_THAT(Search("Observation?code=n&patient:missing=true").matches, ElementsAre("Observation/of-group"));
}

TEST_F(SearchTest, AParameterThatNarrowsAnotherNeverLeadsToOtherTypes) {
  Put(R"({"resourceType":"Group","id":"g","type":"person","actual":true,"code":{"text":"x"}})");
  Put(R"({"resourceType":"Observation","id":"of-group","status":"final","code":{"coding":[{"code":"n"}]},)"
      R"("subject":{"reference":"Group/g"}})");
  EXPECT_THAT(Search("Group?_has:Observation:subject:code=n").matches, ElementsAre("Group/g"));
  EXPECT_THAT(Search("Group?_has:Observation:patient:code=n").matches, IsEmpty());
  EXPECT_THAT(Search("Observation?subject:Group.type=person").matches, ElementsAre("Observation/of-group"));
  EXPECT_THAT(Search("Observation?patient:Group.type=person").matches, IsEmpty());
  EXPECT_EQ(Get("Group?_has:Observation:patient:nothing=n", {.prefer_handling = Handling::kStrict}).status, 400);
}

TEST_F(SearchTest, FindsTheMembersOfAList) {
  PutClinic();
  Put(R"({"resourceType":"List","id":"l","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/2"}}]})");
  EXPECT_THAT(Search("Patient?_list=l").matches, ElementsAre("Patient/2"));
}

TEST_F(SearchTest, DoesNotTakeAFunctionalListForAnEmptyOne) {
  EXPECT_GE(Get("AllergyIntolerance?_list=$current-allergies").status, 400);
}

TEST_F(SearchTest, TakesAFormAsTheSameSearch) {
  PutClinic();
  const BundleView found =
      BundleView(Run("Patient/_search?gender=male", {.method = "POST", .query = {{"family", "doe"}}}));
  EXPECT_THAT(found.matches, ElementsAre("Patient/1"));
  EXPECT_EQ(found.Link("self"), "http://hilum.test/fhir/Patient?gender=male&family=doe");
}

TEST_F(SearchTest, NamesElementsThatDoNotExist) {
  PutClinic();
  const BundleView found = Search("Observation?_elements=status,valueQuantity");
  ASSERT_EQ(found.outcomes.size(), 1u);
  EXPECT_THAT(found.outcomes[0], HasSubstr("valueQuantity"));
  EXPECT_EQ(found.matches.size(), 3u);
  EXPECT_THAT(Search("Observation?_elements=status,value").outcomes, IsEmpty());
  EXPECT_THAT(Search("?_type=Patient,Observation&_elements=gender,status").outcomes, IsEmpty());
  EXPECT_THAT(Search("Observation?_elements=gender&_include=Observation:subject").outcomes, IsEmpty());
}

TEST_F(SearchTest, AnswersWhateverItIsAsked) {
  PutClinic();
  const std::vector<std::string> paths = {
      "",         "Patient", "Observation", "Patient/1/*", "Patient/1/$everything", "_history", "Patient/1/_history",
      "Patient/1"};
  const std::vector<std::string> names = {"_id",
                                          "code",
                                          "date",
                                          "_sort",
                                          "_count",
                                          "_include",
                                          "_revinclude:iterate",
                                          "_cursor",
                                          "_type",
                                          "_since",
                                          "_at",
                                          "_list",
                                          "_has:Observation:subject:code",
                                          "subject:Patient.name",
                                          "_elements",
                                          "_summary",
                                          "start",
                                          "name:missing",
                                          "value-quantity",
                                          "code-value-quantity",
                                          "_total",
                                          "_lastUpdated",
                                          "x:y:z"};
  const std::string_view pieces[] = {
      "*",       ":",  ",",    "|", "$",  "1",    "-", "Patient", "Observation",          "subject",
      "2020-01", "ge", "true", "/", "\\", "code", "é", ".",       "99999999999999999999", "count"};
  testing::SeededRandom random(11);
  for (int i = 0; i < 3000; ++i) {
    Interaction request{.method = "GET"};
    for (uint64_t n = random.Next64() % 3; n < 3; ++n) {
      std::string value;
      for (uint64_t m = random.Next64() % 5; m < 5; ++m) value += pieces[random.Next64() % std::size(pieces)];
      request.query.push_back({names[random.Next64() % names.size()], value});
    }
    const std::string& path = paths[random.Next64() % paths.size()];
    const Answer answer = Run(path, request);
    EXPECT_TRUE(answer.status == 200 || answer.status == 400)
        << answer.status << " " << path << "?" << JoinQuery(request.query);
    EXPECT_TRUE(json::Document::Parse(answer.body).ok()) << path << "?" << JoinQuery(request.query);
  }
}

TEST_F(SearchTest, GivesOnlyThePartsAskedFor) {
  PutClinic();
  const BundleView found = Search("Patient?_id=1&_elements=gender");
  EXPECT_THAT(found.resources.at(0), HasSubstr("SUBSETTED"));
  EXPECT_THAT(found.resources.at(0), Not(HasSubstr("Doe")));
  EXPECT_THAT(Get("Patient?_id=1&_pretty=true").body, HasSubstr("\n  \"type\": \"searchset\""));
}

// The plainest search there is, over what was put in.
struct Made {
  std::string id, patient, code, status;
  int day;
};

TEST_F(SearchTest, TotalsAreThoseOfCountingByHand) {
  std::vector<Made> made;
  testing::SeededRandom random(7);
  const auto pick = [&](uint64_t below) { return static_cast<int>(random.Next64() % below); };
  const std::vector<std::string> codes = {"1-1", "2-2", "3-3"}, statuses = {"final", "amended", "preliminary"};
  for (int i = 0; i < 3; ++i) Put(Patient(std::to_string(i), "Doe"));
  for (int i = 0; i < 80; ++i) {
    Made one{.id = "o" + std::to_string(i),
             .patient = std::to_string(pick(3)),
             .code = codes[pick(3)],
             .status = statuses[pick(3)],
             .day = 10 + pick(9)};
    Put(R"({"resourceType":"Observation","id":")" + one.id + R"(","status":")" + one.status +
        R"(","code":{"coding":[{"code":")" + one.code + R"("}]},"subject":{"reference":"Patient/)" + one.patient +
        R"("},"effectiveDateTime":"2020-01-)" + std::to_string(one.day) + "\"}");
    made.push_back(std::move(one));
  }
  for (int i = 0; i < 100; ++i) {
    const bool by_code = pick(2), by_status = pick(2), by_patient = pick(2), by_day = pick(2);
    const std::string code = codes[pick(3)], other = codes[pick(3)], status = statuses[pick(3)];
    const std::string patient = std::to_string(pick(3));
    const int day = 10 + pick(9);
    std::string url = "Observation?_count=7";
    if (by_code) url += "&code=" + code + "," + other;
    if (by_status) url += "&status:not=" + status;
    if (by_patient) url += "&subject=Patient/" + patient;
    if (by_day) url += "&date=ge2020-01-" + std::to_string(day);
    const long expected = std::ranges::count_if(made, [&](const Made& one) {
      return (!by_code || one.code == code || one.code == other) && (!by_status || one.status != status) &&
             (!by_patient || one.patient == patient) && (!by_day || one.day >= day);
    });
    EXPECT_EQ(Search(url).total, expected) << url;
    EXPECT_EQ(static_cast<long>(Follow(url).size()), expected) << url;
  }
}

}  // namespace
}  // namespace hilum::fhir
