// What `hilum verify` checks of FHIR resources: that every version can be read and stands in its history and in the
// change log, that logical ids and identifiers lead where they should, that the index holds exactly what a fresh
// extraction of the stored bytes gives, and that counters agree. Works on a snapshot, while the store is in use.
#pragma once

#include <cstdint>
#include <functional>

#include "fhir/store/store.h"
#include "storage/store/store.h"

namespace hilum::fhir {

struct ResourceReport {
  uint64_t resources = 0;  // that exist
  uint64_t versions = 0;   // of all resources, deletions included
  uint64_t bytes = 0;      // of all versions
  storage::Findings findings;
};

// `progress` is called now and then; false stops. An error means that the check itself failed.
Result<ResourceReport> VerifyResources(storage::Store& store, ResourceStore& resources,
                                       const std::function<bool(const ResourceReport&)>& progress);

}  // namespace hilum::fhir
