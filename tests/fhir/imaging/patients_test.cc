// Studies find their Patient and their orders, whichever comes first; what is doubtful is shown, never guessed.
#include <gmock/gmock.h>

#include <algorithm>
#include <functional>

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
  // An instance of the spec with an Issuer of Patient ID.
  void StowOf(const std::string& issuer, const InstanceSpec& spec = {}) {
    std::string bytes = MakeInstance(spec);
    const std::string id("\x10\0\x20\0LO\x02\0P1", 10);
    const size_t at = bytes.find(id);
    ASSERT_NE(at, std::string::npos);
    std::string element;
    dicom::AppendElement(&element, dicom::tags::kIssuerOfPatientId, "LO", issuer);
    bytes.insert(at + id.size(), element);
    IngestBatch batch(*store_, {}, std::nullopt, Logger());
    batch.BeginInstance();
    batch.Append(bytes);
    batch.EndInstance();
    ASSERT_TRUE(batch.Finish().at(0).stored());
  }
  std::string Subject() { return At(Read(std::string(kStudy)), "subject.reference"); }
  std::string Review() { return At(Read(std::string(kStudy)), "meta.tag.0.code"); }
  void With(PatientPolicy policy) {
    options_.resolver.policy = policy;
    Link();
  }
  // As a RIS does before there are images: as that of Patient/real.
  void RegisterStudyOfReal() {
    ASSERT_EQ(
        Run("PUT", "ImagingStudy/ris",
            R"({"resourceType":"ImagingStudy","id":"ris","status":"registered","subject":{"reference":"Patient/real"},)"
            R"("identifier":[{"system":"urn:dicom:uid","value":"urn:oid:1.2.1"}]})")
            .status,
        201);
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

class ManyNamesTest : public PatientsTest {
 protected:
  void TearDown() override {
    ExpectAllAgrees();
    PatientsTest::TearDown();
  }
  // "element: images / other images (how many)", for each.
  std::string Conflicts(const std::string& url = "ImagingStudy/$conflicts") {
    const std::string body = Run("GET", url).body;
    std::string out;
    for (int i = 0;; ++i) {
      const std::string parts = "parameter." + std::to_string(i) + ".part.";
      if (At(body, parts + "2.name") != "images") return out;
      EXPECT_EQ(At(body, parts + "3.name"), "otherImages");
      out += (i == 0 ? "" : ", ") + At(body, parts + "1.valueCode") + ": " + At(body, parts + "2.valueString") + " / " +
             At(body, parts + "3.valueString") + " (" + At(body, parts + "4.valueInteger") + ")";
    }
  }
  static InstanceSpec Of(int number, const std::string& id, const std::string& name = "Doe^Jane") {
    return {.sop = "1.2.1.1." + std::to_string(number), .patient_name = name, .patient_id = id};
  }
};

TEST_F(ManyNamesTest, ImagesThatNameAnotherPatientAreListed) {
  PutPatient("jane", "P1");
  Stow({Of(1, "P1"), Of(2, "P1")});
  EXPECT_EQ(Conflicts(), "");
  Stow({Of(3, "P2")});
  Stow({Of(4, "P2"), Of(5, "P3", "Roe^Richard")});
  EXPECT_EQ(Subject(), "Patient/jane");
  EXPECT_EQ(Review(), kImagesMismatch);
  const std::string conflicts = "identifier: P1 / P2 (2), identifier: P1 / P3 (1), name: Doe Jane / Roe Richard (1)";
  EXPECT_EQ(Conflicts(), conflicts);
  EXPECT_EQ(Conflicts("ImagingStudy/1.2.1/$conflicts"), conflicts);
  Reopen();
  EXPECT_EQ(Conflicts(), conflicts);
}

TEST_F(ManyNamesTest, BirthDatesAndSexesAreCompared) {
  Stow({{}});
  Stow({{.sop = "1.2.1.1.2", .birth_date = "19710101", .more = {{dicom::tags::kPatientSex, dicom::Vr("CS"), "M"}}}});
  EXPECT_EQ(Conflicts(), "birthDate: 1970-01-01 / 1971-01-01 (1), gender: female / male (1)");
}

TEST_F(ManyNamesTest, WhatIsNotSaidOrOnlySpelledOtherwiseIsNoConflict) {
  Stow({Of(1, "P1", "Doe^Jane")});
  Stow({Of(2, "P1", "DOE^jane^M"),
        Of(3, "",
           "D\xC3\xB6"
           "e^Jane"),
        {.sop = "1.2.1.1.4", .birth_date = ""}});
  EXPECT_EQ(Conflicts(), "");
  EXPECT_EQ(Review(), "(nothing)");
  EXPECT_EQ(Run("GET", kStudy).version, 2u);
}

TEST_F(ManyNamesTest, AConflictGoesWithTheImagesThatMakeIt) {
  Stow({Of(1, "P1"), Of(2, "P2"), Of(3, "P2")});
  EXPECT_EQ(Conflicts(), "identifier: P1 / P2 (2)");
  Delete("1.2.1", "1.2.1.1", "1.2.1.1.2");
  EXPECT_EQ(Conflicts(), "identifier: P1 / P2 (1)");
  Stow({Of(3, "P1")}, DuplicatePolicy::kReplace);
  EXPECT_EQ(Conflicts(), "");
  EXPECT_EQ(Review(), "(nothing)");
  Stow({Of(3, "P4")}, DuplicatePolicy::kReplace);
  EXPECT_EQ(Conflicts(), "identifier: P1 / P4 (1)");
}

TEST_F(ManyNamesTest, TheFirstImageIsReplacedByOneThatNamesTheSame) {
  Stow({Of(1, "P1"), Of(2, "P4")});
  InstanceSpec again = Of(1, "P1");
  again.pixel_fill = 3;
  Stow({again}, DuplicatePolicy::kReplace);
  EXPECT_EQ(Conflicts(), "identifier: P1 / P4 (1)");
  Stow({Of(2, "P1")}, DuplicatePolicy::kReplace);
  Stow({Of(3, "P5")});
  EXPECT_EQ(Conflicts(), "identifier: P1 / P5 (1)");
}

TEST_F(ManyNamesTest, WhoIsLeftIsTheStudysPatient) {
  Stow({Of(1, "WRONG"), Of(2, "P1"), Of(3, "P1")});
  EXPECT_EQ(Conflicts(), "identifier: WRONG / P1 (2)");
  Delete("1.2.1", "1.2.1.1", "1.2.1.1.1");
  EXPECT_EQ(Conflicts(), "");
  EXPECT_EQ(At(Read(std::string(kStudy)), "subject.identifier.value"), "P1");
  Stow({Of(4, "WRONG")});
  EXPECT_EQ(Conflicts(), "identifier: P1 / WRONG (1)");
}

TEST_F(ManyNamesTest, ManyOfThemDoNotMakeTheStudyGrow) {
  std::vector<InstanceSpec> specs;
  for (int i = 1; i <= 30; ++i) specs.push_back(Of(i, "P" + std::to_string(i)));
  Stow(specs);
  EXPECT_EQ(Review(), kImagesMismatch);
  EXPECT_THAT(Conflicts(), HasSubstr("P1 / P16 (1)"));
  for (int i = 2; i <= 30; ++i) Delete("1.2.1", "1.2.1.1", "1.2.1.1." + std::to_string(i));
  EXPECT_EQ(Conflicts(), "");
}

TEST_F(ManyNamesTest, SomebodySaysWhoseTheyAre) {
  PutPatient("jane", "P1");
  PutPatient("joan", "P2");
  Stow({Of(1, "P1"), Of(2, "P2")});
  EXPECT_EQ(Run("PUT", kStudy,
                R"({"resourceType":"ImagingStudy","id":"1.2.1","status":"available",)"
                R"("subject":{"reference":"Patient/joan"}})")
                .status,
            200);
  EXPECT_EQ(Subject(), "Patient/joan");
  EXPECT_EQ(Review(), "(nothing)");
}

TEST_F(ManyNamesTest, QuarantineLinksNobodyThen) {
  With(PatientPolicy::kQuarantine);
  PutPatient("jane", "P1");
  Stow({Of(1, "P1")});
  EXPECT_EQ(Subject(), "Patient/jane");
  Stow({Of(2, "P2")});
  EXPECT_EQ(Subject(), "(nothing)");
  Delete("1.2.1", "1.2.1.1", "1.2.1.1.2");
  EXPECT_EQ(Subject(), "Patient/jane");
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

class RecordsTest : public PatientsTest {
 protected:
  using Element = InstanceSpec::Element;

  void PutOrder(const std::string& id, const std::string& identifier) {
    PutRecord("ServiceRequest", id, identifier, R"("intent":"order","status":"active","subject":{"display":"x"})");
  }
  void PutReport(const std::string& id, const std::string& identifier, const std::string& more = "") {
    PutRecord("DiagnosticReport", id, identifier, R"("status":"final","code":{"text":"x"})" + more);
  }
  static std::string Typed(const std::string& code, const std::string& value) {
    return R"({"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":")" + code +
           R"("}]},"value":")" + value + "\"}";
  }
  // The series names a placer order number; where images have it by themselves.
  static InstanceSpec WithPlacer(const std::string& number) {
    return {.more = {{{0x0040, 0x2016}, dicom::Vr("LO"), number}}};
  }
  std::string Order() { return At(Read(std::string(kStudy)), "basedOn.0.reference"); }
  std::string Report() { return At(Read(std::string(kStudy)), "extension.0.valueReference.reference"); }

  void PutRecord(const std::string& type, const std::string& id, const std::string& identifier,
                 const std::string& more) {
    const Answer answer = Run(
        "PUT", type + "/" + id,
        R"({"resourceType":")" + type + R"(","id":")" + id + R"(","identifier":[)" + identifier + "]," + more + "}");
    ASSERT_LT(answer.status, 300) << answer.body;
  }
};

TEST_F(RecordsTest, OrdersAreLinkedByPlacerOrderNumberInEitherOrder) {
  PutOrder("first", Typed("PLAC", "777"));
  Stow({WithPlacer("777")});
  EXPECT_EQ(Order(), "ServiceRequest/first");
  PutOrder("first", Typed("PLAC", "778"));
  EXPECT_EQ(Order(), "(nothing)");
  PutOrder("second", R"({"value":"777"})");
  EXPECT_EQ(Order(), "ServiceRequest/second");
}

TEST_F(RecordsTest, OrdersAreLinkedByWhatSeriesWereRequestedBy) {
  const std::string request =
      OneItem({{{0x0008, 0x0050}, dicom::Vr("SH"), "A7"}, {{0x0040, 0x2017}, dicom::Vr("LO"), "F7"}});
  const InstanceSpec requested{.series = "1.2.1.2",
                               .sop = "1.2.1.2.1",
                               .more = {{dicom::tags::kRequestAttributesSequence, dicom::Vr("SQ"), request}}};
  options_.resolver.filler_system = "urn:filler";
  Link();
  Stow({{}});
  PutOrder("by-accession", Typed("ACSN", "A7"));
  PutOrder("by-filler", R"({"system":"urn:filler","value":"F7"})");
  EXPECT_EQ(Order(), "(nothing)");
  Stow({requested});
  EXPECT_EQ(Total("ImagingStudy?basedon=ServiceRequest/by-accession&basedon=ServiceRequest/by-filler"), 1);
  Delete("1.2.1", "1.2.1.2");
  EXPECT_EQ(Order(), "(nothing)");
}

TEST_F(RecordsTest, ANumberOfAnotherTypeIsNotTheSame) {
  PutOrder("other", Typed("FILL", "777"));
  Stow({WithPlacer("777")});
  EXPECT_EQ(Order(), "(nothing)");
  PutOrder("other", Typed("PLAC", "777"));
  EXPECT_EQ(Order(), "ServiceRequest/other");
}

TEST_F(RecordsTest, ReportsAreFoundFromTheStudyInEitherOrder) {
  Stow({{}});
  PutReport("first", Typed("ACSN", "A1"));
  EXPECT_EQ(Report(), "DiagnosticReport/first");
  EXPECT_EQ(Total("ImagingStudy?report=DiagnosticReport/first"), 1);
  EXPECT_EQ(Total("DiagnosticReport?_has:ImagingStudy:report:_id=1.2.1"), 1);
  EXPECT_EQ(Total("ImagingStudy?report:DiagnosticReport.status=final"), 1);
  EXPECT_EQ(Run("GET", "DiagnosticReport/first").version, 1u);
  Delete("1.2.1");
  PutReport("second", R"({"system":"urn:dicom:uid","value":"urn:oid:1.2.1"})");
  EXPECT_EQ(Run("DELETE", "DiagnosticReport/first").status, 204);
  Stow({{}});
  EXPECT_EQ(Report(), "DiagnosticReport/second");
  EXPECT_EQ(Run("DELETE", "DiagnosticReport/second").status, 204);
  EXPECT_EQ(At(Read(std::string(kStudy)), "extension"), "(nothing)");
}

TEST_F(RecordsTest, WhatTheServerLinkedCanBeDeletedWhenReferencesAreEnforced) {
  resource_options_.references = ReferencePolicy::kEnforce;
  Reopen();
  ASSERT_TRUE(linker_->PutEndpoint("http://test/dicom-web").ok());
  Stow({{}});
  PutReport("r", R"({"value":"A1"})");
  PutOrder("o", R"({"value":"A1"})");
  EXPECT_EQ(Report(), "DiagnosticReport/r");
  EXPECT_EQ(Order(), "ServiceRequest/o");
  EXPECT_EQ(Run("DELETE", "DiagnosticReport/r").status, 204);
  EXPECT_EQ(Run("DELETE", "ServiceRequest/o").status, 204);
  EXPECT_EQ(Order(), "(nothing)");
  PutOrder("mine", R"({"value":"other"})");
  std::string body = Read(std::string(kStudy));
  body.insert(body.size() - 1, R"(,"basedOn":[{"reference":"ServiceRequest/mine"}])");
  ASSERT_EQ(Run("PUT", kStudy, body).status, 200);
  EXPECT_EQ(Run("DELETE", "ServiceRequest/mine").status, 409) << "a user put it there";
}

TEST_F(RecordsTest, ExtensionsOfUsersStay) {
  Stow({{}});
  std::string body = Read(std::string(kStudy));
  body.insert(body.size() - 1, R"(,"extension":[{"url":"urn:mine","valueString":"x"}])");
  ASSERT_EQ(Run("PUT", kStudy, body).status, 200);
  PutReport("r", R"({"value":"A1"})");
  EXPECT_EQ(At(Read(std::string(kStudy)), "extension.0.url"), "urn:mine");
  EXPECT_EQ(At(Read(std::string(kStudy)), "extension.1.valueReference.reference"), "DiagnosticReport/r");
  // Leaving ours out does not take it away.
  ASSERT_EQ(Run("PUT", kStudy, body).status, 200);
  EXPECT_EQ(At(Read(std::string(kStudy)), "extension.1.valueReference.reference"), "DiagnosticReport/r");
}

TEST_F(RecordsTest, WhatAReportSaysOfStudiesIsFound) {
  PutReport("r", R"({"value":"other"})", R"(,"imagingStudy":[{"reference":"ImagingStudy/1.2.1"}])");
  Stow({{}});
  EXPECT_EQ(Total("DiagnosticReport?study=ImagingStudy/1.2.1"), 1);
  EXPECT_EQ(Total("ImagingStudy?_has:DiagnosticReport:study:status=final"), 1);
  EXPECT_EQ(Run("GET", "DiagnosticReport/r").version, 1u);
}

TEST_F(RecordsTest, AnOrderThatAUserTakesOutComesBackWhileItBelongsToTheStudy) {
  Stow({{}});
  const std::string bare = Read(std::string(kStudy));
  std::string body = bare;
  body.insert(body.size() - 1, R"(,"basedOn":[{"reference":"ServiceRequest/mine"}])");
  ASSERT_EQ(Run("PUT", kStudy, body).status, 200);
  PutOrder("mine", R"({"value":"A1"})");
  ASSERT_EQ(Run("PUT", kStudy, bare).status, 200);
  EXPECT_EQ(Order(), "ServiceRequest/mine");
  PutOrder("mine", R"({"value":"A2"})");
  EXPECT_EQ(Order(), "(nothing)");
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

// Numbers of orders collide: of two hospitals, of two systems.
class ForeignRecordTest : public RecordsTest {
 protected:
  static std::string Of(const std::string& patient, const std::string& status = "active") {
    return R"("intent":"order","status":")" + status + R"(","subject":{"reference":"Patient/)" + patient + R"("})";
  }
  void PutOrderOf(const std::string& patient, const std::string& status = "active") {
    PutRecord("ServiceRequest", "o", R"({"value":"A1"})", Of(patient, status));
  }
  void PutReportOf(const std::string& patient) {
    PutReport("r", R"({"value":"A1"})", R"(,"subject":{"reference":"Patient/)" + patient + R"("})");
  }
  void ExpectLinked(bool linked) {
    EXPECT_EQ(Order(), linked ? "ServiceRequest/o" : "(nothing)");
    EXPECT_EQ(Report(), linked ? "DiagnosticReport/r" : "(nothing)");
    EXPECT_EQ(Review(), linked ? "(nothing)" : kRecordMismatch);
    EXPECT_EQ(Subject(), "Patient/mine");
    ExpectAllAgrees();
  }
};

TEST_F(ForeignRecordTest, RecordsOfAnotherPatientAreNotLinkedInWhateverOrderTheyCome) {
  const std::function<void()> steps[] = {[&] { Stow({{}}); },
                                         [&] { PutPatient("mine", "P1"), PutPatient("other", "P2"); },
                                         [&] { PutOrderOf("other"); }, [&] { PutReportOf("other"); }};
  for (const auto policy : {PatientPolicy::kLink, PatientPolicy::kQuarantine}) {
    With(policy);
    std::vector<size_t> order = {0, 1, 2, 3};
    do {
      for (const size_t step : order) steps[step]();
      ExpectLinked(false);
      Delete("1.2.1");
      for (const char* url : {"ServiceRequest/o", "DiagnosticReport/r", "Patient/mine", "Patient/other"})
        ASSERT_EQ(Run("DELETE", url).status, 204);
    } while (std::next_permutation(order.begin(), order.end()) && !HasFailure());
  }
}

TEST_F(ForeignRecordTest, WhatChangesLaterCounts) {
  PutPatient("mine", "P1");
  PutPatient("other", "P2");
  PutPatient("between", "P3");
  PutOrderOf("other");
  PutReportOf("other");
  Stow({{}});
  ExpectLinked(false);
  Merge("other", "P2", "between");
  ExpectLinked(false);
  Merge("between", "P3", "mine");
  ExpectLinked(true);
  PutPatient("between", "P3");
  ExpectLinked(false);
  PutOrderOf("mine");
  PutReportOf("mine");
  ExpectLinked(true);
  PutOrderOf("other");
  PutReportOf("other");
  ExpectLinked(false);
  ASSERT_EQ(Run("DELETE", "Patient/other").status, 204);
  ExpectLinked(true);
  PutPatient("other", "P2");
  ExpectLinked(false);
}

TEST_F(ForeignRecordTest, AreListedAndSomebodySaysWhoseTheyAre) {
  PutPatient("mine", "P1");
  PutPatient("other", "P2");
  Stow({{}});
  PutOrderOf("other");
  PutReportOf("mine");
  EXPECT_EQ(Report(), "DiagnosticReport/r");
  for (const std::string url : {"ImagingStudy/$conflicts", "ImagingStudy/1.2.1/$conflicts"}) {
    const std::string conflicts = Run("GET", url).body;
    EXPECT_EQ(At(conflicts, "parameter.0.part.1.valueReference.reference"), "ServiceRequest/o") << conflicts;
    EXPECT_EQ(At(conflicts, "parameter.0.part.2.valueCode"), "subject");
    EXPECT_EQ(At(conflicts, "parameter.0.part.3.valueString"), "Patient/mine");
    EXPECT_EQ(At(conflicts, "parameter.0.part.4.valueString"), "Patient/other");
    EXPECT_EQ(At(conflicts, "parameter.1"), "(nothing)");
  }
  std::string body = Read(std::string(kStudy));
  const std::string mine = R"("reference":"Patient/mine")";
  ASSERT_EQ(Run("PUT", kStudy, body.replace(body.find(mine), mine.size(), R"("reference":"Patient/other")")).status,
            200);
  EXPECT_EQ(Subject(), "Patient/other");
  EXPECT_EQ(Order(), "ServiceRequest/o");
  EXPECT_EQ(Review(), "(nothing)");
  EXPECT_THAT(Read(std::string(kStudy)), Not(HasSubstr("DiagnosticReport/r")));
  ExpectAllAgrees();
}

TEST_F(ForeignRecordTest, WhoeverIsNotKnownIsNoOther) {
  PutPatient("other", "P2");
  PutOrderOf("other");
  PutReportOf("nobody");
  Stow({{}});
  EXPECT_EQ(Order(), "ServiceRequest/o") << "nobody has the Patient ID of the images";
  EXPECT_EQ(Report(), "DiagnosticReport/r");
  PutPatient("mine", "P1");
  EXPECT_EQ(Order(), "(nothing)");
  EXPECT_EQ(Report(), "DiagnosticReport/r") << "its Patient does not exist";
  ExpectAllAgrees();
}

TEST_F(ForeignRecordTest, WhatWasEnteredInErrorIsNotLinked) {
  PutPatient("mine", "P1");
  PutOrderOf("mine", "entered-in-error");
  Stow({{}});
  EXPECT_EQ(Order(), "(nothing)");
  PutOrderOf("mine");
  EXPECT_EQ(Order(), "ServiceRequest/o");
  PutOrderOf("mine", "entered-in-error");
  EXPECT_EQ(Order(), "(nothing)");
  EXPECT_EQ(Review(), "(nothing)");
  ExpectAllAgrees();
}

// The server put it there; somebody says more of it.
TEST_F(RecordsTest, WhatUsersSayOfAnOrderIsKept) {
  PutOrder("bd", R"({"value":"A1"})");
  Stow({{}});
  const std::string bare = R"("basedOn":[{"reference":"ServiceRequest/bd"}])";
  const std::string mine = R"("basedOn":[{"reference":"ServiceRequest/bd","display":"mine"}])";
  std::string body = Read(std::string(kStudy));
  ASSERT_NE(body.find(bare), std::string::npos) << body;
  const Answer put = Run("PUT", kStudy, body.replace(body.find(bare), bare.size(), mine));
  EXPECT_EQ(put.status, 200);
  EXPECT_THAT(put.body, HasSubstr(mine));
  Stow({{.sop = "1.2.1.1.2"}});
  EXPECT_THAT(Read(std::string(kStudy)), HasSubstr(mine));
  ExpectAllAgrees();
  PutOrder("bd", R"({"value":"another"})");
  EXPECT_THAT(Read(std::string(kStudy)), HasSubstr(mine)) << "it is theirs now";
  PutOrder("bd", R"({"value":"A1"})");
  body = Read(std::string(kStudy));
  ASSERT_EQ(Run("PUT", kStudy, body.replace(body.find("," + mine), mine.size() + 1, "")).status, 200);
  EXPECT_THAT(Read(std::string(kStudy)), HasSubstr(bare)) << "it belongs to the study all the same";
  PutOrder("bd", R"({"value":"another"})");
  EXPECT_EQ(Order(), "(nothing)");
  ExpectAllAgrees();
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
  patch.content_type = "application/json-patch+json";
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
