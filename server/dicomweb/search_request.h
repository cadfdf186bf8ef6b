// The grammar of searches (PS3.18 8.3.4, 10.6.1). Pure functions, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "server/dicomweb/options.h"
#include "server/dicomweb/resource.h"
#include "storage/catalogue/catalogue.h"

namespace hilum::dicomweb {

struct SearchRequest {
  storage::CatalogueQuery query;
  bool parents = false;               // return the attributes of the levels above, too
  bool all = false;                   // return all attributes that are kept
  std::vector<dicom::Tag> asked_for;  // by includefield
  std::vector<dicom::Tag> matched;    // returned too, as far as they are kept (PS3.18 10.6.3.3)
  std::vector<std::string> records;   // FHIR searches that the studies must be of
  std::vector<std::string> warnings;  // of what was ignored; fit for a header field
};

// kInvalid names the parameter that is wrong; unknown ones are refused or ignored with a warning, as
// `options.search_strict` says; `table` has those that can be searched by. kLimit.
Result<SearchRequest> ParseSearch(const storage::AttributeTable& table, const Resource& resource,
                                  const QueryParameters& parameters, const ServiceOptions& options);

}  // namespace hilum::dicomweb
