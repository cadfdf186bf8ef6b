// Query trees in fewer words. Internal to fhir/search.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "storage/index/query.h"

namespace hilum::fhir {

template <typename Node>
storage::Query Own(Node node) {
  return storage::Query{.node = std::move(node)};
}

inline storage::QueryPtr Share(storage::Query query) {
  return std::make_unique<storage::Query>(std::move(query));
}

inline storage::Query NoneOf() {
  return Own(storage::DocsIn{});
}

// One part stands for itself; none matches nothing.
inline storage::Query AnyOf(std::vector<storage::Query> parts) {
  if (parts.empty()) return NoneOf();
  if (parts.size() == 1) return std::move(parts.front());
  storage::Or any;
  any.parts = std::move(parts);
  return Own(std::move(any));
}

// One part stands for itself; none matches everything.
inline storage::Query AllOf(std::vector<storage::Query> parts) {
  if (parts.empty()) return Own(storage::All{});
  if (parts.size() == 1) return std::move(parts.front());
  storage::And all;
  all.parts = std::move(parts);
  return Own(std::move(all));
}

}  // namespace hilum::fhir
