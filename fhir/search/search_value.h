// Search values as text: lists, parts, escapes, prefixes (R4 3.1.1.4.2, 3.1.1.4.13). Internal to fhir/search.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "storage/index/query.h"

namespace hilum::fhir {

// Parts between `separator`s that no '\' escapes; the escapes stay in the parts. Always at least one part.
std::vector<std::string_view> SplitValue(std::string_view value, char separator);
// "\," "\|" "\$" "\\" as the characters they stand for; any other '\' stands for itself.
std::string Unescape(std::string_view part);

// A comparison in front of a number or date.
enum class Prefix : uint8_t { kEq, kNe, kGt, kLt, kGe, kLe, kSa, kEb, kAp };
// Takes the two letters off; kEq when there are none.
Prefix TakePrefix(std::string_view* value);
storage::Comparison ComparisonOf(Prefix prefix);

// How far a number asked for reaches: half a unit of its last digit for eq and ne, a tenth of its value for ap, nowhere
// for the others (R4 3.1.1.4.5-6). `exponent`, `factor` and `offset` bring it into base units. kInvalid when it is no
// number.
Result<storage::NumberValue> AskedNumber(std::string_view number, Prefix prefix, int exponent = 0, double factor = 1,
                                         double offset = 0);
// ap widens by a tenth of the distance to `now`.
Result<storage::DateValue> AskedDate(std::string_view date, Prefix prefix, int default_offset_minutes, int64_t now);

}  // namespace hilum::fhir
