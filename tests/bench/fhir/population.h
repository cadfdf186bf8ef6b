// Plausible resources for measuring: of every 20, one Patient, 3 Encounters and 16 Observations of them (LOINC codes,
// UCUM quantities, ten years of dates), with UUIDs and references. The same resource for the same number. Immutable,
// safe for concurrent use.
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
  static std::string_view FamilyName(uint64_t number);
};

}  // namespace hilum::bench
