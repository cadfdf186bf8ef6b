// The table behind ucum.h. Internal.
#pragma once

#include <span>
#include <string_view>

namespace hilum::fhir::ucum {

struct Unit {
  std::string_view code;
  bool metric;    // takes prefixes
  double factor;  // of `definition`
  int exponent;
  std::string_view definition;  // UCUM; empty for a base dimension
};
std::span<const Unit> Units();

struct Prefix {
  std::string_view code;
  int exponent;
};
std::span<const Prefix> Prefixes();

}  // namespace hilum::fhir::ucum
