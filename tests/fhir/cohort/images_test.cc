// Cohorts over images that were stored, and the list of them.
#include "fhir/cohort/images.h"

#include <gmock/gmock.h>

#include "fhir/cohort/cohort.h"
#include "tests/fhir/imaging/imaging_fixture.h"

namespace hilum::fhir {
namespace {

using storage::Level;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CohortImagesTest : public imaging::ImagingFixture {
 protected:
  void SetUp() override {
    ImagingFixture::SetUp();
    for (const char* id : {"P1", "P2"}) {
      ASSERT_EQ(Run("PUT", std::string("Patient/") + id,
                    std::string(R"({"resourceType":"Patient","id":")") + id +
                        R"(","identifier":[{"system":"http://hospital.test/mrn","value":")" + id + "\"}]}")
                    .status,
                201);
    }
    Stow({Slice("1.1", "1.1.1", "1.1.1.1"), Slice("1.1", "1.1.1", "1.1.1.2"), Slice("1.1", "1.1.2", "1.1.2.1")});
    imaging::InstanceSpec mr = Slice("1.2", "1.2.1", "1.2.1.1");
    mr.modality = "MR";
    Stow({mr});
    imaging::InstanceSpec of_other = Slice("1.3", "1.3.1", "1.3.1.1");
    of_other.patient_id = "P2";
    Stow({of_other});
    imaging::InstanceSpec of_nobody = Slice("1.4", "1.4.1", "1.4.1.1");
    of_nobody.patient_id = "unknown";
    Stow({of_nobody});
  }

  static imaging::InstanceSpec Slice(const std::string& study, const std::string& series, const std::string& sop) {
    imaging::InstanceSpec spec;
    spec.study = study;
    spec.series = series;
    spec.sop = sop;
    return spec;
  }
  Cohort Find(const std::string& search) {
    const CohortDefinition definition{.steps = {{.any = {{.search = search}}}}};
    const auto reader = resources_->Read();
    const SearchOptions options = resources_->search_options();
    auto cohort = CohortRun(definition, *reader, options).Run(std::nullopt);
    EXPECT_TRUE(cohort.ok()) << cohort.status().ToString();
    return cohort.ok() ? *std::move(cohort) : Cohort();
  }
  std::vector<std::string> Lines(const Cohort& cohort, Level level, ListFormat format = ListFormat::kCsv) {
    const ListOptions options{
        .level = level, .format = format, .fhir_url = "http://f", .images_url = "http://d/dicom-web"};
    CohortList list(resources_->Read(), *store_, options, cohort.patients, cohort.studies);
    std::string all;
    for (;;) {
      const auto piece = list.Next();
      EXPECT_TRUE(piece.ok()) << piece.status().ToString();
      if (!piece.ok() || piece->empty()) break;
      all += *piece;
    }
    std::vector<std::string> lines;
    for (size_t begin = 0, end; (end = all.find('\n', begin)) != std::string::npos; begin = end + 1)
      lines.push_back(all.substr(begin, end - begin - (format == ListFormat::kCsv ? 1 : 0)));
    return lines;
  }
};

TEST_F(CohortImagesTest, AreCounted) {
  const auto reader = resources_->Read();
  const auto catalogue = store_->Read();
  const auto all = CountImages(*reader, catalogue, Find("Patient").studies);
  ASSERT_TRUE(all.ok()) << all.status().ToString();
  EXPECT_EQ(all->studies, 3u) << "the study of nobody is in no cohort";
  EXPECT_EQ(all->series, 4u);
  EXPECT_EQ(all->instances, 5u);
  const auto ct = CountImages(*reader, catalogue, Find("ImagingStudy?modality=CT").studies);
  EXPECT_EQ(ct->studies, 2u);
  EXPECT_EQ(ct->instances, 4u);
}

TEST_F(CohortImagesTest, AreListedByLevel) {
  const Cohort cohort = Find("ImagingStudy?modality=CT");
  EXPECT_THAT(Lines(cohort, Level::kPatient),
              ElementsAre("patient,url", "Patient/P1,http://f/Patient/P1", "Patient/P2,http://f/Patient/P2"));
  EXPECT_THAT(Lines(cohort, Level::kStudy),
              ElementsAre("patient,study,url", "Patient/P1,1.1,http://d/dicom-web/studies/1.1",
                          "Patient/P2,1.3,http://d/dicom-web/studies/1.3"));
  EXPECT_THAT(
      Lines(cohort, Level::kSeries),
      ElementsAre("patient,study,series,url", "Patient/P1,1.1,1.1.1,http://d/dicom-web/studies/1.1/series/1.1.1",
                  "Patient/P1,1.1,1.1.2,http://d/dicom-web/studies/1.1/series/1.1.2",
                  "Patient/P2,1.3,1.3.1,http://d/dicom-web/studies/1.3/series/1.3.1"));
  const auto instances = Lines(cohort, Level::kInstance, ListFormat::kNdjson);
  ASSERT_EQ(instances.size(), 4u);
  EXPECT_EQ(instances[1], R"({"patient":"Patient/P1","study":"1.1","series":"1.1.1","instance":"1.1.1.2",)"
                          R"("url":"http://d/dicom-web/studies/1.1/series/1.1.1/instances/1.1.1.2"})");
}

TEST_F(CohortImagesTest, ThatAreGoneAreNotListed) {
  const Cohort cohort = Find("ImagingStudy?modality=CT");
  Delete("1.1");
  EXPECT_THAT(
      Lines(cohort, Level::kInstance),
      ElementsAre("patient,study,series,instance,url",
                  "Patient/P2,1.3,1.3.1,1.3.1.1,http://d/dicom-web/studies/1.3/series/1.3.1/instances/1.3.1.1"));
  EXPECT_THAT(Find("ImagingStudy?modality=MR").patients.ToVector().size(), 1u);
}

TEST_F(CohortImagesTest, ComeInPiecesOfBoundedSize) {
  std::vector<imaging::InstanceSpec> many;
  for (int i = 0; i < 1500; ++i) many.push_back(Slice("1.9", "1.9.1", "1.9.1." + std::to_string(i + 1)));
  Stow(many);
  const Cohort cohort = Find("ImagingStudy");
  const ListOptions options{.level = Level::kInstance, .fhir_url = "http://f", .images_url = "http://d"};
  CohortList list(resources_->Read(), *store_, options, cohort.patients, cohort.studies);
  size_t pieces = 0;
  for (;; ++pieces) {
    const auto piece = list.Next();
    ASSERT_TRUE(piece.ok());
    if (piece->empty()) break;
    EXPECT_LT(piece->size(), 70'000u);
  }
  EXPECT_GT(pieces, 2u);
}

}  // namespace
}  // namespace hilum::fhir
