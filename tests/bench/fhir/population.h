// Plausible resources for measuring: of every 20, one Patient, and of them 3 Encounters, 15 Observations (LOINC codes,
// UCUM quantities, ten years of dates) and a RiskAssessment, with UUIDs and references. The same resource for the same
// number. Immutable, safe for concurrent use.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hilum::bench {

class Population {
 public:
  static constexpr uint64_t kOfPatient = 20;  // resources, the Patient being the first

  static std::string_view TypeOf(uint64_t number);
  static std::string IdOf(uint64_t number);
  static std::string Resource(uint64_t number);

  // A transaction that creates a Patient and an Observation of it.
  static std::string PatientTransaction(uint64_t number);

  // LOINC codes from the most frequent to the rarest.
  static constexpr size_t kCodes = 20;
  static std::string_view Code(size_t place);
  // A middling value of its quantities, in its UCUM unit.
  static double MiddleOf(size_t place);
  // Of a patient.
  static std::string_view FamilyName(uint64_t number);
  static std::string RecordNumber(uint64_t number);
};

}  // namespace hilum::bench
