// Patients who are one person: merged by users, or one yields to the other for the identifier that both have.
#include <gmock/gmock.h>

#include "tests/fhir/imaging/patients_fixture.h"

namespace hilum::fhir::imaging {
namespace {

TEST_F(PatientsTest, AMergeMovesStudiesAndAnUnmergeBringsThemBack) {
  PutPatient("old", "P1");
  PutPatient("new", "P9");
  Stow({{}});
  Merge("old", "P1", "new");
  EXPECT_EQ(Subject(), "Patient/new");
  PutPatient("newest", "P10");
  Merge("new", "P9", "newest");
  EXPECT_EQ(Subject(), "Patient/newest");
  PutPatient("new", "P9");
  EXPECT_EQ(Subject(), "Patient/new");
  PutPatient("old", "P1");
  EXPECT_EQ(Subject(), "Patient/old");
  EXPECT_EQ(Run("GET", kStudy).version, 5u);
  EXPECT_EQ(At(Run("GET", "ImagingStudy/1.2.1/_history/2").body, "subject.reference"), "Patient/new");
}

TEST_F(PatientsTest, ImagesStayWithThePatientsWhoWereReplaced) {
  PutPatient("old", "P1");
  PutPatient("new", "P9");
  PutPatient("newest", "P10");
  ASSERT_EQ(
      Run("PUT", "Condition/c",
          R"({"resourceType":"Condition","id":"c","subject":{"reference":"Patient/old"},"code":{"coding":[{"code":"x"}]}})")
          .status,
      201);
  Stow({{}});
  Merge("old", "P1", "new");
  Merge("new", "P9", "newest");
  for (const char* id : {"old", "new", "newest"}) {
    EXPECT_EQ(Total("ImagingStudy?patient=" + std::string(id)), 1) << id;
    EXPECT_EQ(Total("ImagingStudy?subject=Patient/" + std::string(id)), 1) << id;
    EXPECT_EQ(Total("ImagingStudy?patient._id=" + std::string(id)), 1) << id;
  }
  EXPECT_EQ(Total("Patient?_has:Condition:patient:code=x&_has:ImagingStudy:patient:modality=CT"), 1);
  EXPECT_EQ(Total("Patient/old/ImagingStudy"), 1);
  PutPatient("old", "P1");
  EXPECT_EQ(Total("ImagingStudy?patient=old"), 1);
  EXPECT_EQ(Total("ImagingStudy?patient=newest"), 0);
  EXPECT_EQ(Total("Patient?replaced-by=Patient/newest"), 1);
}

TEST_F(PatientsTest, OneWhoYieldsIsReplacedByTheOther) {
  With(PatientPolicy::kCreate);
  Stow({{}});
  Stow({{.study = "1.2.2", .series = "1.2.2.1", .sop = "1.2.2.1.1"}});
  const std::string made = Subject();
  const auto replacement = [&] { return At(Read(made), "link.0.other.reference"); };
  PutPatient("jane", "P1");
  EXPECT_EQ(replacement(), "Patient/jane");
  EXPECT_EQ(At(Read(made), "link.0.type"), "replaced-by");
  EXPECT_EQ(Run("GET", made).version, 2u);
  EXPECT_EQ(Total("ImagingStudy?patient=Patient/jane"), 2);
  EXPECT_EQ(Total("ImagingStudy?patient=" + made), 2) << "who knows the studies by it finds them";
  EXPECT_EQ(Total("Patient?replaced-by=Patient/jane"), 1);
  PutPatient("jane", "P9");
  EXPECT_EQ(replacement(), "(nothing)");
  EXPECT_EQ(Subject(), made);
  PutPatient("jane", "P1");
  PutPatient("joan", "P1");
  EXPECT_EQ(replacement(), "(nothing)") << "nobody knows by whom";
  EXPECT_EQ(Review(), kPatientAmbiguous);
  Merge("joan", "P1", "jane");
  EXPECT_EQ(replacement(), "Patient/jane");
  EXPECT_EQ(Subject(), "Patient/jane");
  Reopen();
  EXPECT_EQ(Run("GET", made).version, 6u);
}

// Patients who were made of images, like any other, gain identifiers: they stand in two numbers of one person.
class GainedIdentifierTest : public PatientsTest {
 protected:
  void SetUp() override {
    PatientsTest::SetUp();
    PutTwo("made", kFromImages);
    Stow({{}});
    Stow({{.study = "1.2.2", .series = "1.2.2.1", .sop = "1.2.2.1.1", .patient_id = "P2"}});
    EXPECT_EQ(Subjects(), "Patient/made Patient/made");
  }
  void TearDown() override {
    ExpectAllAgrees();
    PatientsTest::TearDown();
  }
  // With the Patient IDs of both studies.
  void PutTwo(const std::string& id, const std::string& more = "") {
    const Answer put = Run("PUT", "Patient/" + id,
                           R"({"resourceType":"Patient","id":")" + id + R"(","identifier":[)" +
                               R"({"system":"http://hospital.test/mrn","value":"P1"},)" +
                               R"({"system":"http://hospital.test/mrn","value":"P2"}])" + more + "}");
    ASSERT_LT(put.status, 300) << put.body;
  }
  std::string Subjects() { return Subject() + " " + At(Read("ImagingStudy/1.2.2"), "subject.reference"); }
  std::string Replacement(const std::string& made = "made") {
    return At(Read("Patient/" + made), "link.0.other.reference");
  }
  static constexpr const char* kFromImages = R"(,"meta":{"tag":[{"system":"urn:hilum:origin","code":"images"}]})";
};

TEST_F(GainedIdentifierTest, OneYieldsToWhoHasAnyOfThem) {
  PutPatient("jane", "P1");
  EXPECT_EQ(Replacement(), "Patient/jane");
  EXPECT_EQ(Subjects(), "Patient/jane Patient/jane") << "both are one person";
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1").version, 2u);
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.2").version, 2u);
  EXPECT_EQ(Run("GET", "Patient/made").version, 2u);
  PutPatient("jane", "P9");
  EXPECT_EQ(Replacement(), "(nothing)");
  EXPECT_EQ(Subjects(), "Patient/made Patient/made");
}

TEST_F(GainedIdentifierTest, OneYieldsToNobodyWhenSeveralHaveSome) {
  PutPatient("jane", "P1");
  PutPatient("joan", "P2");
  EXPECT_EQ(Replacement(), "(nothing)") << "nobody knows by whom";
  EXPECT_EQ(Subjects(), "Patient/jane Patient/joan");
  ExpectAllAgrees();
  EXPECT_EQ(Run("DELETE", "Patient/jane").status, 204);
  EXPECT_EQ(Replacement(), "Patient/joan");
  EXPECT_EQ(Subjects(), "Patient/joan Patient/joan");
}

TEST_F(GainedIdentifierTest, OneLearnsOfIdentifiersOfWhichThereAreNoImages) {
  Delete("1.2.1");
  PutPatient("jane", "P1");
  EXPECT_EQ(Replacement(), "Patient/jane");
  EXPECT_EQ(At(Read("ImagingStudy/1.2.2"), "subject.reference"), "Patient/jane");
}

TEST_F(GainedIdentifierTest, WhereCrowdsShareAnIdentifierNobodyYields) {
  PutPatient("jane", "P2");
  EXPECT_EQ(Replacement(), "Patient/jane");
  for (int i = 0; i < 31; ++i) PutPatient("namesake-" + std::to_string(i), "P1", kFromImages);
  EXPECT_EQ(Replacement(), "Patient/jane");
  ExpectAllAgrees();
  PutPatient("one-more", "P1", kFromImages);
  EXPECT_EQ(Replacement(), "(nothing)");
  EXPECT_EQ(At(Read("ImagingStudy/1.2.2"), "subject.reference"), "Patient/jane");
}

TEST_F(GainedIdentifierTest, TheyNeverYieldInACircle) {
  Delete("1.2.2");
  PutPatient("made", "P1", kFromImages);
  PutPatient("too", "P2", kFromImages);
  Stow({{.study = "1.2.2", .series = "1.2.2.1", .sop = "1.2.2.1.1", .patient_id = "P2"}});
  Merge("jane", "P1", "too");
  EXPECT_EQ(Replacement("made"), "Patient/too");
  EXPECT_EQ(Subjects(), "Patient/too Patient/too");
  ExpectAllAgrees();
  Merge("joan", "P2", "made");
  EXPECT_EQ(Replacement("made"), "(nothing)");
  EXPECT_EQ(Replacement("too"), "(nothing)");
  EXPECT_EQ(Subjects(), "Patient/too Patient/made");
}

TEST_F(PatientsTest, OneIntoWhomOthersAreMergedDoesNotYield) {
  With(PatientPolicy::kCreate);
  Stow({{}});
  const std::string made = Subject();
  Merge("jane", "P1", made.substr(std::string("Patient/").size()));
  EXPECT_EQ(Subject(), made);
  EXPECT_EQ(Review(), "(nothing)");
  EXPECT_EQ(At(Read(made), "link"), "(nothing)");
}

TEST_F(PatientsTest, APatientWhoWasMadeOfImagesYieldsToOneWhoComes) {
  With(PatientPolicy::kCreate);
  Stow({{}});
  const std::string made = Subject();
  PutPatient("jane", "P1");
  EXPECT_EQ(Subject(), "Patient/jane");
  EXPECT_EQ(Review(), "(nothing)");
  EXPECT_EQ(Run("DELETE", "Patient/jane").status, 204);
  EXPECT_EQ(Subject(), made);
}

TEST_F(PatientsTest, OneMayYieldInTheCommitInWhichAnotherNoLongerDoes) {
  With(PatientPolicy::kCreate);
  const auto stow = [&](const std::string& study, const std::string& issuer) {
    Stow({{.study = study,
           .series = study + ".1",
           .sop = study + ".1.1",
           .more = {{dicom::tags::kIssuerOfPatientId, dicom::Vr("LO"), issuer}}}});
  };
  stow("1.2.1", "North");
  stow("1.2.2", "South");
  const auto subject = [&](const std::string& study) { return At(Read("ImagingStudy/" + study), "subject.reference"); };
  const std::string north = subject("1.2.1"), south = subject("1.2.2");
  for (const auto& [issuer, first, second] : {std::tuple("South", north, std::string("Patient/jane")),
                                              std::tuple("North", std::string("Patient/jane"), south),
                                              std::tuple("South", north, std::string("Patient/jane"))}) {
    const Answer put =
        Run("PUT", "Patient/jane",
            R"({"resourceType":"Patient","id":"jane","identifier":[{"value":"P1","assigner":{"display":")" +
                std::string(issuer) + "\"}}]}");
    EXPECT_LT(put.status, 300) << put.body;
    EXPECT_EQ(subject("1.2.1"), first) << issuer;
    EXPECT_EQ(subject("1.2.2"), second) << issuer;
    ExpectAllAgrees();
  }
}

TEST_F(PatientsTest, TwoPatientsWhoWereMergedAreOne) {
  PutPatient("a", "P1");
  Merge("b", "P1", "a");
  Stow({{}});
  EXPECT_EQ(Subject(), "Patient/a");
}

TEST_F(PatientsTest, ACircleOfMergesIsForReview) {
  PutPatient("b", "P2");
  Merge("a", "P1", "b");
  Stow({{}});
  EXPECT_EQ(Subject(), "Patient/b");
  Merge("b", "P2", "a");
  EXPECT_EQ(Subject(), "(nothing)");
  EXPECT_EQ(Review(), kPatientAmbiguous);
}

}  // namespace
}  // namespace hilum::fhir::imaging
