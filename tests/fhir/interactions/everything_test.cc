#include <gmock/gmock.h>

#include "tests/fhir/interactions/store_fixture.h"

namespace hilum::fhir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class EverythingTest : public StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    Put(R"({"resourceType":"Organization","id":"parent"})");
    Put(R"({"resourceType":"Organization","id":"org","partOf":{"reference":"Organization/parent"}})");
    Put(R"({"resourceType":"Practitioner","id":"doctor"})");
    Put(R"({"resourceType":"Practitioner","id":"stranger"})");
    Put(R"({"resourceType":"Medication","id":"pill"})");
    Put(Patient("2", "Roe", R"(,"link":[{"other":{"reference":"Patient/1"},"type":"seealso"}])"));
    Put(Patient("1", "Doe", R"(,"managingOrganization":{"reference":"Organization/org"})"));
    Put(Observation("early", "1", "1-1",
                    R"(,"effectiveDateTime":"2020-01-01","performer":[{"reference":"Practitioner/doctor"}])"));
    Put(Observation("late", "1", "1-1", R"(,"effectiveDateTime":"2021-01-01","focus":[{"reference":"Patient/2"}])"));
    Put(Observation("other", "2", "1-1", R"(,"performer":[{"reference":"Practitioner/stranger"}])"));
    Put(R"({"resourceType":"MedicationRequest","id":"rx","status":"active","intent":"order",)"
        R"("medicationReference":{"reference":"Medication/pill"},"subject":{"reference":"Patient/1"}})");
  }
  BundleView Of(std::string_view url) { return BundleView(Get(url)); }
};

TEST_F(EverythingTest, IsThePatientItsRecordsAndWhatTheyReferTo) {
  const BundleView all = Of("Patient/1/$everything");
  EXPECT_THAT(all.matches, ElementsAre("Patient/1", "MedicationRequest/rx", "Observation/early", "Observation/late"));
  EXPECT_THAT(all.included, UnorderedElementsAre("Organization/org", "Practitioner/doctor", "Medication/pill"));
  EXPECT_EQ(all.total, 4);
}

TEST_F(EverythingTest, LeavesOtherPatientsAlone) {
  const BundleView all = Of("Patient/2/$everything");
  EXPECT_THAT(all.matches, UnorderedElementsAre("Patient/2", "Observation/other"));
  EXPECT_THAT(all.included, ElementsAre("Practitioner/stranger"));
}

TEST_F(EverythingTest, PatientsWhoWereMergedAreOnePerson) {
  Put(Patient("2", "Roe", R"(,"link":[{"other":{"reference":"Patient/1"},"type":"replaced-by"}])"));
  for (const char* url : {"Patient/1/$everything", "Patient/2/$everything"}) {
    EXPECT_THAT(Of(url).matches, UnorderedElementsAre("Patient/1", "Patient/2", "MedicationRequest/rx",
                                                      "Observation/early", "Observation/late", "Observation/other"))
        << url;
  }
  Put(Patient("2", "Roe"));
  EXPECT_THAT(Of("Patient/2/$everything").matches, UnorderedElementsAre("Patient/2", "Observation/other"));
}

TEST_F(EverythingTest, Pages) {
  std::vector<std::string> paged;
  std::string url = "Patient/1/$everything?_count=2";
  for (size_t pages = 0; !url.empty() && pages < 10; ++pages) {
    const BundleView page = Of(url);
    EXPECT_LE(page.resources.size(), 2u);
    paged.insert(paged.end(), page.resources.begin(), page.resources.end());
    url = page.Link("next");
  }
  EXPECT_EQ(paged, Of("Patient/1/$everything").resources);
  EXPECT_EQ(Get("Patient/1/$everything?_cursor=AAAA").status, 400);
}

TEST_F(EverythingTest, EndsAPageThatGetsLong) {
  const auto whole = Of("Patient/1/$everything").resources;
  Configure({.max_page_bytes = 500});
  std::vector<std::string> paged;
  std::string url = "Patient/1/$everything";
  for (size_t pages = 0; !url.empty() && pages < 10; ++pages) {
    const BundleView page = Of(url);
    EXPECT_LT(page.resources.size(), 4u);
    paged.insert(paged.end(), page.resources.begin(), page.resources.end());
    url = page.Link("next");
  }
  EXPECT_EQ(paged, whole);
}

TEST_F(EverythingTest, GoesOnWhenTheTypeThatThePageBeganWithIsGone) {
  Put(R"({"resourceType":"Encounter","id":"visit","status":"finished","class":{"code":"AMB"},)"
      R"("subject":{"reference":"Patient/1"}})");
  const std::string before_visit = Of("Patient/1/$everything?_count=1").Link("next");
  ASSERT_THAT(Of(before_visit).matches, ElementsAre("Encounter/visit"));
  const std::string within_observations = Of("Patient/1/$everything?_count=4").Link("next");
  ASSERT_THAT(Of(within_observations).matches, ElementsAre("Observation/late"));
  const std::string before_referred = Of("Patient/1/$everything?_count=5").Link("next");
  const auto referred = Of(before_referred).included;
  ASSERT_EQ(referred.size(), 3u);

  Delete("Encounter", "visit");
  EXPECT_THAT(Of(before_visit).matches, ElementsAre("MedicationRequest/rx"));
  Delete("Observation", "early");
  Delete("Observation", "late");
  EXPECT_THAT(Of(within_observations).included, UnorderedElementsAre("Organization/org", "Medication/pill"));
  Delete("MedicationRequest", "rx");  // and with it Medication/pill, which the page began with
  ASSERT_EQ(referred.front(), "Medication/pill");
  EXPECT_THAT(Of(before_referred).included, ElementsAre("Organization/org"));
}

TEST_F(EverythingTest, IsNarrowedByTypeTimeOfChangeAndTimeOfCare) {
  const BundleView types = Of("Patient/1/$everything?_type=Observation,Practitioner");
  EXPECT_THAT(types.matches, ElementsAre("Observation/early", "Observation/late"));
  EXPECT_THAT(types.included, ElementsAre("Practitioner/doctor"));
  EXPECT_THAT(Of("Patient/1/$everything?_type=Observation&start=2020-06-01").matches, ElementsAre("Observation/late"));
  EXPECT_THAT(Of("Patient/1/$everything?_type=Observation&end=2020-06-01").matches, ElementsAre("Observation/early"));
  const BundleView since = Of("Patient/1/$everything?_since=" + Instant(clock_.Now().count()));
  EXPECT_THAT(since.matches, ElementsAre("MedicationRequest/rx"));
  EXPECT_THAT(since.included, IsEmpty());
}

TEST_F(EverythingTest, KnowsTheTimeOfCareOfEachTypeAndKeepsWhatHasNone) {
  Put(R"({"resourceType":"Condition","id":"dated","subject":{"reference":"Patient/1"},"onsetDateTime":"2020-03-01"})");
  Put(R"({"resourceType":"Condition","id":"undated","subject":{"reference":"Patient/1"}})");
  Put(R"({"resourceType":"ImagingStudy","id":"scan","status":"available","started":"2020-03-02",)"
      R"("subject":{"reference":"Patient/1"}})");
  const std::string url = "Patient/1/$everything?_type=Condition,ImagingStudy,Patient";
  EXPECT_THAT(Of(url + "&start=2021-01-01").matches, ElementsAre("Patient/1", "Condition/undated"));
  EXPECT_THAT(Of(url + "&start=2020-01-01&end=2020-12-31").matches,
              UnorderedElementsAre("Patient/1", "Condition/dated", "Condition/undated", "ImagingStudy/scan"));
}

TEST_F(EverythingTest, TakesItsParametersFromABody) {
  const Answer answer =
      Run("Patient/1/$everything",
          {.method = "POST",
           .body = R"({"resourceType":"Parameters",)"
                   R"("parameter":[{"name":"_type","valueCode":"Observation"},{"name":"_count","valueInteger":1}]})"});
  const BundleView page(answer);
  EXPECT_THAT(page.matches, ElementsAre("Observation/early"));
  EXPECT_THAT(Of(page.Link("next")).matches, ElementsAre("Observation/late"));
}

TEST_F(EverythingTest, NamesTheParametersThatItIgnores) {
  const BundleView all = Of("Patient/1/$everything?foo=bar&_type=Patient");
  EXPECT_THAT(all.matches, ElementsAre("Patient/1"));
  ASSERT_EQ(all.outcomes.size(), 1u);
  EXPECT_THAT(all.outcomes[0], HasSubstr("ignored: $everything has no parameter 'foo'"));
  EXPECT_THAT(all.Link("self"), Not(HasSubstr("foo")));
  EXPECT_THAT(Of("Patient/1/$everything?_type=Patient").outcomes, IsEmpty());
  EXPECT_EQ(Get("Patient/1/$everything?foo=bar", {.prefer_handling = Handling::kStrict}).status, 400);
}

TEST_F(EverythingTest, RefusesWhatItCannotDo) {
  Delete("Patient", "2");
  EXPECT_EQ(Get("Patient/2/$everything").status, 410);
  EXPECT_EQ(Get("Patient/9/$everything").status, 404);
  for (const char* query : {"_type=Nothing", "_count=0", "_since=x", "start=x", "_type=Patient&end=x"})
    EXPECT_EQ(Get("Patient/1/$everything?" + std::string(query)).status, 400) << query;
}

TEST_F(EverythingTest, ItsSearchesTakeSoManyStepsTogether) {
  Configure({.max_steps = 12});  // the compartment alone takes more
  EXPECT_EQ(Get("Patient/1/$everything").status, 413);
}

}  // namespace
}  // namespace hilum::fhir
