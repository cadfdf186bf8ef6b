// Dates, numbers and quantities: comparisons as unions of whole buckets, with the edges and the documents of several
// values checked against the column.
#pragma once

#include "storage/index/lists.h"
#include "storage/index/rows.h"

namespace hilum::storage {

// What a quantity's unit must be; nothing set: any.
struct UnitFilter {
  std::optional<std::string> system;
  std::optional<std::string> code;
  bool any() const { return !system && !code; }
};

bool Holds(Comparison comparison, const Extent& value, const Extent& asked);

// Documents that match; `within`, when given, allows to leave out what is not in it.
Result<Bitmap> MatchRange(Lists& lists, CollectionId collection, const FieldSpec& field, Comparison comparison,
                          const Extent& asked, const UnitFilter& unit, const Bitmap* within);

}  // namespace hilum::storage
