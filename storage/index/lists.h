// Reads postings and columns of one tenant from one snapshot. Remembers the lists it read. Not thread-safe.
// Damaged bytes are kCorruption; the message names the entry and the field.
#pragma once

#include <bitset>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "storage/index/bitmap.h"
#include "storage/index/bitmap_builder.h"
#include "storage/index/column_block.h"
#include "storage/index/index.h"
#include "storage/index/keys.h"

namespace hilum::storage {

using BitmapPtr = std::shared_ptr<const Bitmap>;

class Lists {
 public:
  Lists(const Kv& kv, const Schema& schema, Tenant tenant, const Snapshot* snapshot);

  const Schema& schema() const { return schema_; }
  std::string Prefix(CollectionId collection, Entry entry, FieldId field) const {
    return EntryPrefix(tenant_, collection, entry, field);
  }

  // Documents of the posting list whose keys are `prefix` and a block; with `longer`, of all lists whose keys start so.
  Result<BitmapPtr> List(const std::string& prefix, bool longer = false);
  Result<BitmapPtr> List(CollectionId collection, Entry entry, FieldId field = {}) {
    return List(Prefix(collection, entry, field));
  }
  // The same, added to `builder` and not remembered: for many short lists.
  Status AddList(const std::string& prefix, bool longer, BitmapBuilder* builder);
  // Documents of all posting lists with keys in [lower, upper), added to `builder`.
  Status AddUnion(const std::string& lower, const std::string& upper, BitmapBuilder* builder);
  // The same by itself; `take(value)`, when given, chooses by what stands between the entry prefix and the block.
  Result<Bitmap> Union(const std::string& lower, const std::string& upper,
                       const std::function<bool(Bytes value)>& take = nullptr);

  // Visits keys of [lower, upper) in order (descending: from the end), until false: the value part of the key, the
  // block and the stored set.
  using VisitKey = std::function<bool(Bytes value, uint32_t block, Bytes stored)>;
  Status Scan(const std::string& lower, const std::string& upper, bool descending, const VisitKey& visit);

  // Calls visit(doc, cells) for each of `docs` that has a row, ascending. `cells`: the row without its first byte,
  // chunks joined.
  using VisitRow = std::function<Status(Doc doc, Bytes cells)>;
  Status Rows(CollectionId collection, FieldId field, const Bitmap& docs, const VisitRow& visit);

  // The folded text (or uri) longer than keys hold; kCorruption when it is missing.
  Result<std::string> LongText(CollectionId collection, FieldId field, Doc doc, uint64_t hash) const;

 private:
  Result<std::string> Overflow(CollectionId collection, FieldId field, Doc doc) const;
  // Of the documents of a column's block.
  using BlockMembers = std::bitset<1 << kColumnBlockBits>;
  Status VisitBlock(CollectionId collection, FieldId field, uint32_t block, Bytes rows, const BlockMembers& members,
                    const VisitRow& visit) const;

  // An iterator over all keys of the tenant. Making one takes as long as reading a dozen lists, so they are used again.
  struct GiveBack {
    Lists* lists;
    void operator()(Iterator* iterator) const { lists->idle_.emplace_back(iterator); }
  };
  using Borrowed = std::unique_ptr<Iterator, GiveBack>;
  Borrowed BorrowIterator();

  const Kv& kv_;
  const Schema& schema_;
  const Tenant tenant_;
  const Snapshot* snapshot_;
  std::vector<std::unique_ptr<Iterator>> idle_;
  std::unordered_map<std::string, BitmapPtr> cache_;
};

// kCorruption that says where: `key` or a prefix of one.
Status DamagedEntry(Bytes key);
Status DamagedRow(FieldId field, Doc doc);

}  // namespace hilum::storage
