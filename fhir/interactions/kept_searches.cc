#include "fhir/interactions/kept_searches.h"

#include <algorithm>

#include "fhir/interactions/shape.h"

namespace hilum::fhir {

Result<std::string> KeptSearches::Keep(const std::string& query) {
  // What cannot be taken apart again cannot go on.
  const size_t limit = std::min(max_bytes_ / 4, kMaxQueryBytes);
  if (query.size() > limit) {
    return LimitExceeded("a search of more than " + std::to_string(limit) +
                         " bytes, percent-encoded, cannot go on to further pages; split it");
  }
  const std::lock_guard lock(mutex_);
  for (std::string key = std::to_string(Fingerprint(query));; key.push_back('0')) {
    const std::string* kept = kept_.Find(key);
    if (kept && *kept != query) continue;  // another with the same fingerprint
    if (!kept) kept_.Put(key, query, query.size());
    return key;
  }
}

std::optional<std::vector<Parameter>> KeptSearches::Find(const std::string& key) {
  std::string query;
  {
    const std::lock_guard lock(mutex_);
    const std::string* kept = kept_.Find(key);
    if (!kept) return std::nullopt;
    query = *kept;
  }
  // It was within the limit when it came.
  auto parameters = SplitQuery(query, SIZE_MAX);
  if (!parameters.ok()) return std::nullopt;
  return *std::move(parameters);
}

}  // namespace hilum::fhir
