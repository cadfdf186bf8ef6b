// Parameters of searches that are too long to stand in links: a form may bring more of them than a URL can hold (R4
// 3.1.1.1). Links then have a key in their place. In memory and bounded: those that were not used for the longest time
// make room, and a restart forgets all. The same parameters always have the same key, so asking again revives links.
// Safe for concurrent use. Internal to fhir/interactions.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/lru.h"
#include "fhir/search/query.h"

namespace hilum::fhir {

class KeptSearches {
 public:
  explicit KeptSearches(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Key of `query`, which is as JoinQuery makes it. kLimit for more than a quarter of all that can be kept,
  // and beyond kMaxQueryBytes.
  Result<std::string> Keep(const std::string& query);
  // nullopt when it is not kept (any longer).
  std::optional<std::vector<Parameter>> Find(const std::string& key);

 private:
  const size_t max_bytes_;
  std::mutex mutex_;
  Lru<std::string, std::string> kept_{max_bytes_};  // queries by their keys
};

}  // namespace hilum::fhir
