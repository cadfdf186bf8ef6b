// The resources of one type that a transaction is going to write, so that its conditions find them before the index
// does. By tokens only (identifiers, codes), which is what conditions are made of. Internal to fhir/interactions; not
// thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/index/query.h"

namespace hilum::fhir {

class PlannedResources {
 public:
  using Places = std::set<size_t>;  // of entries

  void Add(size_t place, const storage::DocumentValues& values);
  // Those that match; nullopt when the query asks for more than tokens.
  std::optional<Places> Find(const storage::Query& query) const;

 private:
  struct Token {
    std::string system;
    size_t place;
  };
  std::optional<Places> FindToken(const storage::TokenIs& token) const;
  std::optional<Places> FindAll(const storage::And& query) const;
  std::optional<Places> FindAny(const storage::Or& query) const;

  std::map<std::pair<storage::FieldId, std::string>, std::vector<Token>> by_code_;
};

}  // namespace hilum::fhir
