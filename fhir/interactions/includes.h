// What _include and _revinclude add to a page of matches (R4 search 3.1.1.5.4). Internal to fhir/interactions.
#pragma once

#include <vector>

#include "fhir/interactions/pages.h"

namespace hilum::fhir {

struct Included {
  std::vector<Row> rows;  // by type and document; none of the matches
  bool cut = false;       // there may be more, beyond a limit
};
struct IncludeLimits {
  size_t resources = 0;
  size_t lookups = 0;  // of what a resource refers to by one field, or who refers to those of a round
};
// Each resource once, in whatever cycles it lies.
Result<Included> FollowIncludes(ResourceReader& reader, const std::vector<Row>& matches,
                                const std::vector<Include>& includes, const IncludeLimits& limits);

// A reference that is indexed.
struct ReferenceField {
  storage::FieldId field{};
  std::vector<TypeId> targets;  // empty: any
};
std::vector<ReferenceField> ReferenceFieldsOf(const ResourceReader& reader, TypeId type);

}  // namespace hilum::fhir
