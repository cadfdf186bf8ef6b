// Studies find their Patient, whoever comes first; what is doubtful is shown, never guessed.
#include <gmock/gmock.h>

#include "tests/fhir/imaging/patients_fixture.h"

namespace hilum::fhir::imaging {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(PatientsTest, APatientWhoIsThereIsLinked) {
  PutPatient("jane", "P1");
  Stow({{}});
  EXPECT_EQ(Subject(), "Patient/jane");
  EXPECT_EQ(Total("ImagingStudy?patient=Patient/jane"), 1);
}

TEST_F(PatientsTest, APatientWhoComesLaterIsLinkedInTheSameCommit) {
  Stow({{}});
  EXPECT_EQ(Subject(), "(nothing)");
  PutPatient("jane", "P1");
  EXPECT_EQ(Subject(), "Patient/jane");
  EXPECT_EQ(Run("GET", kStudy).version, 2u);
  EXPECT_EQ(Total("ImagingStudy?patient=Patient/jane"), 1);
}

TEST_F(PatientsTest, AnotherIdentifierOrADeletionTakesTheLinkAway) {
  PutPatient("jane", "P1");
  Stow({{}});
  PutPatient("jane", "P2");
  EXPECT_EQ(Subject(), "(nothing)");
  PutPatient("jane", "P1");
  EXPECT_EQ(Subject(), "Patient/jane");
  EXPECT_EQ(Run("DELETE", "Patient/jane").status, 204);
  EXPECT_EQ(Subject(), "(nothing)");
  EXPECT_EQ(Total("ImagingStudy?patient=Patient/jane"), 0);
}

TEST_F(PatientsTest, AWriteThatChangesNothingForTheStudyMakesNoVersion) {
  PutPatient("jane", "P1");
  Stow({{}});
  PutPatient("jane", "P1", R"(,"active":true)");
  EXPECT_EQ(Run("GET", kStudy).version, 1u);
}

TEST_F(PatientsTest, SeveralPatientsAreForReview) {
  PutPatient("a", "P1");
  PutPatient("b", "P1");
  Stow({{}});
  EXPECT_EQ(Subject(), "(nothing)");
  EXPECT_EQ(Review(), kPatientAmbiguous);
  EXPECT_EQ(Total("ImagingStudy?_tag=urn:hilum:review|patient-ambiguous"), 1);
  PutPatient("b", "P2");
  EXPECT_EQ(Subject(), "Patient/a");
  EXPECT_EQ(Review(), "(nothing)");
  EXPECT_EQ(Total("ImagingStudy?_tag=urn:hilum:review|patient-ambiguous"), 0);
}

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

TEST_F(PatientsTest, AnIssuerThatStandsForNoSystemKeepsPatientsApart) {
  With(PatientPolicy::kCreate);
  InstanceSpec other{.study = "1.2.2", .series = "1.2.2.1", .sop = "1.2.2.1.1"};
  other.patient_name = "Smith^Mary";
  StowOf("HOSP_A");
  StowOf("HOSP_B", other);
  EXPECT_EQ(Total("Patient?identifier=P1"), 2);
  EXPECT_NE(Subject(), At(Read("ImagingStudy/1.2.2"), "subject.reference"));
  EXPECT_EQ(At(Read(std::string(kStudy)), "subject.identifier.assigner.display"), "HOSP_A");
  EXPECT_EQ(Review(), "(nothing)");
}

TEST_F(PatientsTest, AnIdentifierOfAnotherAssignerIsNotTheSame) {
  StowOf("HOSP_A");
  const auto put = [&](const std::string& more) {
    ASSERT_LT(Run("PUT", "Patient/jane",
                  R"({"resourceType":"Patient","id":"jane","identifier":[{"value":"P1")" + more + "}]}")
                  .status,
              300);
  };
  put("");
  EXPECT_EQ(Subject(), "(nothing)");
  put(R"(,"assigner":{"display":"HOSP_B"})");
  EXPECT_EQ(Subject(), "(nothing)");
  put(R"(,"assigner":{"display":"HOSP_A"})");
  EXPECT_EQ(Subject(), "Patient/jane");
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

TEST_F(PatientsTest, TheNextImagesMakeAPatientWhoWasDeletedAgain) {
  With(PatientPolicy::kCreate);
  Stow({{}});
  const std::string made = Subject();
  EXPECT_EQ(Run("DELETE", made).status, 204);
  EXPECT_EQ(Subject(), "(nothing)");
  Stow({{.sop = "1.2.1.1.2"}});
  EXPECT_NE(Subject(), "(nothing)");
  EXPECT_NE(Subject(), made);
  Stow({{.sop = "1.2.1.1.3"}});
  EXPECT_EQ(Total("Patient?_summary=count"), 1);
}

TEST_F(PatientsTest, WhomUsersNamedBeforeThereWereImagesStays) {
  PutPatient("real", "R1");
  RegisterStudyOfReal();
  Stow({{}});
  const auto study = [&] { return Read("ImagingStudy/ris"); };
  EXPECT_EQ(At(study(), "subject.reference"), "Patient/real");
  EXPECT_EQ(At(study(), "subject.identifier.value"), "P1");
  EXPECT_EQ(At(study(), "meta.tag.0.code"), kPatientMismatch);
  EXPECT_THAT(Run("GET", "ImagingStudy/$conflicts").body, HasSubstr(R"("valueCode":"identifier")"));
  EXPECT_EQ(Total("ImagingStudy?patient=real"), 1);
  Stow({{.sop = "1.2.1.1.2"}});
  PutPatient("jane", "P1");
  EXPECT_EQ(At(study(), "subject.reference"), "Patient/real") << "two may be meant: somebody has to say which";

  std::string chosen = study();
  const size_t given = chosen.find("urn:hilum:given-patient");
  ASSERT_NE(given, std::string::npos);
  chosen.replace(given, 23, "urn:hilum:chosen-patient");
  EXPECT_EQ(Run("PUT", "ImagingStudy/ris", chosen).status, 200);
  EXPECT_EQ(At(study(), "subject.reference"), "Patient/real");
  EXPECT_EQ(At(study(), "meta.tag.0.code"), "(nothing)") << "confirmed";
}

TEST_F(PatientsTest, WhomUsersNamedIsTheOneOfTheIdentifierOnceThatLeadsThere) {
  PutPatient("real", "P1");
  RegisterStudyOfReal();
  Stow({{}});
  EXPECT_EQ(At(Read("ImagingStudy/ris"), "subject.reference"), "Patient/real");
  EXPECT_EQ(At(Read("ImagingStudy/ris"), "subject.extension"), "(nothing)");
  EXPECT_EQ(At(Read("ImagingStudy/ris"), "meta.tag.0.code"), "(nothing)");
}

TEST_F(PatientsTest, WhomUsersNamedMayComeAfterTheImages) {
  for (const auto policy : {PatientPolicy::kLink, PatientPolicy::kQuarantine, PatientPolicy::kCreate}) {
    With(policy);
    RegisterStudyOfReal();
    Stow({{}});
    const auto study = [&] { return Read("ImagingStudy/ris"); };
    EXPECT_EQ(At(study(), "subject.reference") == "(nothing)", policy != PatientPolicy::kCreate);
    EXPECT_EQ(At(study(), "subject.extension.0.url"), kGivenExtension) << "it is waited for";
    ExpectAllAgrees();
    Stow({{.sop = "1.2.1.1.2"}});
    PutPatient("jane", "P1");
    EXPECT_EQ(At(study(), "subject.reference"), "Patient/jane");
    ExpectAllAgrees();

    PutPatient("real", "R1");
    EXPECT_EQ(At(study(), "subject.reference"), "Patient/real") << "as if it had been there before";
    EXPECT_EQ(At(study(), "meta.tag.0.code"), kPatientMismatch);
    EXPECT_EQ(Total("ImagingStudy?patient=real"), 1);
    ExpectAllAgrees();
    EXPECT_EQ(Run("DELETE", "Patient/real").status, 204);
    EXPECT_EQ(At(study(), "subject.reference"), "Patient/jane");
    EXPECT_EQ(At(study(), "meta.tag.0.code"), "(nothing)");
    PutPatient("real", "P1");
    EXPECT_EQ(At(study(), "subject.reference"), "Patient/real") << "two have the identifier, and this one is meant";
    EXPECT_EQ(At(study(), "meta.tag.0.code"), "(nothing)");
    ExpectAllAgrees();

    Delete("1.2.1");
    for (const char* patient : {"Patient/jane", "Patient/real"}) EXPECT_EQ(Run("DELETE", patient).status, 204);
  }
}

TEST_F(PatientsTest, WhomUsersNamedMayComeWithTheIdentifierOfTheImages) {
  RegisterStudyOfReal();
  Stow({{}});
  PutPatient("real", "P1");
  EXPECT_EQ(At(Read("ImagingStudy/ris"), "subject.reference"), "Patient/real");
  EXPECT_EQ(At(Read("ImagingStudy/ris"), "subject.extension"), "(nothing)");
  EXPECT_EQ(At(Read("ImagingStudy/ris"), "meta.tag.0.code"), "(nothing)");
  ExpectAllAgrees();
}

TEST_F(PatientsTest, WhomUsersNamedMayHaveBeenMergedIntoTheOneOfTheIdentifier) {
  PutPatient("jane", "P1");
  Merge("real", "R1", "jane");
  RegisterStudyOfReal();
  Stow({{}});
  EXPECT_EQ(At(Read("ImagingStudy/ris"), "subject.reference"), "Patient/jane");
  ExpectAllAgrees();
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

TEST_F(PatientsTest, APatientIsMadeOfTheImages) {
  With(PatientPolicy::kCreate);
  Stow({{.patient_name = "M\xC3\xBCller^J\xC3\xBCrg^Karl^Dr.^II"}});
  Stow({{.study = "1.2.2", .series = "1.2.2.1", .sop = "1.2.2.1.1"}});
  EXPECT_EQ(Total("Patient?_summary=count"), 1);
  const std::string patient = Read(Subject());
  EXPECT_EQ(At(patient, "identifier.0.system"), "http://hospital.test/mrn");
  EXPECT_EQ(At(patient, "identifier.0.value"), "P1");
  EXPECT_EQ(At(patient, "name.0.family"), "M\xC3\xBCller");
  EXPECT_EQ(At(patient, "name.0.given.0"), "J\xC3\xBCrg");
  EXPECT_EQ(At(patient, "name.0.given.1"), "Karl");
  EXPECT_EQ(At(patient, "gender"), "female");
  EXPECT_EQ(At(patient, "birthDate"), "1970-01-01");
  EXPECT_EQ(Total("ImagingStudy?patient.identifier=P1"), 2);
}

TEST_F(PatientsTest, AMadePatientWhoIsDeletedStaysAway) {
  With(PatientPolicy::kCreate);
  Stow({{}});
  EXPECT_EQ(Run("DELETE", Subject()).status, 204);
  EXPECT_EQ(Subject(), "(nothing)");
  EXPECT_EQ(Total("Patient?_summary=count"), 0);
}

TEST_F(PatientsTest, ConflictsAreListedAndNothingIsOverwritten) {
  PutPatient("jane", "P1", R"(,"name":[{"family":"DOE","given":["Jane"]}],"birthDate":"1971-01-01","gender":"male")");
  Stow({{}});
  EXPECT_EQ(Subject(), "Patient/jane");
  EXPECT_EQ(Review(), kPatientMismatch);
  EXPECT_EQ(Run("GET", "Patient/jane").version, 1u);
  const std::string conflicts = Run("GET", "ImagingStudy/$conflicts").body;
  EXPECT_EQ(At(conflicts, "parameter.0.part.0.valueReference.reference"), kStudy);
  EXPECT_EQ(At(conflicts, "parameter.0.part.1.valueReference.reference"), "Patient/jane");
  EXPECT_EQ(At(conflicts, "parameter.0.part.2.valueCode"), "birthDate");
  EXPECT_EQ(At(conflicts, "parameter.0.part.3.valueString"), "1970-01-01");
  EXPECT_EQ(At(conflicts, "parameter.0.part.4.valueString"), "1971-01-01");
  EXPECT_EQ(At(conflicts, "parameter.1.part.2.valueCode"), "gender");
  EXPECT_EQ(At(conflicts, "parameter.2.name"), "(nothing)");
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1/$conflicts").body, conflicts);

  PutPatient("jane", "P1", R"(,"name":[{"text":"Jane Doe"}],"birthDate":"1970","gender":"female")");
  EXPECT_EQ(Review(), "(nothing)");
  EXPECT_EQ(At(Run("GET", "ImagingStudy/$conflicts").body, "parameter"), "(nothing)");
}

TEST_F(PatientsTest, ConflictsComeInPages) {
  PutPatient("jane", "P1", R"(,"gender":"male")");
  for (const std::string study : {"1.2.1", "1.2.2", "1.2.3"}) {
    Stow({{.study = study, .series = study + ".1", .sop = study + ".1.1"}});
  }
  std::vector<std::string> seen;
  std::string url = "ImagingStudy/$conflicts?_count=2";
  for (int page = 0; page < 2; ++page) {
    const std::string body = Run("GET", url).body;
    for (int i = 0; i < 2; ++i) {
      const std::string part = "parameter." + std::to_string(i) + ".part.0.valueReference.reference";
      if (At(body, part) != "(nothing)") seen.push_back(At(body, part));
    }
    const std::string next = At(body, "parameter.2.valueUri");
    EXPECT_EQ(next == "(nothing)", page == 1) << body;
    if (page == 0) url = next.substr(std::string("http://test/fhir/").size());
  }
  EXPECT_THAT(seen, ::testing::ElementsAre("ImagingStudy/1.2.1", "ImagingStudy/1.2.2", "ImagingStudy/1.2.3"));
  EXPECT_EQ(Run("GET", "ImagingStudy/$conflicts?_count=x").status, 400);
  EXPECT_EQ(Run("GET", "ImagingStudy/9.9/$conflicts").status, 404);
}

TEST_F(PatientsTest, AUniversalEntityIsTheSystemOfThePatientId) {
  using dicom::Vr;
  options_.resolver.systems["1.2.9"] = "http://mapped.test/mrn";
  Link();
  const std::pair<std::pair<std::string, std::string>, std::string> cases[] = {
      {{"1.2.8", "ISO"}, "urn:oid:1.2.8"},
      {{"1.2.9", "ISO"}, "http://mapped.test/mrn"},
      {{"http://other.test/mrn", "URI"}, "http://other.test/mrn"},
      {{"0f0c6f29-2d2f-4a3d-8f0e-0d5d5d5d5d5d", "UUID"}, "urn:uuid:0f0c6f29-2d2f-4a3d-8f0e-0d5d5d5d5d5d"},
      {{"hospital", "DNS"}, "http://hospital.test/mrn"}};
  int number = 0;
  for (const auto& [entity, system] : cases) {
    const std::string study = "1.3." + std::to_string(++number);
    const std::string qualifiers =
        OneItem({{{0x0040, 0x0032}, Vr("UT"), entity.first}, {{0x0040, 0x0033}, Vr("CS"), entity.second}});
    Stow({{.study = study,
           .series = study + ".1",
           .sop = study + ".1.1",
           .more = {{{0x0010, 0x0024}, Vr("SQ"), qualifiers}}}});
    EXPECT_EQ(At(Read("ImagingStudy/" + study), "subject.identifier.system"), system) << entity.first;
  }
}

TEST_F(PatientsTest, QuarantineLinksOnlyWhatIsCertain) {
  With(PatientPolicy::kQuarantine);
  Stow({{}});
  EXPECT_EQ(Review(), kPatientUnknown);
  PutPatient("jane", "P1", R"(,"gender":"male")");
  EXPECT_EQ(Review(), kPatientMismatch);
  EXPECT_EQ(Subject(), "(nothing)");
  PutPatient("jane", "P1", R"(,"gender":"female")");
  EXPECT_EQ(Review(), "(nothing)");
  EXPECT_EQ(Subject(), "Patient/jane");
}

TEST_F(PatientsTest, OtherSettingsReachStudiesThatAreThere) {
  Stow({{}});
  PutPatient("jane", "P1", R"(,"gender":"male")");
  EXPECT_EQ(Subject(), "Patient/jane");
  With(PatientPolicy::kQuarantine);
  EXPECT_EQ(Subject(), "(nothing)");
  EXPECT_EQ(Total("ImagingStudy?patient=Patient/jane"), 0);
  With(PatientPolicy::kLink);
  EXPECT_EQ(Subject(), "Patient/jane");
  options_.resolver.systems = {{"", "http://elsewhere.test/mrn"}};
  With(PatientPolicy::kCreate);
  EXPECT_EQ(At(Read(Subject()), "identifier.0.system"), "http://elsewhere.test/mrn");
  EXPECT_NE(Subject(), "Patient/jane");
}

TEST_F(PatientsTest, TheSameSettingsMakeNoVersion) {
  Stow({{}});
  PutPatient("jane", "P1", R"(,"gender":"male")");
  With(PatientPolicy::kQuarantine);
  EXPECT_EQ(Run("GET", kStudy).version, 3u);
  With(PatientPolicy::kQuarantine);
  Reopen();
  EXPECT_EQ(Run("GET", kStudy).version, 3u);
}

TEST_F(PatientsTest, TagsOfUsersStay) {
  Stow({{}});
  std::string body = Read(std::string(kStudy));
  const Answer tagged = Run("POST", std::string(kStudy) + "/$meta-add",
                            R"({"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[)"
                            R"({"system":"urn:mine","code":"x"}]}}]})");
  ASSERT_EQ(tagged.status, 200) << tagged.body;
  PutPatient("a", "P1", R"(,"gender":"male")");
  body = Read(std::string(kStudy));
  EXPECT_THAT(body, HasSubstr("urn:mine"));
  EXPECT_THAT(body, HasSubstr(std::string(kPatientMismatch)));
  // Nobody takes the tag away who does not mend what it is about.
  const Answer untagged = Run("POST", std::string(kStudy) + "/$meta-delete",
                              R"({"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[)"
                              R"({"system":"urn:hilum:review","code":"patient-mismatch"}]}}]})");
  ASSERT_EQ(untagged.status, 200) << untagged.body;
  EXPECT_THAT(Read(std::string(kStudy)), HasSubstr(std::string(kPatientMismatch)));
  PutPatient("a", "P1");
  body = Read(std::string(kStudy));
  EXPECT_THAT(body, HasSubstr("urn:mine"));
  EXPECT_THAT(body, Not(HasSubstr("urn:hilum:review")));
}

TEST_F(PatientsTest, LinksHoldAfterReopening) {
  Stow({{}});
  Reopen();
  PutPatient("jane", "P1");
  EXPECT_EQ(Subject(), "Patient/jane");
  Delete("1.2.1");
  PutPatient("jane", "P2");
  Stow({{}});
  EXPECT_EQ(Subject(), "(nothing)");
}

}  // namespace
}  // namespace hilum::fhir::imaging
