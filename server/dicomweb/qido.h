// QIDO-RS: searching (PS3.18 10.6). The grammar is search_request.h, matching is storage/catalogue's.
//
// Safe for concurrent use; what is passed by reference outlives it.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "fhir/studies/study_filter.h"
#include "server/dicomweb/options.h"
#include "server/dicomweb/paging_memory.h"
#include "server/dicomweb/resource.h"
#include "server/http/http.h"
#include "storage/store/store.h"

namespace hilum::dicomweb {

class SearchService {
 public:
  SearchService(storage::Store& store, const Clock& clock, Random& random, const ServiceOptions& options, Logger log)
      : store_(store), random_(random), options_(options), log_(std::move(log)), paging_(clock, kMaxPagedSearches) {}

  // Takes `fhir` filters by these records, which outlive the service. Before the first request.
  void FilterBy(const fhir::StudyFilter& records) { records_ = &records; }

  Status Search(http::Request& request, const Resource& resource, const QueryParameters& query,
                http::Responder& responder);

 private:
  static constexpr size_t kMaxPagedSearches = 2000;

  // The keys asked for that not all instances are indexed by, as keywords separated by commas.
  Result<std::string> IncompleteKeys(const storage::AttributeTable& table, const storage::CatalogueQuery& query) const;

  storage::Store& store_;
  Random& random_;
  const ServiceOptions& options_;
  Logger log_;
  PagingMemory paging_;
  const fhir::StudyFilter* records_ = nullptr;
};

}  // namespace hilum::dicomweb
