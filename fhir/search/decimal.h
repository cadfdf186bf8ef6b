// Decimal numbers as text, for search. Pure, thread-safe.
#pragma once

#include <string_view>

namespace hilum::fhir {

// [+-]digits[.digits][e[+-]digits], at most 128 characters.
bool IsDecimal(std::string_view text);
// The double nearest to text * 10^exponent; infinite or 0 beyond its range. REQUIRES: IsDecimal(text).
double ToDouble(std::string_view text, int exponent = 0);
struct DecimalRange {
  double low = 0;
  double high = 0;
};
// From half a unit of the last digit below to half a unit above: [99.5, 100.5] for "100", [0.995, 1.005] for "1.00",
// [50, 150] for "1e2" (R4 3.1.1.4.5), times 10^exponent. The ends are decimals too and rounded once: what is written as
// one of them equals it. REQUIRES: IsDecimal(text).
DecimalRange AroundLastDigit(std::string_view text, int exponent = 0);
// A tenth of the number below and above it, in the same way.
DecimalRange AroundTenth(std::string_view text, int exponent = 0);

}  // namespace hilum::fhir
