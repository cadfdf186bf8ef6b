// Changes that are not committed yet, laid over a store: found by key in one step, walked in order when somebody asks.
// Not thread-safe.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/kv/change_table.h"
#include "storage/kv/kv.h"

namespace hilum::storage {

class Overlay {
 public:
  using OrderedChanges = std::map<Bytes, const KeyChange*>;

  void Put(Family family, Bytes key, Bytes value);
  void Delete(Family family, Bytes key);
  void Merge(Family family, Bytes key, Bytes operand);

  // Null when the key does not change. Valid until the overlay changes.
  const KeyChange* Find(Family family, Bytes key) const;

  // The changed keys in [lower, upper), in order; an empty `upper` means to the end. Valid until the overlay changes.
  // What it keeps of the order nobody else reads: one thread may call it while others only call ToBatch and Find.
  std::pair<OrderedChanges::const_iterator, OrderedChanges::const_iterator> Range(Family family, Bytes lower,
                                                                                  Bytes upper);

  // Lays `newer` over this and leaves it empty.
  void Absorb(Overlay* newer);
  void Clear();

  bool empty() const { return bytes_ == 0; }
  // Never less than the size of the batch.
  size_t bytes() const { return bytes_; }

  // One operation a key, in order, and one for all its operands. kInternal when a merger does not understand an
  // operand.
  Result<Batch> ToBatch(std::span<const Merger* const> mergers) const;

 private:
  struct Layer {
    ChangeTable changes;
    std::optional<OrderedChanges> ordered;  // kept up from the first Range on
  };

  KeyChange& ChangeOf(Family family, Bytes key);
  void Set(Family family, Bytes key, KeyChange::Base base, Bytes value);
  static size_t SizeOf(Bytes key, const KeyChange& change);
  static std::vector<const ChangeTable::Entry*> InOrder(const ChangeTable& changes);
  static Status AddMerge(const Merger& merger, Family family, Bytes key, const KeyChange& change, Batch* batch);

  std::array<Layer, kFamilyCount> layers_;
  size_t bytes_ = 0;
};

}  // namespace hilum::storage
