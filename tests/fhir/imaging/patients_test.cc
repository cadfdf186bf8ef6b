// Studies find their Patient and their orders, whichever comes first; what is doubtful is shown, never guessed.
#include <gmock/gmock.h>

#include "tests/fhir/imaging/imaging_fixture.h"

namespace hilum::fhir::imaging {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PatientsTest : public ImagingFixture {
 protected:
  static constexpr std::string_view kStudy = "ImagingStudy/1.2.1";

  void PutPatient(const std::string& id, const std::string& mrn, const std::string& more = "") {
    const std::string identifier =
        mrn.empty() ? "" : R"(,"identifier":[{"system":"http://hospital.test/mrn","value":")" + mrn + R"("}])";
    const Answer answer =
        Run("PUT", "Patient/" + id, R"({"resourceType":"Patient","id":")" + id + "\"" + identifier + more + "}");
    ASSERT_LT(answer.status, 300) << answer.body;
  }
  void Merge(const std::string& id, const std::string& mrn, const std::string& into) {
    PutPatient(id, mrn, R"(,"link":[{"other":{"reference":"Patient/)" + into + R"("},"type":"replaced-by"}])");
  }
  std::string Subject() { return At(Read(std::string(kStudy)), "subject.reference"); }
  std::string Review() { return At(Read(std::string(kStudy)), "meta.tag.0.code"); }
  void With(PatientPolicy policy) {
    options_.resolver.policy = policy;
    Link();
  }
};

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

TEST_F(PatientsTest, OrdersAreLinkedByAccessionNumberInEitherOrder) {
  const auto order = [](const std::string& id, const std::string& accession) {
    return R"({"resourceType":"ServiceRequest","id":")" + id + R"(","status":"active","intent":"order",)" +
           R"("subject":{"display":"x"},"identifier":[{"value":")" + accession + R"("}]})";
  };
  ASSERT_EQ(Run("PUT", "ServiceRequest/first", order("first", "A1")).status, 201);
  Stow({{}});
  EXPECT_EQ(At(Read(std::string(kStudy)), "basedOn.0.reference"), "ServiceRequest/first");
  EXPECT_EQ(Total("ImagingStudy?basedon=ServiceRequest/first"), 1);
  ASSERT_EQ(Run("PUT", "ServiceRequest/second", order("second", "A1")).status, 201);
  EXPECT_EQ(At(Read(std::string(kStudy)), "basedOn.1.reference"), "ServiceRequest/second");
  ASSERT_EQ(Run("PUT", "ServiceRequest/first", order("first", "A2")).status, 200);
  EXPECT_EQ(At(Read(std::string(kStudy)), "basedOn.0.reference"), "ServiceRequest/second");
  ASSERT_EQ(Run("DELETE", "ServiceRequest/second").status, 204);
  EXPECT_EQ(At(Read(std::string(kStudy)), "basedOn"), "(nothing)");
}

TEST_F(PatientsTest, OrdersThatUsersNamedStay) {
  Stow({{}});
  std::string body = Read(std::string(kStudy));
  body.insert(body.size() - 1, R"(,"basedOn":[{"reference":"ServiceRequest/mine","display":"by hand"}])");
  ASSERT_EQ(Run("PUT", kStudy, body).status, 200);
  ASSERT_EQ(Run("PUT", "ServiceRequest/mine",
                R"({"resourceType":"ServiceRequest","id":"mine","status":"active","intent":"order",)"
                R"("subject":{"display":"x"},"identifier":[{"value":"A1"}]})")
                .status,
            201);
  EXPECT_EQ(At(Read(std::string(kStudy)), "basedOn.1"), "(nothing)");
  ASSERT_EQ(Run("DELETE", "ServiceRequest/mine").status, 204);
  EXPECT_EQ(At(Read(std::string(kStudy)), "basedOn.0.display"), "by hand");
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

TEST_F(PatientsTest, ATransactionWithPatientAndStudyElementsIsWhole) {
  Stow({{}});
  const Answer answer = Run("POST", "", R"({"resourceType":"Bundle","type":"transaction","entry":[
      {"fullUrl":"urn:uuid:5b1dbd4c-0b4a-4bdc-8a5c-3d1b6a6a7f10","resource":{"resourceType":"Patient",
       "identifier":[{"system":"http://hospital.test/mrn","value":"P1"}]},"request":{"method":"POST","url":"Patient"}},
      {"resource":{"resourceType":"ImagingStudy","id":"1.2.1","status":"available","note":[{"text":"seen"}],
       "subject":{"type":"Patient","identifier":{"system":"http://hospital.test/mrn","value":"P1"}}},
       "request":{"method":"PUT","url":"ImagingStudy/1.2.1"}}]})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(At(Read(std::string(kStudy)), "note.0.text"), "seen");
  EXPECT_THAT(Subject(), HasSubstr("Patient/"));
}

}  // namespace
}  // namespace hilum::fhir::imaging
