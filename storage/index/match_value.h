// What a leaf of a query asks for, held against values that are not in the index (yet): as the index would answer. Pure
// functions.
#pragma once

#include <optional>

#include "storage/index/query.h"

namespace hilum::storage {

// The field that a leaf about values asks for; nullopt for everything else: All, And, Or, Not, RefersTo, ReferredToBy
// and DocsIn.
std::optional<FieldId> FieldOfLeaf(const Query& query);

// REQUIRES: FieldOfLeaf(leaf), and the value is of that field's kind. References are compared as they are given.
bool Matches(const Query& leaf, const IndexValue& value);

}  // namespace hilum::storage
