// What a commit is going to write, found as if it had: so that what depends on it is judged by what holds afterwards.
// Immutable. The writes outlive it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "fhir/store/store.h"

namespace hilum::fhir {

class PlannedWrites {
 public:
  explicit PlannedWrites(const std::vector<Write>& writes) {
    for (const Write& write : writes) {
      by_id_.emplace(std::pair(write.type, std::string_view(write.id)), &write);
      if (!write.after) continue;
      for (const storage::TokenValue& identifier : write.after->index.identifiers)
        by_identifier_[{write.type, identifier.system, identifier.code}].push_back(&write);
    }
  }

  // nullptr: the resource is not written.
  const Write* Find(TypeId type, std::string_view id) const {
    const auto found = by_id_.find({type, id});
    return found == by_id_.end() ? nullptr : found->second;
  }
  // Those after which a resource has the identifier, with just this system (empty: without one).
  std::vector<const Write*> FindIdentifier(TypeId type, const storage::TokenValue& identifier) const {
    const auto found = by_identifier_.find({type, identifier.system, identifier.code});
    return found == by_identifier_.end() ? std::vector<const Write*>() : found->second;
  }

 private:
  std::map<std::pair<TypeId, std::string_view>, const Write*> by_id_;
  std::map<std::tuple<TypeId, std::string_view, std::string_view>, std::vector<const Write*>> by_identifier_;
};

}  // namespace hilum::fhir
