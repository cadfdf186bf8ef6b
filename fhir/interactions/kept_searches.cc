#include "fhir/interactions/kept_searches.h"

#include "fhir/interactions/shape.h"

namespace hilum::fhir {

Result<std::string> KeptSearches::Keep(const std::string& query) {
  if (query.size() > max_octets_ / 4) {
    return LimitExceeded("a search of more than " + std::to_string(max_octets_ / 4) +
                         " octets cannot go on to further pages; split it");
  }
  const std::lock_guard lock(mutex_);
  for (std::string key = std::to_string(Fingerprint(query));; key.push_back('0')) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) {
      kept_.push_front({.key = key, .query = query});
      by_key_.emplace(kept_.front().key, kept_.begin());
      octets_ += query.size();
      for (; octets_ > max_octets_; kept_.pop_back()) {
        octets_ -= kept_.back().query.size();
        by_key_.erase(kept_.back().key);
      }
      return key;
    }
    if (found->second->query != query) continue;  // another with the same fingerprint
    kept_.splice(kept_.begin(), kept_, found->second);
    return key;
  }
}

std::optional<std::vector<Parameter>> KeptSearches::Find(const std::string& key) {
  std::string query;
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    kept_.splice(kept_.begin(), kept_, found->second);
    query = found->second->query;
  }
  // It was within the limit when it came.
  auto parameters = SplitQuery(query, SIZE_MAX);
  if (!parameters.ok()) return std::nullopt;
  return *std::move(parameters);
}

}  // namespace hilum::fhir
