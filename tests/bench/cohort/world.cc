#include "tests/bench/cohort/world.h"

#include <chrono>
#include <cstdio>

#include "codecs/dicom/writer.h"

namespace hilum::bench {
namespace {

constexpr int kDays = 3650;
constexpr int kCodes = 60;

// SplitMix64: a number that looks random and is a function of its input.
uint64_t Mixed(uint64_t value) {
  value += 0x9E3779B97F4A7C15;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}
int Draw(uint64_t patient, uint64_t what, int end) {
  return static_cast<int>(Mixed(patient * 1000 + what) % static_cast<uint64_t>(end));
}

std::string DateOf(int day, const char* format) {
  const std::chrono::year_month_day date(std::chrono::sys_days(std::chrono::year(2010) / 1 / 1) +
                                         std::chrono::days(day));
  char text[16];
  std::snprintf(text, sizeof(text), format, static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()));
  return text;
}

}  // namespace

int World::BirthYear(uint64_t patient) {
  return 1930 + Draw(patient, 0, 80);
}
int World::ConditionCode(uint64_t patient, uint64_t condition) {
  return Draw(patient, 10 + condition, kCodes);
}
int World::ConditionDay(uint64_t patient, uint64_t condition) {
  return Draw(patient, 20 + condition, kDays);
}
int World::StudyDay(uint64_t patient) {
  // Half of them soon after the first condition.
  return Draw(patient, 30, 2) == 0 ? ConditionDay(patient, 0) + Draw(patient, 31, 180) : Draw(patient, 32, kDays);
}
bool World::IsCt(uint64_t patient) {
  return Draw(patient, 40, 2) == 0;
}
double World::SliceThickness(uint64_t patient, uint64_t series) {
  constexpr double kThicknesses[] = {0.6, 1, 1.25, 1.5, 2, 3, 5, 10};
  return kThicknesses[Draw(patient, 50 + series, 8)];
}

std::string World::Type(uint64_t place) {
  return place == 0 ? "Patient" : place <= kConditions ? "Condition" : "Observation";
}

std::string World::Resource(uint64_t patient, uint64_t place) {
  const std::string id = PatientId(patient);
  if (place == 0) {
    return R"({"resourceType":"Patient","id":")" + id + R"(","identifier":[{"system":"urn:oid:1.2.3","value":")" + id +
           R"("}],"name":[{"family":"F)" + std::to_string(patient % 997) + R"("}],"gender":")" +
           (patient % 2 == 0 ? "female" : "male") + R"(","birthDate":")" + std::to_string(BirthYear(patient)) +
           "-06-15\"}";
  }
  const std::string subject = R"(,"subject":{"reference":"Patient/)" + id + "\"}";
  if (place <= kConditions) {
    const uint64_t number = place - 1;
    return R"({"resourceType":"Condition","id":"c)" + std::to_string(patient) + "-" + std::to_string(number) +
           R"(","code":{"coding":[{"system":"http://snomed.info/sct","code":")" +
           std::to_string(1000 + ConditionCode(patient, number)) + "\"}]}" + subject + R"(,"onsetDateTime":")" +
           DateOf(ConditionDay(patient, number), "%04d-%02u-%02u") + "\"}";
  }
  return R"({"resourceType":"Observation","id":"o)" + std::to_string(patient) + "-" + std::to_string(place) +
         R"(","status":"final","code":{"coding":[{"system":"http://loinc.org","code":")" +
         std::to_string(Draw(patient, 100 + place, 40)) + "-1\"}]}" + subject + R"(,"effectiveDateTime":")" +
         DateOf(Draw(patient, 200 + place, kDays), "%04d-%02u-%02u") + R"(T08:00:00Z","valueQuantity":{"value":)" +
         std::to_string(Draw(patient, 300 + place, 1000)) + R"(,"system":"http://unitsofmeasure.org","code":"mg"}})";
}

std::string World::StudyUid(uint64_t patient) {
  return "1.2.826.0.1.3680043.10.1." + std::to_string(patient + 1);
}

std::string World::Instance(uint64_t patient, uint64_t series, uint64_t instance) {
  using dicom::Vr;
  namespace t = dicom::tags;
  const std::string series_uid = StudyUid(patient) + "." + std::to_string(series + 1);
  const std::string sop_uid = series_uid + "." + std::to_string(instance + 1);
  const char* sop_class = IsCt(patient) ? "1.2.840.10008.5.1.4.1.1.2" : "1.2.840.10008.5.1.4.1.1.4";
  char thickness[16];
  std::snprintf(thickness, sizeof(thickness), "%g", SliceThickness(patient, series));
  dicom::Part10Writer out(sop_class, sop_uid);
  out.Add(t::kSopClassUid, Vr("UI"), sop_class);
  out.Add(t::kSopInstanceUid, Vr("UI"), sop_uid);
  out.Add(t::kStudyDate, Vr("DA"), DateOf(StudyDay(patient), "%04d%02u%02u"));
  out.Add(t::kStudyTime, Vr("TM"), "120000");
  out.Add(t::kAccessionNumber, Vr("SH"), "A" + std::to_string(patient));
  out.Add(t::kModality, Vr("CS"), IsCt(patient) ? "CT" : "MR");
  out.Add(t::kPatientName, Vr("PN"), "Doe^" + std::to_string(patient));
  out.Add(t::kPatientId, Vr("LO"), PatientId(patient));
  out.Add({0x0010, 0x0021}, Vr("LO"), "1.2.3");
  out.Add({0x0018, 0x0050}, Vr("DS"), thickness);
  out.Add(t::kStudyInstanceUid, Vr("UI"), StudyUid(patient));
  out.Add(t::kSeriesInstanceUid, Vr("UI"), series_uid);
  out.Add(t::kSeriesNumber, Vr("IS"), std::to_string(series + 1));
  out.Add(t::kInstanceNumber, Vr("IS"), std::to_string(instance + 1));
  return out.Take();
}

}  // namespace hilum::bench
