// Decimal numbers as text, for search. Pure, thread-safe.
#pragma once

#include <string_view>

namespace hilum::fhir {

// [+-]digits[.digits][e[+-]digits], at most 128 characters.
bool IsDecimal(std::string_view text);
// The double nearest to text * 10^exponent; infinite or 0 beyond its range. REQUIRES: IsDecimal(text).
double ToDouble(std::string_view text, int exponent = 0);
// Half a unit of the last digit: 0.5 for "100", 0.005 for "1.00", 50 for "1e2" (R4 3.1.1.4.5), times 10^exponent.
// REQUIRES: IsDecimal(text).
double HalfUnit(std::string_view text, int exponent = 0);

}  // namespace hilum::fhir
