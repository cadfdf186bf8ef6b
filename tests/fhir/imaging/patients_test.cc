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

TEST_F(PatientsTest, AnIdentifierThatVeryManyHaveLeadsToNobody) {
  PutPatient("real", "P1");
  for (int i = 0; i < 256; ++i) Merge("p" + std::to_string(i), "P1", "real");
  Stow({{}});
  EXPECT_EQ(Subject(), "(nothing)");
  EXPECT_EQ(Review(), kPatientAmbiguous);
  ExpectAllAgrees();
  EXPECT_EQ(Run("DELETE", "Patient/p7").status, 204);
  EXPECT_EQ(Subject(), "Patient/real");
  EXPECT_EQ(Review(), "(nothing)");
  ExpectAllAgrees();
}

TEST_F(PatientsTest, WhoIsNamedByNoIdIsNobody) {
  for (const std::string id :
       {R"(a\"b)", R"(x\"}},{\"url\":\"urn:forged\",\"valueReference\":{\"reference\":\"y)", "", "a b"}) {
    for (const std::string_view url : {kGivenExtension, kChoiceExtension}) {
      options_.enabled = false;
      Link();
      EXPECT_EQ(Run("PUT", "ImagingStudy/ris",
                    R"({"resourceType":"ImagingStudy","id":"ris","status":"registered","identifier":[)"
                    R"({"system":"urn:dicom:uid","value":"urn:oid:1.2.1"}],"subject":{"extension":[{"url":")" +
                        std::string(url) + R"(","valueReference":{"reference":"Patient/)" + id + R"("}}]}})")
                    .status,
                201)
          << id;
      Stow({{}});
      options_.enabled = true;
      Link();
      EXPECT_EQ(At(Read("ImagingStudy/ris"), "subject.extension"), "(nothing)") << id;
      EXPECT_EQ(At(Read("ImagingStudy/ris"), "subject.identifier.value"), "P1") << id;
      ExpectAllAgrees();
      Delete("1.2.1");
    }
  }
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
