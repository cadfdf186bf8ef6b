// Matching of attribute values in DICOM's query form (PS3.4 C.2.2.2) as queries over the index. Pure functions,
// thread-safe. kInvalid says what the value is not.
#pragma once

#include <string>

#include "base/result.h"
#include "storage/catalogue/attributes.h"
#include "storage/index/query.h"

namespace hilum::storage {

// A day or a range of days, of a field of dates.
Result<Query> MatchDate(FieldId field, const std::string& value);
// A time or a range of times, of a field of seconds after midnight.
Result<Query> MatchTime(FieldId field, const std::string& value);

// One value, wildcards or range. `fuzzy`: names match when any of their words begins with, or sounds like, each word.
Result<Query> MatchValue(const CatalogueAttribute& attribute, const std::string& value, bool fuzzy);
// A list too, any of which may match; an empty one and one of "*" alone match everything, also what has no value (PS3.4
// C.2.2.2.4).
Result<Query> MatchFilter(const CatalogueAttribute& attribute, const std::string& value, bool fuzzy);

// A condition on the values of an attribute of images (CatalogueAttribute::varies) as one on series, of which any
// instance matches, or on instances.
Query OfSeries(const Query& values);
Query OfInstances(const CatalogueAttribute& attribute, const Query& values);

}  // namespace hilum::storage
