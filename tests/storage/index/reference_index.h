// The index as one would write it without caring for speed: values in memory, each query a look at every document.
// Shares no code with the index.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/index/index.h"

namespace hilum::storage {

class ReferenceIndex {
 public:
  using Documents = std::map<Doc, DocumentValues>;

  Documents& documents(CollectionId collection) { return collections_[collection]; }

  std::set<Doc> Evaluate(CollectionId collection, const Query& query) const;
  // All of `docs` in order.
  std::vector<Doc> Sort(CollectionId collection, const std::set<Doc>& docs, const std::vector<SortKey>& sort) const;
  std::map<std::pair<std::string, std::string>, uint64_t> Facets(CollectionId collection, FieldId field,
                                                                 const std::set<Doc>& within) const;

 private:
  std::map<CollectionId, Documents> collections_;
};

}  // namespace hilum::storage
