// ImagingStudies by what their images are, in the index of the images.
#include "tests/fhir/imaging/imaging_fixture.h"

namespace hilum::fhir::imaging {
namespace {

class ImagingSearchTest : public ImagingFixture {
 protected:
  void SetUp() override {
    ImagingFixture::SetUp();
    ASSERT_EQ(Run("PUT", "Patient/p",
                  R"({"resourceType":"Patient","id":"p","gender":"female",)"
                  R"("identifier":[{"system":"http://hospital.test/mrn","value":"P1"}]})")
                  .status,
              201);
    Stow({{}, {.series = "1.2.1.2", .sop = "1.2.1.2.1", .sop_class = "1.2.840.10008.5.1.4.1.1.4", .modality = "MR"}});
    Stow({{.study = "1.3", .series = "1.3.1", .sop = "1.3.1.1", .modality = "CT", .patient_id = "P2"}});
    ASSERT_EQ(Run("PUT", "ImagingStudy/mine",
                  R"({"resourceType":"ImagingStudy","id":"mine","status":"registered","subject":{"display":"x"},)"
                  R"("series":[{"uid":"1.8.1","modality":{"system":"http://dicom.nema.org/resources/ontology/DCM",)"
                  R"("code":"CT"},"instance":[{"uid":"1.8.1.1","sopClass":{"system":"urn:ietf:rfc:3986",)"
                  R"("code":"urn:oid:1.2.840.10008.5.1.4.1.1.2"}}]}]})")
                  .status,
              201);
  }
};

TEST_F(ImagingSearchTest, DerivedOnesAndThoseOfUsersAreFoundByTheSameSearch) {
  const std::pair<std::string, long> cases[] = {
      {"modality=CT", 3},
      {"modality=MR", 1},
      {"modality=CT,MR", 3},
      {"modality=CT&modality=MR", 1},
      {"modality=http://dicom.nema.org/resources/ontology/DCM|MR", 1},
      {"modality=urn:other|MR", 0},
      {"modality=http://dicom.nema.org/resources/ontology/DCM|", 3},
      {"modality:not=MR", 2},
      {"modality:missing=true", 0},
      {"modality:missing=false", 3},
      {"bodysite:missing=true", 3},
      {"series=1.2.1.2", 1},
      {"series=urn:oid:1.2.1.2", 1},
      {"series=1.8.1", 1},
      {"series=9.9", 0},
      {"instance=1.3.1.1", 1},
      {"instance=1.8.1.1", 1},
      {"dicom-class=urn:oid:1.2.840.10008.5.1.4.1.1.4", 1},
      {"dicom-class=1.2.840.10008.5.1.4.1.1.4", 1},
      {"dicom-class=urn:ietf:rfc:3986|urn:oid:1.2.840.10008.5.1.4.1.1.2", 3},
      {"patient=p&modality=MR", 1},
      {"patient.gender=female&modality=MR", 1},
  };
  for (const auto& [query, found] : cases) EXPECT_EQ(Total("ImagingStudy?" + query), found) << query;
}

TEST_F(ImagingSearchTest, ConditionsOfATransactionReachTheImagesOfWhatItWrites) {
  const std::string study = Read("ImagingStudy/1.2.1");
  const std::string noted = std::string(study).insert(study.size() - 1, R"(,"note":[{"text":"x"}])");
  const std::string entry = R"({"request":{"method":"PUT","url":"ImagingStudy/1.2.1"},"resource":)" + noted + "}";
  const auto run = [&](const std::string& condition) {
    return Run("POST", "",
               R"({"resourceType":"Bundle","type":"transaction","entry":[)" + entry +
                   R"(,{"request":{"method":"POST","url":"Basic"},"resource":{"resourceType":"Basic",
                       "code":{"text":"x"},"subject":{"reference":")" +
                   condition + R"("}}}]})");
  };
  for (const std::string condition :
       {"ImagingStudy?dicom-Modality=MR", "ImagingStudy?series=1.2.1.2", "ImagingStudy?dicom-series=Modality$MR",
        "Patient?_has:ImagingStudy:patient:dicom-Modality=MR"}) {
    EXPECT_EQ(run(condition).status, 200) << condition;
  }
  EXPECT_EQ(run("ImagingStudy?dicom-Modality=US").status, 400);
  EXPECT_EQ(Total("Basic?subject=ImagingStudy/1.2.1"), 3);
  EXPECT_EQ(Total("Basic?subject=Patient/p"), 1);
}

TEST_F(ImagingSearchTest, ChainsReachTheImages) {
  EXPECT_EQ(Total("Patient?_has:ImagingStudy:patient:modality=MR"), 1);
  EXPECT_EQ(Total("Patient?_has:ImagingStudy:patient:instance=1.2.1.2.1"), 1);
  EXPECT_EQ(Total("Patient?_has:ImagingStudy:patient:modality=US"), 0);
}

TEST_F(ImagingSearchTest, DeletedImagesAreNotFound) {
  Delete("1.2.1", "1.2.1.2");
  EXPECT_EQ(Total("ImagingStudy?modality=MR"), 0);
  EXPECT_EQ(Total("ImagingStudy?instance=1.2.1.2.1"), 0);
  Delete("1.2.1");
  EXPECT_EQ(Total("ImagingStudy?modality=CT"), 2);
}

}  // namespace
}  // namespace hilum::fhir::imaging
