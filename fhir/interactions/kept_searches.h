// Parameters of searches that are too long to stand in links: a form may bring more of them than a URL can hold (R4
// 3.1.1.1). Links then have a key in their place. In memory and bounded: those that were not used for the longest time
// make room, and a restart forgets all. The same parameters always have the same key, so asking again revives links.
// Safe for concurrent use. Internal to fhir/interactions.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fhir/search/query.h"

namespace hilum::fhir {

class KeptSearches {
 public:
  explicit KeptSearches(size_t max_octets) : max_octets_(max_octets) {}

  // Key of `query`, which is as JoinQuery makes it. kLimit for more than a quarter of all that can be kept.
  Result<std::string> Keep(const std::string& query);
  // nullopt when it is not kept (any longer).
  std::optional<std::vector<Parameter>> Find(const std::string& key);

 private:
  struct Kept {
    std::string key;
    std::string query;
  };

  const size_t max_octets_;
  std::mutex mutex_;
  std::list<Kept> kept_;                                                    // the last used first
  std::unordered_map<std::string_view, std::list<Kept>::iterator> by_key_;  // keys lie in kept_
  size_t octets_ = 0;                                                       // of all queries
};

}  // namespace hilum::fhir
