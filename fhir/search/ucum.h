// UCUM units in base units, so that 5.4 mg and 5400 ug are one value. Pure, thread-safe.
//
// The table (ucum_units.cc) holds the units of clinical records, the grammar all of UCUM's: prefixes, exponents, '.',
// '/', parentheses, annotations. Units that are no multiple of base units (pH, dB, homeopathic) are not known; [degF]
// and Cel are known alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hilum::fhir {

inline constexpr std::string_view kUcum = "http://unitsofmeasure.org";

// value in base units = value in the unit * 10^exponent * factor + offset. Powers of ten are kept apart so that
// decimals stay exact. decimals stay exact.
struct CanonicalUnit {
  std::string code;  // "g.m-3"; "1" without a dimension
  double factor = 1;
  int exponent = 0;
  double offset = 0;
};
std::optional<CanonicalUnit> Canonicalize(std::string_view ucum_code);

// `decimal` is a JSON number. Exact where the unit differs from its base by a power of ten.
double InBaseUnits(std::string_view decimal, const CanonicalUnit& unit);

}  // namespace hilum::fhir
