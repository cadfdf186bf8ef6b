// Several keys of one sequence are met by one of its items, not by several together (PS3.4 C.2.2.2.6). The index knows
// the values of all items as those of the document, so what it finds is looked into: the sequence as rows keep it. Pure
// functions, thread-safe.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/catalogue/attributes.h"
#include "storage/index/query.h"

namespace hilum::storage {

struct ItemKey {
  const CatalogueAttribute* attribute;  // below a sequence
  Query condition;                      // of MatchFilter
};

// Keys by level and sequence. What is alone needs no second look; nor can it be had for sequences that the table does
// not keep whole.
class ItemKeys {
 public:
  explicit ItemKeys(const AttributeTable& table) : table_(table) {}

  // kInvalid as MatchFilter.
  Status Add(const CatalogueAttribute& attribute, const std::string& value, bool fuzzy);
  // Levels with keys that one item has to meet together, from the top down.
  std::vector<Level> Levels() const;
  // Whether the sequences of a row of that level have such items; one that was too long to keep has.
  bool AreMetBy(Level level, const KeptAttributes& kept) const;

 private:
  const AttributeTable& table_;
  std::map<std::pair<Level, dicom::Tag>, std::vector<ItemKey>> groups_;
};

}  // namespace hilum::storage
