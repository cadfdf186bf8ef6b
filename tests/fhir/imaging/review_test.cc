// Who chooses the Patient of a study, alone or in a transaction.
#include <gmock/gmock.h>

#include "tests/fhir/imaging/patients_fixture.h"

namespace hilum::fhir::imaging {
namespace {

using ::testing::HasSubstr;

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

// What a transaction says of a study is judged by what holds once it is done (R4 3.1.0.11.2), in whatever order its
// entries are.
class TransactionTest : public PatientsTest {
 protected:
  static std::string Entry(const std::string& method, const std::string& url, const std::string& resource,
                           const std::string& full_url = "") {
    return "{" + (full_url.empty() ? "" : "\"fullUrl\":\"" + full_url + "\",") +
           (resource.empty() ? "" : "\"resource\":" + resource + ",") + R"("request":{"method":")" + method +
           R"(","url":")" + url + "\"}}";
  }
  static std::string PatientWith(const std::string& mrn, const std::string& id = "") {
    return R"({"resourceType":"Patient",)" + (id.empty() ? "" : "\"id\":\"" + id + "\",") +
           R"("identifier":[{"system":"http://hospital.test/mrn","value":")" + mrn + R"("}]})";
  }
  static std::string StudyOf(const std::string& patient) {
    return Entry("PUT", std::string(kStudy),
                 R"({"resourceType":"ImagingStudy","id":"1.2.1","status":"available","note":[{"text":"seen"}],)"
                 R"("subject":{"reference":")" +
                     patient + R"("}})");
  }
  Answer Transact(const std::vector<std::string>& entries) {
    std::string list;
    for (const std::string& entry : entries) list.append(list.empty() ? "" : ",").append(entry);
    return Run("POST", "", R"({"resourceType":"Bundle","type":"transaction","entry":[)" + list + "]}");
  }
};

TEST_F(TransactionTest, ThePatientMayComeWithTheStudyThatNamesIt) {
  const std::string patient = Entry("PUT", "Patient/p", PatientWith("P1", "p")), study = StudyOf("Patient/p");
  for (const bool study_first : {true, false}) {
    Stow({{}});
    const uint64_t version = Run("GET", kStudy).version.value_or(0);
    const Answer answer = study_first ? Transact({study, patient}) : Transact({patient, study});
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(Subject(), "Patient/p");
    EXPECT_EQ(At(Read(std::string(kStudy)), "note.0.text"), "seen");
    EXPECT_EQ(Run("GET", kStudy).version, version + 1) << "one version for one commit";
    ExpectAllAgrees();
    Delete("1.2.1");
    ASSERT_EQ(Run("DELETE", "Patient/p").status, 204);
  }
}

TEST_F(TransactionTest, ThePatientMayBeNamedByItsFullUrl) {
  Stow({{}});
  const std::string url = "urn:uuid:5b1dbd4c-0b4a-4bdc-8a5c-3d1b6a6a7f10";
  const Answer answer = Transact({StudyOf(url), Entry("POST", "Patient", PatientWith("P1"), url)});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(Subject(), HasSubstr("Patient/"));
  EXPECT_EQ(Total("ImagingStudy?patient.identifier=http://hospital.test/mrn|P1"), 1);
}

TEST_F(TransactionTest, APatientWhoComesWithItIsChosen) {
  With(PatientPolicy::kQuarantine);
  Stow({{}});
  EXPECT_EQ(Review(), kPatientUnknown);
  const std::string url = "urn:uuid:5b1dbd4c-0b4a-4bdc-8a5c-3d1b6a6a7f10";
  const Answer answer = Transact({Entry("POST", "Patient", PatientWith("P7"), url), StudyOf(url)});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(Review(), "(nothing)");
  EXPECT_EQ(Total("ImagingStudy?patient.identifier=http://hospital.test/mrn|P7"), 1);
  ExpectAllAgrees();
}

TEST_F(TransactionTest, WhoeverNoLongerIsTheirPatientIsNotNamed) {
  PutPatient("p", "P1");
  Stow({{}});
  const std::string study = StudyOf("Patient/p"), loses = Entry("PUT", "Patient/p", PatientWith("P2", "p"));
  EXPECT_EQ(Transact({study, loses}).status, 422);
  EXPECT_EQ(Transact({loses, study}).status, 422);
  EXPECT_EQ(Transact({study, Entry("DELETE", "Patient/p", "")}).status, 422);
  EXPECT_EQ(Subject(), "Patient/p") << "all or nothing";
  EXPECT_EQ(Transact({study, Entry("PUT", "Patient/p", PatientWith("P1", "p"))}).status, 200);
  const Answer merged =
      Transact({StudyOf("Patient/q"), Entry("PUT", "Patient/q", PatientWith("P3", "q")),
                Entry("PUT", "Patient/p",
                      R"({"resourceType":"Patient","id":"p","identifier":[{"system":"http://hospital.test/mrn",)"
                      R"("value":"P1"}],"link":[{"other":{"reference":"Patient/q"},"type":"replaced-by"}]})")});
  EXPECT_EQ(merged.status, 200) << merged.body;
  EXPECT_EQ(Subject(), "Patient/q");
}

TEST_F(TransactionTest, WhoBecomesDoubtfulMayBeChosen) {
  PutPatient("p", "P1");
  Stow({{}});
  EXPECT_EQ(Transact({StudyOf("Patient/q"), Entry("PUT", "Patient/q", PatientWith("P1", "q"))}).status, 200);
  EXPECT_EQ(Subject(), "Patient/q");
  EXPECT_EQ(Review(), "(nothing)");
}

// A reviewer chooses the Patient of a study that is in doubt.
class ReviewTest : public PatientsTest {
 protected:
  // The ImagingStudy with another subject.
  int Choose(const std::string& subject) {
    const std::string body = Read(std::string(kStudy));
    const auto document = json::Document::Parse(body);
    json::Edits edits;
    const json::MaybeValue said = json::Find(document->root(), "subject");
    edits.Replace(said->begin(), said->end(), subject);
    return Run("PUT", kStudy, edits.Apply(document->root())).status;
  }
  void StowAmbiguous() {
    PutPatient("a", "P1");
    PutPatient("b", "P1");
    PutPatient("c", "P3");
    Stow({{}});
    EXPECT_EQ(Review(), kPatientAmbiguous);
  }
};

TEST_F(ReviewTest, TheChoiceHoldsWhateverComesLater) {
  StowAmbiguous();
  EXPECT_EQ(Choose(R"({"reference":"Patient/c"})"), 200);
  EXPECT_EQ(Subject(), "Patient/c");
  EXPECT_EQ(Review(), "(nothing)");
  EXPECT_EQ(At(Read(std::string(kStudy)), "subject.identifier.value"), "P1");
  EXPECT_EQ(Run("GET", kStudy).version, 2u);
  Stow({{.sop = "1.2.1.1.2"}});
  PutPatient("a", "P9");
  With(PatientPolicy::kQuarantine);
  EXPECT_EQ(Subject(), "Patient/c");
  EXPECT_EQ(Total("ImagingStudy?patient=Patient/c"), 1);
}

TEST_F(ReviewTest, TheChoiceFollowsMergesAndEndsWithItsPatient) {
  StowAmbiguous();
  EXPECT_EQ(Choose(R"({"reference":"Patient/c"})"), 200);
  PutPatient("d", "P4");
  Merge("c", "P3", "d");
  EXPECT_EQ(Subject(), "Patient/d");
  PutPatient("c", "P3");
  EXPECT_EQ(Subject(), "Patient/c");
  EXPECT_EQ(Run("DELETE", "Patient/c").status, 204);
  EXPECT_EQ(Subject(), "(nothing)");
  EXPECT_EQ(Review(), kPatientAmbiguous);
}

TEST_F(ReviewTest, TheChoiceWaitsForWhomItsPatientIsMergedInto) {
  const auto chosen = [&] { return At(Read(std::string(kStudy)), "subject.extension.0.valueReference.reference"); };
  StowAmbiguous();
  ASSERT_EQ(Choose(R"({"reference":"Patient/c"})"), 200);
  Merge("c", "P3", "later");
  EXPECT_EQ(Subject(), "(nothing)");
  EXPECT_EQ(Review(), kPatientAmbiguous);
  EXPECT_EQ(chosen(), "Patient/c");
  Stow({{.sop = "1.2.1.1.2"}});
  std::string read = Read(std::string(kStudy));
  EXPECT_EQ(Run("PUT", kStudy, read.insert(read.size() - 1, R"(,"note":[{"text":"seen"}])")).status, 200);
  EXPECT_EQ(chosen(), "Patient/c") << "who sends back what was read takes nothing back";
  ExpectAllAgrees();
  PutPatient("later", "P4");
  EXPECT_EQ(Subject(), "Patient/later");
  EXPECT_EQ(Review(), "(nothing)");

  Merge("later", "P4", "c");
  EXPECT_EQ(Subject(), "(nothing)") << "a circle";
  EXPECT_EQ(chosen(), "Patient/c");
  PutPatient("c", "P3");
  EXPECT_EQ(Subject(), "Patient/c");
  Merge("c", "P3", "nobody");
  EXPECT_EQ(Choose(R"({"display":"whoever"})"), 200);
  EXPECT_EQ(chosen(), "(nothing)") << "the choice is taken back";
  ExpectAllAgrees();
}

TEST_F(ReviewTest, TheChoiceIsTakenBack) {
  StowAmbiguous();
  EXPECT_EQ(Choose(R"({"reference":"Patient/c"})"), 200);
  EXPECT_EQ(Choose(R"({"reference":"Patient/a"})"), 200);
  EXPECT_EQ(Subject(), "Patient/a");
  EXPECT_EQ(Choose(R"({"display":"whoever"})"), 200);
  EXPECT_EQ(Subject(), "(nothing)");
  EXPECT_EQ(Review(), kPatientAmbiguous);
}

// Who reads, changes one thing and writes sends the rest back, with the extension that says who was chosen before.
TEST_F(ReviewTest, AnotherIsChosenByItsReferenceAlone) {
  StowAmbiguous();
  ASSERT_EQ(Choose(R"({"reference":"Patient/c"})"), 200);
  const std::string subject = R"({"extension":[{"url":"urn:hilum:chosen-patient","valueReference":{"reference":)"
                              R"("Patient/c"}}],"reference":%,"type":"Patient","identifier":)"
                              R"({"system":"http://hospital.test/mrn","value":"P1"}})";
  const auto with = [&](const std::string& reference) {
    return std::string(subject).replace(subject.find('%'), 1, "\"" + reference + "\"");
  };
  EXPECT_EQ(Choose(with("Patient/nobody")), 422);
  EXPECT_EQ(Choose(with("Group/a")), 422);
  EXPECT_EQ(Choose(with("Patient/c")), 200);
  EXPECT_EQ(Run("GET", kStudy).version, 2u) << "nothing changed";
  EXPECT_EQ(Choose(with("Patient/a")), 200);
  EXPECT_EQ(Subject(), "Patient/a");
  EXPECT_EQ(At(Read(std::string(kStudy)), "subject.extension.0.valueReference.reference"), "Patient/a");

  Interaction patch =
      Request("PATCH", std::string(kStudy), R"([{"op":"replace","path":"/subject/reference","value":"Patient/b"}])");
  EXPECT_EQ(interactions_->Run(patch).status, 200);
  EXPECT_EQ(Subject(), "Patient/b");
  patch.body = R"([{"op":"remove","path":"/subject/reference"}])";
  EXPECT_EQ(interactions_->Run(patch).status, 200);
  EXPECT_EQ(Subject(), "(nothing)") << "the choice is taken back";
}

TEST_F(ReviewTest, AnotherIdentifierIsRefusedWhoeverIsChosen) {
  StowAmbiguous();
  ASSERT_EQ(Choose(R"({"reference":"Patient/c"})"), 200);
  EXPECT_EQ(Choose(R"({"extension":[{"url":"urn:hilum:chosen-patient","valueReference":{"reference":"Patient/c"}}],)"
                   R"("reference":"Patient/c","identifier":{"system":"http://hospital.test/mrn","value":"P3"}})"),
            422);
}

TEST_F(ReviewTest, AMismatchIsConfirmed) {
  PutPatient("a", "P1", R"(,"gender":"male")");
  Stow({{}});
  EXPECT_EQ(Review(), kPatientMismatch);
  EXPECT_EQ(Choose(R"({"extension":[{"url":"urn:hilum:chosen-patient","valueReference":{"reference":"Patient/a"}}],)"
                   R"("reference":"Patient/a"})"),
            200);
  EXPECT_EQ(Subject(), "Patient/a");
  EXPECT_EQ(Review(), "(nothing)");
}

TEST_F(ReviewTest, NobodyChoosesWithoutADoubtOrWhoIsNotThere) {
  PutPatient("a", "P1");
  PutPatient("c", "P3");
  Stow({{}});
  EXPECT_EQ(Choose(R"({"reference":"Patient/c"})"), 422);
  PutPatient("b", "P1");
  EXPECT_EQ(Choose(R"({"reference":"Patient/nobody"})"), 422);
  EXPECT_EQ(Choose(R"({"identifier":{"value":"P3"}})"), 422);
  EXPECT_EQ(Review(), kPatientAmbiguous);
}

}  // namespace
}  // namespace hilum::fhir::imaging
