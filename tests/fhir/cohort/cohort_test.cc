#include "fhir/cohort/cohort.h"

#include <gmock/gmock.h>

#include "tests/fhir/interactions/store_fixture.h"

namespace hilum::fhir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Condition(const std::string& id, const std::string& patient, const std::string& code,
                      const std::string& onset) {
  return R"({"resourceType":"Condition","id":")" + id + R"(","code":{"coding":[{"system":"http://s","code":")" + code +
         R"("}]},"subject":{"reference":"Patient/)" + patient + "\"}" +
         (onset.empty() ? "" : R"(,"onsetDateTime":")" + onset + "\"") + "}";
}

std::string Imaging(const std::string& id, const std::string& patient, const std::string& modality,
                    const std::string& started) {
  return R"({"resourceType":"ImagingStudy","id":")" + id +
         R"(","status":"available","series":[{"uid":"1.2","modality":{"code":")" + modality +
         R"("}}],"subject":{"reference":"Patient/)" + patient + R"("},"started":")" + started + "\"}";
}

class CohortTest : public StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    Put(Patient("anna", "A", R"(,"gender":"female","birthDate":"1950-01-01")"));
    Put(Patient("bert", "B", R"(,"gender":"male","birthDate":"1955")"));
    Put(Patient("carl", "C", R"(,"gender":"male","birthDate":"1990-06-01")"));
    Put(Patient("dora", "D", R"(,"gender":"female")"));
    Put(Condition("a-cancer", "anna", "cancer", "2020-03-01"));
    Put(Condition("b-cancer", "bert", "cancer", "2019-03"));
    Put(Condition("c-cough", "carl", "cough", "2020-03-01"));
    Put(Imaging("a-ct-late", "anna", "CT", "2020-07-01T08:00:00Z"));
    Put(Imaging("a-ct", "anna", "CT", "2020-05-30T08:00:00Z"));
    Put(Imaging("a-mr", "anna", "MR", "2020-03-02"));
    Put(Imaging("b-ct", "bert", "CT", "2020-01-01"));
    Put(Imaging("c-ct", "carl", "CT", "2020-03-01"));
    Put(Imaging("stranger", "nobody", "CT", "2020-03-01"));
  }

  static CohortStep Step(bool exclude, std::vector<CohortCriterion> any, std::string name = "") {
    return {.exclude = exclude, .name = std::move(name), .any = std::move(any), .place = "step"};
  }
  static CohortStep Include(const std::string& search, std::string name = "") {
    return Step(false, {{.search = search, .place = "include " + search}}, std::move(name));
  }
  static CohortStep Exclude(const std::string& search) {
    return Step(true, {{.search = search, .place = "exclude " + search}});
  }
  static CohortCriterion After(const std::string& search, const std::string& to, int64_t max_days) {
    return {.search = search,
            .relation = CohortRelation{.to = to, .max_micros = max_days * int64_t{86'400'000'000}},
            .place = "after " + to};
  }

  Result<Cohort> Find(std::vector<CohortStep> steps, const std::optional<storage::Bitmap>& among = std::nullopt) {
    const CohortDefinition definition{std::move(steps)};
    const auto reader = resources_->Read();
    const SearchOptions options = resources_->search_options();
    return CohortRun(definition, *reader, options).Run(among);
  }
  std::vector<std::string> Ids(std::string_view type, const storage::Bitmap& docs) {
    std::vector<std::string> ids;
    const auto reader = resources_->Read();
    for (const storage::Doc doc : docs.ToVector()) ids.push_back((*reader->Newest(*FindResourceType(type), doc))->id);
    return ids;
  }
  std::vector<std::string> Patients(std::vector<CohortStep> steps) {
    const auto cohort = Find(std::move(steps));
    EXPECT_TRUE(cohort.ok()) << cohort.status().ToString();
    return cohort.ok() ? Ids("Patient", cohort->patients) : std::vector<std::string>();
  }
  std::string ErrorOf(std::vector<CohortStep> steps) { return Find(std::move(steps)).status().message(); }
};

TEST_F(CohortTest, LeavesWhomEachCriterionLeavesAndTellsHowMany) {
  const auto cohort =
      Find({Include("ImagingStudy?modality=CT"), Include("Condition?code=cancer"), Exclude("Patient?gender=male")});
  ASSERT_TRUE(cohort.ok()) << cohort.status().ToString();
  EXPECT_EQ(cohort->population, 4u);
  EXPECT_THAT(Ids("Patient", cohort->patients), ElementsAre("anna"));
  ASSERT_EQ(cohort->steps.size(), 3u);
  EXPECT_EQ(cohort->steps[0].resources, 5u);
  EXPECT_EQ(cohort->steps[0].remaining, 3u);
  EXPECT_EQ(cohort->steps[0].removed, 1u);
  EXPECT_EQ(cohort->steps[1].remaining, 2u);
  EXPECT_EQ(cohort->steps[2].remaining, 1u);
}

TEST_F(CohortTest, HasTheStudiesThatWereAskedForOrAll) {
  EXPECT_THAT(
      Ids("ImagingStudy", Find({Include("Condition?code=cancer"), Include("ImagingStudy?modality=CT")})->studies),
      ElementsAre("a-ct-late", "a-ct", "b-ct"));
  EXPECT_THAT(Ids("ImagingStudy", Find({Include("Patient?gender=female")})->studies),
              ElementsAre("a-ct-late", "a-ct", "a-mr"));
  EXPECT_THAT(Ids("ImagingStudy", Find({Include("Patient"), Exclude("ImagingStudy?modality=MR")})->studies),
              ElementsAre("b-ct", "c-ct"));
  const auto related = Find(
      {Include("Condition?code=cancer", "cancer"), Step(false, {After("ImagingStudy?modality=CT", "cancer", 92)})});
  ASSERT_TRUE(related.ok()) << related.status().ToString();
  EXPECT_THAT(Ids("ImagingStudy", related->studies), ElementsAre("a-ct"));
}

TEST_F(CohortTest, PatientsWhoWereMergedAreOnePerson) {
  // What is known of bert is of dora from now on, and of elsa, into whom dora was merged.
  const auto merge = [&](const std::string& id, const std::string& into) {
    Put(Patient(
        id, id,
        R"(,"gender":"female","link":[{"other":{"reference":"Patient/)" + into + R"("},"type":"replaced-by"}])"));
  };
  Put(Patient("elsa", "E", R"(,"birthDate":"1970-01-01")"));
  merge("bert", "dora");
  merge("dora", "elsa");
  Put(Imaging("e-ct", "elsa", "CT", "2019-04-01"));
  const auto cohort = Find({Include("ImagingStudy?modality=CT"), Include("Condition?code=cancer")});
  ASSERT_TRUE(cohort.ok()) << cohort.status().ToString();
  EXPECT_EQ(cohort->population, 3u) << "anna, carl and elsa";
  EXPECT_THAT(Ids("Patient", cohort->patients), ElementsAre("anna", "elsa"));
  EXPECT_THAT(Ids("ImagingStudy", cohort->studies), ElementsAre("a-ct-late", "a-ct", "b-ct", "e-ct"));
  EXPECT_THAT(Patients({Include("Patient?_id=bert")}), ElementsAre("elsa")) << "any of its Patients is the person";
  EXPECT_THAT(Patients({Exclude("Condition?code=cancer")}), ElementsAre("carl"));
  const CohortCriterion two{.search = "ImagingStudy?modality=CT", .at_least = 2, .place = "two"};
  EXPECT_THAT(Patients({Step(false, {two})}), ElementsAre("anna", "elsa")) << "one of bert's and one of elsa's";
  EXPECT_THAT(Patients({Include("Condition?code=cancer", "cancer"),
                        Step(false, {After("ImagingStudy?modality=CT", "cancer", 31)})}),
              ElementsAre("elsa"))
      << "the diagnosis is bert's, the images are elsa's";

  Put(Patient("dora", "D"));
  EXPECT_THAT(Patients({Include("ImagingStudy?modality=CT"), Include("Condition?code=cancer")}),
              ElementsAre("anna", "dora"))
      << "bert is still merged into dora";
}

TEST_F(CohortTest, RelatesWhatHappenedInTime) {
  const auto within = [&](int64_t days) {
    return Patients(
        {Include("Condition?code=cancer", "cancer"), Step(false, {After("ImagingStudy?modality=CT", "cancer", days)})});
  };
  EXPECT_THAT(within(30), IsEmpty());
  EXPECT_THAT(within(90), ElementsAre("anna"));
  EXPECT_THAT(within(400), ElementsAre("anna", "bert"));
}

TEST_F(CohortTest, RelatesToPatientsByTheirBirth) {
  CohortCriterion old{.search = "ImagingStudy", .place = "x"};
  old.relation = CohortRelation{.to = "born", .min_micros = int64_t{65} * 366 * 86'400'000'000};
  EXPECT_THAT(Patients({Include("Patient", "born"), Step(false, {old})}), ElementsAre("anna"));
}

TEST_F(CohortTest, RelatesToCriteriaThatStandBehindAndHaveRelationsThemselves) {
  CohortCriterion mr = After("ImagingStudy?modality=MR", "cancer", 10);
  mr.name = "mr";
  EXPECT_THAT(Patients({Step(false, {After("ImagingStudy?modality=CT", "mr", 100)}), Step(false, {mr}),
                        Include("Condition?code=cancer", "cancer")}),
              ElementsAre("anna"));
}

TEST_F(CohortTest, CountsResourcesOfAPatient) {
  CohortCriterion two{.search = "ImagingStudy?modality=CT", .at_least = 2, .place = "x"};
  EXPECT_THAT(Patients({Step(false, {two})}), ElementsAre("anna"));
  EXPECT_THAT(Patients({Step(true, {two})}), ElementsAre("bert", "carl", "dora"));
  two.relation = CohortRelation{.to = "cancer", .max_micros = int64_t{92} * 86'400'000'000};
  EXPECT_THAT(Patients({Include("Condition", "cancer"), Step(false, {two})}), IsEmpty());
}

TEST_F(CohortTest, TakesAnyOfSeveral) {
  EXPECT_THAT(Patients({Step(false, {{.search = "Condition?code=cough"}, {.search = "ImagingStudy?modality=MR"}})}),
              ElementsAre("anna", "carl"));
}

TEST_F(CohortTest, ForgetsWhatIsDeleted) {
  Delete("Condition", "a-cancer");
  Delete("Patient", "carl");
  EXPECT_THAT(Patients({Include("Condition?code=cancer")}), ElementsAre("bert"));
  EXPECT_THAT(Patients({Include("Patient?gender=male")}), ElementsAre("bert"));
  EXPECT_THAT(Patients({Include("ImagingStudy?modality=CT")}), ElementsAre("anna", "bert"));
}

TEST_F(CohortTest, LooksAmongSomeOnly) {
  const auto all = Find({Include("Patient?gender=male")});
  const auto among = Find({Include("Condition?code=cancer")}, all->patients);
  EXPECT_EQ(among->population, 2u);
  EXPECT_THAT(Ids("Patient", among->patients), ElementsAre("bert"));
  EXPECT_THAT(Ids("ImagingStudy", among->studies), ElementsAre("b-ct"));
}

TEST_F(CohortTest, RefusesWhatCannotBeAskedAndSaysWhere) {
  EXPECT_THAT(ErrorOf({Include("Nothing?x=1")}),
              HasSubstr("include Nothing?x=1: 'Nothing' is no FHIR R4 resource type"));
  EXPECT_THAT(ErrorOf({Include("Patient?nmae=x")}), HasSubstr("'nmae'; did you mean 'name'?"));
  EXPECT_THAT(ErrorOf({Include("Patient?birthdate=x")}), HasSubstr("include Patient?birthdate=x: "));
  EXPECT_THAT(ErrorOf({Include("Patient?_sort=name")}), HasSubstr("conditions only"));
  EXPECT_THAT(ErrorOf({Include("Organization?name=x")}), HasSubstr("leads to a patient"));
  EXPECT_THAT(ErrorOf({Include("Patient"), Step(false, {After("Condition", "x", 1)})}),
              HasSubstr("after x: its relation is to a name that no criterion has"));
  EXPECT_THAT(ErrorOf({Step(false, {{.search = "Condition", .date = "code", .place = "p"}})}),
              HasSubstr("p: 'code' is no date parameter of Condition"));
  EXPECT_THAT(ErrorOf({Include("Coverage", "c"), Step(false, {After("Condition", "c", 1)})}),
              HasSubstr("include Coverage: Coverage has no usual date"));
}

TEST_F(CohortTest, RefusesRelationsInACircle) {
  EXPECT_THAT(ErrorOf({Step(false, {After("Condition", "b", 1)}, "a"), Step(false, {After("Condition", "a", 1)}, "b")}),
              HasSubstr("leads back to itself"));
  EXPECT_THAT(ErrorOf({Step(false, {After("Condition", "a", 1)}, "a")}), HasSubstr("leads back to itself"));
}

}  // namespace
}  // namespace hilum::fhir
