// The grammar of searches (PS3.18 8.3.4, 10.6.1). Pure functions, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "server/dicomweb/service.h"
#include "storage/catalogue/catalogue.h"

namespace hilum::dicomweb {

struct SearchRequest {
  storage::CatalogueQuery query;
  bool parents = false;               // return the attributes of the levels above, too
  std::vector<dicom::Tag> asked_for;  // by includefield
  std::vector<std::string> warnings;  // of what was ignored; fit for a header field
};

// kInvalid names the parameter that is wrong; unknown ones are refused or ignored with a warning, as
// `options.search_strict` says. kLimit.
Result<SearchRequest> ParseSearch(const Resource& resource, const QueryParameters& parameters,
                                  const ServiceOptions& options);

}  // namespace hilum::dicomweb
