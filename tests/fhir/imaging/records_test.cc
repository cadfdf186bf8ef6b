// Studies find their orders and reports, whichever comes first.
#include <gmock/gmock.h>

#include <functional>

#include "tests/fhir/imaging/patients_fixture.h"

namespace hilum::fhir::imaging {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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

TEST_F(RecordsTest, ANumberThatManyOrdersHaveTellsNothing) {
  for (int i = 0; i < 64; ++i) PutOrder("o" + std::to_string(i), R"({"value":"A1"})");
  Stow({{}});
  EXPECT_EQ(At(Read(std::string(kStudy)), "basedOn.63.reference"), "ServiceRequest/o63");
  EXPECT_EQ(Review(), "(nothing)");
  PutOrder("one-more", R"({"value":"A1"})");
  EXPECT_EQ(Order(), "(nothing)");
  EXPECT_EQ(Review(), kRecordAmbiguous);
  ExpectAllAgrees();
  PutPatient("jane", "P1");
  EXPECT_EQ(Subject(), "Patient/jane");
  PutPatient("joan", "P2");
  std::string other = Read(std::string(kStudy));
  other.replace(other.find("Patient/jane"), 12, "Patient/joan");
  EXPECT_EQ(Run("PUT", kStudy, other).status, 422) << "there is no doubt whose it is";
  Stow({{.study = "1.2.2", .series = "1.2.2.1", .sop = "1.2.2.1.1"}});
  EXPECT_EQ(Total("ImagingStudy?_tag=urn:hilum:review|record-ambiguous"), 2);
  EXPECT_EQ(Run("DELETE", "ServiceRequest/o7").status, 204);
  EXPECT_EQ(Order(), "ServiceRequest/o0");
  EXPECT_EQ(Review(), "(nothing)");
  ExpectAllAgrees();
}

TEST_F(RecordsTest, ManyNumbersOfManyOrdersDoNotKeepImagesOut) {
  InstanceSpec spec;
  std::vector<InstanceSpec> specs;
  for (int number = 0; number < 8; ++number) {
    const std::string text = std::to_string(number);
    for (int i = 0; i < 60; ++i) PutOrder("o" + text + "-" + std::to_string(i), Typed("PLAC", text));
    spec = WithPlacer(text);
    spec.series = "1.2.1." + text, spec.sop = "1.2.1." + text + ".1";
    specs.push_back(spec);
  }
  Stow(specs);
  const std::string study = Read(std::string(kStudy));
  EXPECT_EQ(At(study, "basedOn.239.reference"), "ServiceRequest/o3-59");
  EXPECT_EQ(At(study, "basedOn.240.reference"), "(nothing)");
  EXPECT_EQ(Review(), kRecordAmbiguous);
  ExpectAllAgrees();
}

TEST_F(RecordsTest, AReportOnManyOrdersIsTakenAndFoundByTheFirst) {
  Stow({{}});
  PutOrder("last", R"({"value":"A1"})");
  std::string orders;
  for (int i = 0; i < 5000; ++i)
    orders.append(i == 0 ? "" : ",").append(R"({"reference":"ServiceRequest/)" + std::to_string(i) + "\"}");
  const std::string last = R"({"reference":"ServiceRequest/last"})";
  PutReport("r", R"({"value":"R1"})", ",\"basedOn\":[" + last + "," + orders + "]");
  EXPECT_EQ(Report(), "DiagnosticReport/r");
  ExpectAllAgrees();
  PutReport("r", R"({"value":"R1"})", ",\"basedOn\":[" + orders + "," + last + "]");
  EXPECT_EQ(Report(), "(nothing)") << "it stands too far behind";
  ExpectAllAgrees();
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

TEST_F(RecordsTest, ReportsAreFoundByTheOrderTheyAreBasedOnInWhateverOrderTheyCome) {
  const std::string by_reference = R"(,"basedOn":[{"reference":"CarePlan/x"},{"reference":"ServiceRequest/o"}])";
  const std::function<void()> steps[] = {[&] { Stow({{}}); }, [&] { PutOrder("o", R"({"value":"A1"})"); },
                                         [&] { PutReport("r", R"({"value":"R1"})", by_reference); }};
  std::vector<size_t> order = {0, 1, 2};
  do {
    for (const size_t step : order) steps[step]();
    EXPECT_EQ(Report(), "DiagnosticReport/r");
    ExpectAllAgrees();
    Delete("1.2.1");
    for (const char* url : {"ServiceRequest/o", "DiagnosticReport/r"}) ASSERT_EQ(Run("DELETE", url).status, 204);
  } while (std::next_permutation(order.begin(), order.end()) && !HasFailure());
}

TEST_F(RecordsTest, AReportGoesWithItsOrder) {
  const std::string based = R"(,"basedOn":[{"reference":"ServiceRequest/o"}])";
  Stow({{}});
  PutOrder("o", R"({"value":"A1"})");
  PutReport("r", R"({"value":"R1"})", based);
  EXPECT_EQ(Report(), "DiagnosticReport/r");
  PutOrder("o", R"({"value":"A2"})");
  EXPECT_EQ(Report(), "(nothing)");
  PutOrder("o", R"({"value":"A1"})");
  EXPECT_EQ(Report(), "DiagnosticReport/r");
  PutReport("r", R"({"value":"R1"})");
  EXPECT_EQ(Report(), "(nothing)");
  PutReport("r", R"({"value":"R1"})", based);
  EXPECT_EQ(Report(), "DiagnosticReport/r");
  ASSERT_EQ(Run("DELETE", "ServiceRequest/o").status, 204);
  EXPECT_EQ(Report(), "(nothing)");
  PutOrder("o", R"({"value":"A1"})");
  EXPECT_EQ(Report(), "DiagnosticReport/r");
  ASSERT_EQ(Run("DELETE", "DiagnosticReport/r").status, 204);
  EXPECT_EQ(Report(), "(nothing)");
  ExpectAllAgrees();
}

TEST_F(RecordsTest, ReportsMayNameTheirOrderByItsNumber) {
  const auto based_on = [](const std::string& identifier) {
    return R"(,"basedOn":[{"identifier":)" + identifier + "}]";
  };
  PutReport("r", R"({"value":"R1"})", based_on(Typed("PLAC", "777")));
  Stow({WithPlacer("777")});
  EXPECT_EQ(Report(), "DiagnosticReport/r");
  PutReport("r", R"({"value":"R1"})", based_on(Typed("FILL", "777")));
  EXPECT_EQ(Report(), "(nothing)") << "a number of another type is not the same";
  PutReport("r", R"({"value":"R1"})", based_on(R"({"value":"A1"})"));
  EXPECT_EQ(Report(), "DiagnosticReport/r");
  ExpectAllAgrees();
}

TEST_F(RecordsTest, ReportsThatCameWhileNobodyLinkedAreFoundByTheirOrders) {
  PutReport("gone", R"({"value":"R0"})", R"(,"basedOn":[{"reference":"ServiceRequest/o"}])");
  options_.enabled = false;
  Link();
  ASSERT_EQ(Run("DELETE", "DiagnosticReport/gone").status, 204);
  PutReport("r", R"({"value":"R1"})", R"(,"basedOn":[{"reference":"ServiceRequest/o"}])");
  options_.enabled = true;
  Link();
  PutOrder("o", R"({"value":"A1"})");
  Stow({{}});
  EXPECT_EQ(Report(), "DiagnosticReport/r");
  ExpectAllAgrees();
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
    EXPECT_EQ(Run("GET", url + "?foo=bar").warnings.size(), 1u) << "ignored, and said so";
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
  PutRecord("ServiceRequest", "o", R"({"value":"A1"})",
            R"("intent":"order","status":"active","subject":{"display":"x"})");
  PutReportOf("nobody");
  Stow({{}});
  EXPECT_EQ(Order(), "ServiceRequest/o") << "it names nobody";
  EXPECT_EQ(Report(), "DiagnosticReport/r") << "its Patient does not exist";
  PutPatient("mine", "P1");
  EXPECT_EQ(Order(), "ServiceRequest/o");
  EXPECT_EQ(Report(), "DiagnosticReport/r");
  PutPatient("nobody", "P2");
  EXPECT_EQ(Report(), "(nothing)");
  ExpectAllAgrees();
}

TEST_F(ForeignRecordTest, ANumberAloneMakesNoStudyThatOfAPatient) {
  PutPatient("other", "P2");
  PutOrderOf("other");
  Stow({{}});
  EXPECT_EQ(Order(), "(nothing)") << "nobody has the Patient ID of the images";
  EXPECT_EQ(Review(), kRecordMismatch);
  const std::string conflicts = Run("GET", "ImagingStudy/$conflicts").body;
  EXPECT_EQ(At(conflicts, "parameter.0.part.1.valueReference.reference"), "ServiceRequest/o") << conflicts;
  EXPECT_EQ(At(conflicts, "parameter.0.part.3.valueString"), "P1");
  EXPECT_EQ(At(conflicts, "parameter.0.part.4.valueString"), "Patient/other");
  ExpectAllAgrees();
  PutRecord("DiagnosticReport", "r", R"({"system":"urn:dicom:uid","value":"urn:oid:1.2.1"})",
            R"("status":"final","code":{"text":"x"},"subject":{"reference":"Patient/other"})");
  EXPECT_EQ(Report(), "DiagnosticReport/r") << "it names the study itself";
  PutPatient("other", "P1");
  EXPECT_EQ(Order(), "ServiceRequest/o");
  PutPatient("other", "P2");
  EXPECT_EQ(Order(), "(nothing)");
  std::string body = Read(std::string(kStudy));
  const std::string nobody = R"("subject":{)";
  ASSERT_EQ(
      Run("PUT", kStudy, body.insert(body.find(nobody) + nobody.size(), R"("reference":"Patient/other",)")).status,
      200);
  EXPECT_EQ(Order(), "ServiceRequest/o") << "somebody says whose study it is";
  EXPECT_EQ(Review(), "(nothing)");
  ExpectAllAgrees();
}

TEST_F(ForeignRecordTest, AmongSeveralWithThePatientIdTheNumberTells) {
  PutPatient("mine", "P1");
  PutPatient("twin", "P1");
  PutPatient("other", "P2");
  Stow({{}});
  for (const auto& [patient, linked] : {std::pair("mine", true), {"other", false}, {"twin", true}}) {
    PutOrderOf(patient);
    EXPECT_EQ(Order(), linked ? "ServiceRequest/o" : "(nothing)") << patient;
    ExpectAllAgrees();
  }
  PutPatient("twin", "P1", R"(,"birthDate":"1911-01-01")");
  EXPECT_EQ(Order(), "(nothing)") << "not born when the patient of the images was";
  EXPECT_EQ(Subject(), "(nothing)");
  ExpectAllAgrees();
}

TEST_F(ForeignRecordTest, WithoutAnIssuerThePatientIdIsComparedInAnySystem) {
  options_.resolver.systems.clear();
  Link();
  PutPatient("mine", "P1");
  PutPatient("other", "P2");
  Stow({{}});
  PutOrderOf("mine");
  EXPECT_EQ(Order(), "ServiceRequest/o");
  EXPECT_EQ(Subject(), "(nothing)") << "who has that number elsewhere need not be the same";
  PutOrderOf("other");
  EXPECT_EQ(Order(), "(nothing)");
  ExpectAllAgrees();
}

TEST_F(ForeignRecordTest, RecordsMayNameTheirPatientByIdentifier) {
  const auto put = [&](const std::string& value) {
    PutRecord(
        "ServiceRequest", "o", R"({"value":"A1"})",
        R"("intent":"order","status":"active","subject":{"identifier":{"system":"http://hospital.test/mrn","value":")" +
            value + R"("}})");
  };
  Stow({{}});
  put("P1");
  EXPECT_EQ(Order(), "ServiceRequest/o");
  put("P2");
  EXPECT_EQ(Order(), "(nothing)");
  EXPECT_EQ(Review(), kRecordMismatch);
  EXPECT_EQ(At(Run("GET", "ImagingStudy/$conflicts").body, "parameter.0.part.4.valueString"), "P2");
  ExpectAllAgrees();
  PutPatient("mine", "P1");
  EXPECT_EQ(Order(), "(nothing)");
  Merge("former", "P2", "mine");
  EXPECT_EQ(Order(), "ServiceRequest/o") << "it is one person";
  ExpectAllAgrees();
}

TEST_F(ForeignRecordTest, AReportOfAnotherPatientIsNotFoundByItsOrder) {
  PutPatient("mine", "P1");
  PutPatient("other", "P2");
  PutOrderOf("mine");
  Stow({{}});
  const auto put = [&](const std::string& patient) {
    PutReport("r", R"({"value":"R1"})",
              R"(,"basedOn":[{"reference":"ServiceRequest/o"}],"subject":{"reference":"Patient/)" + patient + R"("})");
  };
  put("other");
  EXPECT_EQ(Report(), "(nothing)");
  EXPECT_EQ(Review(), kRecordMismatch);
  put("mine");
  ExpectLinked(true);
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

}  // namespace
}  // namespace hilum::fhir::imaging
