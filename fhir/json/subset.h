// Parts of a stored resource for `_summary`, `_elements` and `_pretty`, made by copying byte ranges. Pure,
// thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fhir/json/document.h"

namespace hilum::fhir::json {

enum class Summary : uint8_t {
  kTrue,  // elements that the definitions mark as summary, and mandatory ones
  kText,  // text, id, meta and mandatory elements
  kData,  // everything but text
};

// A resource with only the elements asked for, marked with the tag SUBSETTED. Elements named in `elements` are
// top-level names ("name", "value" for every value[x]); id, meta and mandatory elements are always kept. The value
// itself when it is no resource of a known type.
std::string Summarize(Value resource, Summary summary);
std::string SelectElements(Value resource, const std::vector<std::string_view>& elements);

// Whether the resource has that tag.
bool IsSubset(Value resource);

// The same values with a line for each and two spaces for each level; strings and numbers as written.
std::string Pretty(Value value);
// The same values without white space between them.
std::string Compact(Bytes json);

}  // namespace hilum::fhir::json
