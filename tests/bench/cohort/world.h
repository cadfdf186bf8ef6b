// Plausible records and images for measuring cohorts: of each patient a Patient, 4 Conditions and 15 Observations; of
// each fifth one a study of 2 series with 50 instances each. The same for the same number. Immutable, safe for
// concurrent use.
#pragma once

#include <cstdint>
#include <string>

namespace hilum::bench {

struct World {
  static constexpr uint64_t kConditions = 4;
  static constexpr uint64_t kObservations = 15;
  static constexpr uint64_t kResources = 1 + kConditions + kObservations;  // of a patient
  static constexpr uint64_t kPatientsPerStudy = 5;
  static constexpr uint64_t kSeries = 2;      // of a study
  static constexpr uint64_t kInstances = 50;  // of a series

  static bool HasStudy(uint64_t patient) { return patient % kPatientsPerStudy == 0; }
  static int BirthYear(uint64_t patient);
  static int ConditionCode(uint64_t patient, uint64_t condition);  // 0 is the one that cohorts are about
  // Days since 2010-01-01.
  static int ConditionDay(uint64_t patient, uint64_t condition);
  static int StudyDay(uint64_t patient);
  static bool IsCt(uint64_t patient);
  static double SliceThickness(uint64_t patient, uint64_t series);  // mm

  static std::string PatientId(uint64_t patient) { return "p" + std::to_string(patient); }
  // `place` < kResources; with its type in front: "Patient {...}".
  static std::string Type(uint64_t place);
  static std::string Resource(uint64_t patient, uint64_t place);
  // A Part 10 file without pixels.
  static std::string Instance(uint64_t patient, uint64_t series, uint64_t instance);
  static std::string StudyUid(uint64_t patient);
};

}  // namespace hilum::bench
