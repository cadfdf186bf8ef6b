// Patients beside a store of images whose studies they are.
#pragma once

#include <string>

#include "tests/fhir/imaging/imaging_fixture.h"

namespace hilum::fhir::imaging {

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
    dicom::DataSetWriter(&element).Add(dicom::tags::kIssuerOfPatientId, "LO", issuer);
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

}  // namespace hilum::fhir::imaging
