// What users write of an ImagingStudy, beside what the images say.
#include <gmock/gmock.h>

#include <fstream>

#include "fhir/interactions/plan.h"
#include "pipelines/fhir_import/import.h"
#include "tests/fhir/imaging/imaging_fixture.h"

namespace hilum::fhir::imaging {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class JudgeTest : public ImagingFixture {
 protected:
  void SetUp() override {
    ImagingFixture::SetUp();
    Stow({{}, {.sop = "1.2.1.1.2", .instance_number = "2"}});
  }
  // The resource as it is, with more at its end.
  std::string With(const std::string& more) {
    std::string text = Read("ImagingStudy/1.2.1");
    text.insert(text.size() - 1, more);
    return text;
  }
  Answer Put(const std::string& text) { return Run("PUT", "ImagingStudy/1.2.1", text); }
};

const std::string kNote = R"(,"note":[{"text":"seen  twice"}],"basedOn":[{"reference":"ServiceRequest/sr"}])";

TEST_F(JudgeTest, WhatTheImagesDoNotSayIsKeptWhenTheyChange) {
  const Answer put = Put(With(kNote));
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.version, 2u);
  EXPECT_EQ(Images(put.body), "1.2.1.1:1.2.1.1.1,1.2.1.1.2");
  EXPECT_THAT(put.body, HasSubstr(kNote));
  EXPECT_EQ(Total("ImagingStudy?basedon=ServiceRequest/sr"), 1);
  Stow({{.sop = "1.2.1.1.3", .instance_number = "3"}});
  const std::string study = Read("ImagingStudy/1.2.1");
  EXPECT_THAT(study, HasSubstr(kNote));
  EXPECT_EQ(Images(study), "1.2.1.1:1.2.1.1.1,1.2.1.1.2,1.2.1.1.3");
  EXPECT_EQ(Total("ImagingStudy?basedon=ServiceRequest/sr"), 1);
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1/_history/2")), "1.2.1.1:1.2.1.1.1,1.2.1.1.2");
}

TEST_F(JudgeTest, AnIdOfWhatTheImagesSayGoesWithIt) {
  for (const std::string more : {"", R"(,"extension":[{"url":"urn:x","valueBoolean":true}])"}) {
    Delete("1.2.1");
    Stow({{}, {.sop = "1.2.1.1.2", .study_description = ""}});
    const Answer put = Put(With(R"(,"_description":{"id":"x")" + more + R"(},"_started":{"id":"y"})"));
    EXPECT_EQ(put.status, 200) << put.body;
    Delete("1.2.1", "1.2.1.1", "1.2.1.1.1");
    const std::string study = Read("ImagingStudy/1.2.1");
    EXPECT_EQ(At(study, "description"), "(nothing)");
    EXPECT_EQ(At(study, "_description.id"), more.empty() ? "(nothing)" : "x") << "extensions stand alone";
    EXPECT_EQ(At(study, "_started.id"), "y");
    const Answer jane = Run("PUT", "Patient/jane",
                            R"({"resourceType":"Patient","id":"jane","identifier":[)"
                            R"({"system":"http://hospital.test/mrn","value":"P1"}]})");
    EXPECT_LT(jane.status, 300) << jane.body;
    EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "subject.reference"), "Patient/jane");
    ExpectAllAgrees();
    Run("DELETE", "Patient/jane");
  }
}

TEST_F(JudgeTest, WhatTheImagesSayMayBeLeftOut) {
  const Answer put =
      Put(R"({"resourceType":"ImagingStudy","id":"1.2.1","status":"available",)"
          R"("subject":{"type":"Patient","identifier":{"value":"P1","system":"http://hospital.test/mrn"}},)"
          R"("note":[{"text":"x"}]})");
  EXPECT_EQ(put.status, 200) << put.body;
  const std::string study = Read("ImagingStudy/1.2.1");
  EXPECT_EQ(At(study, "numberOfInstances"), "2");
  EXPECT_EQ(At(study, "identifier.0.value"), "urn:oid:1.2.1");
  EXPECT_EQ(At(study, "started"), "2024-01-15T10:15:00+00:00");
  EXPECT_EQ(Total("ImagingStudy?started=2024-01-15"), 1);
  EXPECT_EQ(Images(study), "1.2.1.1:1.2.1.1.1,1.2.1.1.2");
}

TEST_F(JudgeTest, ASubjectIsComparedByWhatItMeans) {
  ASSERT_LT(
      Run("PUT", "Patient/jane",
          R"({"resourceType":"Patient","id":"jane","identifier":[{"system":"http://hospital.test/mrn","value":"P1"}]})")
          .status,
      300);
  const auto put = [&](const std::string& subject) {
    return Put(R"({"resourceType":"ImagingStudy","id":"1.2.1","status":"available","subject":)" + subject + "}").status;
  };
  const std::string identifier = R"("identifier":{"system":"http://hospital.test/mrn","value":"P1"})";
  EXPECT_EQ(put(R"({"reference":"Patient/jane"})"), 200);
  EXPECT_EQ(put("{" + identifier + "}"), 200);
  EXPECT_EQ(put(R"({"display":"Jane Doe","reference":"Patient/jane",)" + identifier + "}"), 200);
  const auto subject = [&](std::string_view element) {
    return At(Read("ImagingStudy/1.2.1"), "subject." + std::string(element));
  };
  EXPECT_EQ(subject("display"), "Jane Doe");
  EXPECT_EQ(subject("identifier.value"), "P1");
  Stow({{.sop = "1.2.1.1.3"}});
  EXPECT_EQ(subject("display"), "Jane Doe");
  EXPECT_EQ(put(R"({"reference":"Patient/john"})"), 422);
  EXPECT_EQ(put(R"({"reference":"Patient/jane","identifier":{"system":"http://hospital.test/mrn","value":"P2"}})"),
            422);
  EXPECT_EQ(put(R"({"display":"Jane Doe"})"), 422);
  EXPECT_EQ(Run("DELETE", "Patient/jane").status, 204);
  EXPECT_EQ(subject("display"), "(nothing)") << "it was the words for another reference";
}

TEST_F(JudgeTest, AnotherAccessionNumberContradictsTheImages) {
  options_.resolver.accession_system = "http://hospital.test/accession";
  Link();
  const auto put = [&](const std::string& identifier) {
    std::string text = Read("ImagingStudy/1.2.1");
    const std::string_view list = "\"identifier\":[";
    return Put(text.insert(text.find(list) + list.size(), identifier + ","));
  };
  const Answer refused = put(R"({"system":"http://hospital.test/accession","value":"other"})");
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.body, HasSubstr("ImagingStudy.identifier"));
  EXPECT_EQ(put(R"({"system":"http://elsewhere.test","value":"other"})").status, 200);
}

TEST_F(JudgeTest, TheUidMayLackItsPrefix) {
  ASSERT_EQ(Run("PUT", "ImagingStudy/mine",
                R"({"resourceType":"ImagingStudy","id":"mine","status":"registered","subject":{"display":"x"},)"
                R"("identifier":[{"system":"urn:dicom:uid","value":"1.9"}]})")
                .status,
            201);
  EXPECT_EQ(Total("ImagingStudy?identifier=urn:dicom:uid|urn:oid:1.9"), 1);
  Stow({{.study = "1.9", .series = "1.9.1", .sop = "1.9.1.1"}});
  EXPECT_EQ(Images(Read("ImagingStudy/mine")), "1.9.1:1.9.1.1");
  EXPECT_EQ(Run("GET", "ImagingStudy/1.9").status, 404);
  EXPECT_EQ(Run("PUT", "ImagingStudy/mine", Read("ImagingStudy/mine")).status, 200);
  for (const char* uid : {"1.2.1", "urn:oid:1.2.1", "urn:dicom:uid|1.2.1", "urn:dicom:uid|urn:oid:1.2.1"})
    EXPECT_EQ(Total("ImagingStudy?identifier=" + std::string(uid)), 1) << uid;
  EXPECT_EQ(Total("ImagingStudy?identifier=http://other|1.2.1"), 0);
}

TEST_F(JudgeTest, TheOwnEndpointStaysWhatItIs) {
  ASSERT_TRUE(linker_->PutEndpoint("http://here.test/dicom-web").ok());
  std::string text = Read("Endpoint/hilum-dicomweb");
  text.replace(text.find("here.test"), 9, "evil.test");
  const Answer refused = Run("PUT", "Endpoint/hilum-dicomweb", text);
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.body, HasSubstr("Endpoint.address"));
  EXPECT_THAT(refused.body, HasSubstr("http.public_url"));
  EXPECT_EQ(Run("DELETE", "Endpoint/hilum-dicomweb").status, 409);
  text = Read("Endpoint/hilum-dicomweb");
  EXPECT_EQ(Run("PUT", "Endpoint/hilum-dicomweb", text.insert(text.size() - 1, R"(,"period":{"start":"2026"})")).status,
            200);
  text.replace(text.find("hilum-dicomweb"), 14, "mine");
  EXPECT_EQ(Run("PUT", "Endpoint/mine", text).status, 201);
  EXPECT_EQ(Run("DELETE", "Endpoint/mine").status, 204);
}

TEST_F(JudgeTest, TheSameContentMakesNoVersion) {
  EXPECT_EQ(Put(With("")).version, 1u);
  EXPECT_EQ(Put(With(kNote)).version, 2u);
  EXPECT_EQ(Put(With("")).version, 2u);
}

TEST_F(JudgeTest, WhatContradictsTheImagesIsRefusedByName) {
  const std::string whole = Read("ImagingStudy/1.2.1");
  const auto replaced = [&](std::string_view what, std::string_view by) {
    std::string text = whole;
    const size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), by);
  };
  const std::pair<std::string, std::string> cases[] = {
      {replaced("\"numberOfInstances\":2,", "\"numberOfInstances\":7,"), "ImagingStudy.numberOfInstances"},
      {replaced("\"available\"", "\"cancelled\""), "ImagingStudy.status"},
      {replaced("\"started\":\"2024", "\"started\":\"2025"), "ImagingStudy.started"},
      {replaced("\"description\":\"Head\"", "\"description\":\"Foot\""), "ImagingStudy.description"},
      {replaced("{\"type\":\"Patient\"", "{\"reference\":\"Patient/q\",\"type\":\"Patient\""), "ImagingStudy.subject"},
      {replaced("urn:oid:1.2.1\"", "urn:oid:1.2.9\""), "ImagingStudy.identifier"},
      {replaced("1.2.1.1.2", "1.2.1.1.9"), "ImagingStudy.series[0].instance[1]"},
      {replaced("\"modality\":[{\"system\":\"http://dicom.nema.org/resources/ontology/DCM\",\"code\":\"CT\"",
                "\"modality\":[{\"system\":\"http://dicom.nema.org/resources/ontology/DCM\",\"code\":\"MR\""),
       "ImagingStudy.modality"}};
  for (const auto& [text, element] : cases) {
    const Answer answer = Put(text);
    EXPECT_EQ(answer.status, 422) << element;
    EXPECT_THAT(answer.body, HasSubstr("\"" + element + "\""));
  }
  EXPECT_THAT(Put(cases[0].first).body, HasSubstr(": 2"));
  EXPECT_THAT(Put(cases[4].first).body, Not(HasSubstr("P1"))) << "no values of patients in errors";
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1").version, 1u);
}

TEST_F(JudgeTest, PatchesAreJudgedLikewise) {
  Interaction patch =
      Request("PATCH", "ImagingStudy/1.2.1", R"([{"op":"add","path":"/note","value":[{"text":"patched"}]}])");
  EXPECT_EQ(interactions_->Run(patch).status, 200);
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "note.0.text"), "patched");
  patch.body = R"([{"op":"remove","path":"/series/0/instance/0"}])";
  EXPECT_EQ(interactions_->Run(patch).status, 422);
}

TEST_F(JudgeTest, TagsMayBeAdded) {
  const Answer tagged = Run("POST", "ImagingStudy/1.2.1/$meta-add",
                            R"({"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":)"
                            R"({"tag":[{"system":"urn:t","code":"teaching"}]}}]})");
  EXPECT_EQ(tagged.status, 200) << tagged.body;
  Stow({{.sop = "1.2.1.1.3"}});
  EXPECT_EQ(Total("ImagingStudy?_tag=teaching"), 1);
}

TEST_F(JudgeTest, CannotBeDeletedWhileThereAreImages) {
  const Answer refused = Run("DELETE", "ImagingStudy/1.2.1");
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("DICOMweb"));
  EXPECT_EQ(Run("DELETE", "ImagingStudy?identifier=A1").status, 409);
  store_->Delete("1.2.1", std::nullopt, std::nullopt).IgnoreError();
  EXPECT_EQ(Run("DELETE", "ImagingStudy/1.2.1").status, 204);
}

// While nobody links (imaging.link), ImagingStudies of stored studies stay as they are.
class UnlinkedTest : public JudgeTest {
 protected:
  void SetUp() override {
    JudgeTest::SetUp();
    PutPatient("P1");
    LinkAgain(false);
  }
  void LinkAgain(bool enabled) {
    options_.enabled = enabled;
    Link();
    if (enabled) ExpectAllAgrees();
  }
  void PutPatient(const std::string& mrn) {
    const Answer put = Run("PUT", "Patient/jane",
                           R"({"resourceType":"Patient","id":"jane","identifier":[{"system":)"
                           R"("http://hospital.test/mrn","value":")" +
                               mrn + "\"}]}");
    ASSERT_LT(put.status, 300) << put.body;
  }
  std::string Subject() { return At(Read("ImagingStudy/1.2.1"), "subject.reference"); }
  const std::string kKept =
      R"({"resourceType":"ImagingStudy","id":"1.2.1","status":"cancelled","subject":{"display":"x"},)"
      R"("identifier":[{"system":"urn:dicom:uid","value":"urn:oid:1.2.1"}],"note":[{"text":"kept"}]})";
};

TEST_F(UnlinkedTest, NotesLeaveLinksAsTheyAre) {
  PutPatient("P9");
  EXPECT_EQ(Put(With(kNote)).status, 200);
  EXPECT_EQ(Subject(), "Patient/jane");
  LinkAgain(true);
  EXPECT_EQ(Subject(), "(nothing)");
  EXPECT_THAT(Read("ImagingStudy/1.2.1"), HasSubstr("seen  twice"));
}

TEST_F(UnlinkedTest, WhatUsersMakeOfOneWithoutImagesStays) {
  Delete("1.2.1");
  EXPECT_EQ(Put(kKept).status, 200);
  LinkAgain(true);
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "note.0.text"), "kept");
  Stow({{}});
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1")), "1.2.1.1:1.2.1.1.1") << "adopted";
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "note.0.text"), "kept");
  ExpectAllAgrees();
}

TEST_F(UnlinkedTest, WhatUsersMakeOfOneIsAdoptedWhenImagesCameMeanwhile) {
  Delete("1.2.1");
  EXPECT_EQ(Put(kKept).status, 200);
  Stow({{}});
  LinkAgain(true);
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1")), "1.2.1.1:1.2.1.1.1");
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "note.0.text"), "kept");
}

TEST_F(UnlinkedTest, OneWithoutImagesMayBeDeleted) {
  EXPECT_EQ(Run("DELETE", "ImagingStudy/1.2.1").status, 409);
  Delete("1.2.1");
  EXPECT_EQ(Run("DELETE", "ImagingStudy/1.2.1").status, 204);
  LinkAgain(true);
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1").status, 410);
  Stow({{}});
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1")), "1.2.1.1:1.2.1.1.1");
  ExpectAllAgrees();
}

TEST_F(UnlinkedTest, AnotherMayNameAStudyOfWhichThereAreNoImages) {
  const std::string other = std::string(kKept).replace(kKept.find(R"("id":"1.2.1")"), 12, R"("id":"other")");
  EXPECT_EQ(Run("PUT", "ImagingStudy/other", other).status, 409);
  Delete("1.2.1");
  EXPECT_EQ(Run("PUT", "ImagingStudy/other", other).status, 201);
}

const std::string kOfUsers =
    R"({"resourceType":"ImagingStudy",%"identifier":[{"system":"urn:dicom:uid","value":"urn:oid:1.9"}],)"
    R"("status":"registered","subject":{"display":"somebody"},"note":[{"text":"mine"}],)"
    R"("series":[{"uid":"1.9.7","modality":{"code":"US"}}]})";

std::string OfUsers(const std::string& id_property, std::string text = kOfUsers) {
  return text.replace(text.find('%'), 1, id_property);
}

TEST_F(JudgeTest, ThereIsOneForAStoredStudy) {
  Stow({{.study = "1.9", .series = "1.9.1", .sop = "1.9.1.1"}});
  const Answer refused = Run("POST", "ImagingStudy", OfUsers(""));
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("ImagingStudy/1.9"));
  EXPECT_EQ(Run("PUT", "ImagingStudy/mine", OfUsers(R"("id":"mine",)")).status, 409);
  EXPECT_EQ(Total("ImagingStudy?identifier=urn:dicom:uid|urn:oid:1.9"), 1);
}

TEST_F(JudgeTest, ThereIsOneThoughImagesComeBetweenJudgementAndCommit) {
  const auto document = json::Document::Parse(
      R"({"resourceType":"ImagingStudy","id":"mine","status":"registered","subject":{"display":"somebody"},)"
      R"("identifier":[{"system":"urn:dicom:uid","value":"urn:oid:1.8"},{"system":"urn:dicom:uid","value":"1.9"}]})");
  for (const std::string study : {"1.9", "1.8"}) {
    const auto reader = resources_->Read();
    Planner planner(*resources_, *reader);
    Plan plan = planner.Put(*FindResourceType(kImagingStudy), "mine", document->root(),
                            Validate(document->root()).typing, Method::kUpdate, {});
    ASSERT_TRUE(plan.write.has_value());
    Stow({{.study = study, .series = study + ".1", .sop = study + ".1.1"}});
    std::vector<Write> writes;
    writes.push_back(*std::move(plan.write));
    const auto committed = resources_->Commit(std::move(writes), planner.TakeConditions());
    ASSERT_TRUE(committed.ok()) << committed.status().ToString();
    EXPECT_TRUE(committed->outdated) << study;
    Delete(study);
  }
}

TEST_F(JudgeTest, ImportsAreJudgedLikewise) {
  Stow({{.study = "1.9", .series = "1.9.1", .sop = "1.9.1.1"}});
  const std::string path = directory_.path() + "/studies.ndjson";
  std::ofstream(path) << OfUsers(R"("id":"mine",)") << "\n" << With(kNote) << "\n";
  FhirImport import(*resources_, *interactions_, {});
  EXPECT_TRUE(import.Add(path).ok());
  EXPECT_TRUE(import.Finish().ok());
  EXPECT_EQ(import.report().refused, 1u);
  EXPECT_THAT(import.report().refusals.at(0).reason, HasSubstr("ImagingStudy/1.9"));
  EXPECT_EQ(Run("GET", "ImagingStudy/mine").status, 404);
  EXPECT_THAT(Read("ImagingStudy/1.2.1"), HasSubstr("seen  twice"));
}

class ImportTest : public JudgeTest {
 protected:
  FhirImportReport Import(const std::vector<std::string>& lines, const FhirImportOptions& options = {}) {
    const std::string path = directory_.path() + "/lines.ndjson";
    std::ofstream file(path);
    for (const std::string& line : lines) file << line << "\n";
    file.close();
    FhirImport import(*resources_, *interactions_, options);
    EXPECT_TRUE(import.Add(path).ok());
    EXPECT_TRUE(import.Finish().ok());
    return import.report();
  }
  static std::string StudyWith(const std::string& subject, const std::string& note) {
    return R"({"resourceType":"ImagingStudy","id":"1.2.1","status":"available","subject":)" + subject +
           R"(,"note":[{"text":")" + note + "\"}]}";
  }
  const std::string kOfPatient = R"({"reference":"Patient/p"})";
  const std::string kPatient =
      R"({"resourceType":"Patient","id":"p","identifier":[{"system":"http://hospital.test/mrn","value":"P1"}]})";
};

TEST_F(ImportTest, ThePatientMayComeAfterTheStudyThatNamesIt) {
  for (const size_t per_commit : {1, 500}) {
    const auto report = Import({StudyWith(kOfPatient, "seen"), kPatient}, {.commit_resources = per_commit});
    EXPECT_EQ(report.written, 2u);
    EXPECT_EQ(report.refused, 0u);
    EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "subject.reference"), "Patient/p");
    EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "note.0.text"), "seen");
    EXPECT_EQ(Put(StudyWith(kOfPatient, "other")).status, 200);
    EXPECT_EQ(Run("DELETE", "Patient/p").status, 204);
  }
}

TEST_F(ImportTest, TheLaterOfTheSameStudyWinsAlsoOverOneThatIsJudgedAgain) {
  const auto report =
      Import({StudyWith(kOfPatient, "first"),
              StudyWith(R"({"identifier":{"system":"http://hospital.test/mrn","value":"P1"}})", "second"), kPatient});
  EXPECT_EQ(report.written, 2u);
  EXPECT_EQ(report.refused, 1u);
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "note.0.text"), "second");
}

TEST_F(ImportTest, WhatIsHeldToBeJudgedAgainIsBounded) {
  const auto report = Import({StudyWith(kOfPatient, "seen"), kPatient}, {.max_judged_again_bytes = 10});
  EXPECT_EQ(report.written, 1u);
  EXPECT_EQ(report.refused, 1u);
}

TEST_F(JudgeTest, OneThatUsersMadeBeforeIsAdopted) {
  ASSERT_EQ(Run("PUT", "ImagingStudy/mine", OfUsers(R"("id":"mine",)")).status, 201);
  Stow({{.study = "1.9", .series = "1.9.1", .sop = "1.9.1.1"}});
  EXPECT_EQ(Run("GET", "ImagingStudy/1.9").status, 404);
  const std::string study = Read("ImagingStudy/mine");
  EXPECT_EQ(At(study, "note.0.text"), "mine");
  EXPECT_EQ(At(study, "status"), "available");
  EXPECT_EQ(At(study, "subject.identifier.value"), "P1");
  EXPECT_EQ(Images(study), "1.9.1:1.9.1.1");
  EXPECT_EQ(Images(Read("ImagingStudy/mine/_history/1")), "1.9.7:");
  EXPECT_EQ(Total("ImagingStudy?series=1.9.7"), 0);
  EXPECT_EQ(Total("ImagingStudy?identifier=urn:dicom:uid|urn:oid:1.9"), 1);
  Delete("1.9");
  EXPECT_EQ(Run("GET", "ImagingStudy/mine").status, 410);
  Stow({{.study = "1.9", .series = "1.9.2", .sop = "1.9.2.1"}});
  EXPECT_EQ(Images(Read("ImagingStudy/mine")), "1.9.2:1.9.2.1");
}

TEST_F(JudgeTest, TransactionsAreJudgedLikewise) {
  const Answer answer = Run("POST", "",
                            R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":)" + With(kNote) +
                                R"(,"request":{"method":"PUT","url":"ImagingStudy/1.2.1"}}]})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(Read("ImagingStudy/1.2.1"), HasSubstr("seen  twice"));
  const Answer refused = Run("POST", "",
                             R"({"resourceType":"Bundle","type":"transaction","entry":[{"request":)"
                             R"({"method":"DELETE","url":"ImagingStudy/1.2.1"}}]})");
  EXPECT_EQ(refused.status, 409) << refused.body;
}

}  // namespace
}  // namespace hilum::fhir::imaging
