// Changes that are not committed yet, laid over a store: found by key in one step, walked in order when somebody asks.
// Not thread-safe.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "storage/kv/kv.h"

namespace hilum::storage {

class Overlay {
 public:
  // What happens to one key: it is set or removed, or neither; then the operands are merged.
  struct Change {
    enum class Base : uint8_t { kUnchanged, kPut, kDelete };
    Base base = Base::kUnchanged;
    std::string value;                  // of kPut
    std::vector<std::string> operands;  // oldest first
  };
  using OrderedChanges = std::map<Bytes, const Change*>;

  void Put(Family family, Bytes key, Bytes value);
  void Delete(Family family, Bytes key);
  void Merge(Family family, Bytes key, Bytes operand);

  // Null when the key does not change. Valid until the overlay changes.
  const Change* Find(Family family, Bytes key) const;

  // The changed keys in [lower, upper), in order; an empty `upper` means to the end. Valid until the overlay changes.
  std::pair<OrderedChanges::const_iterator, OrderedChanges::const_iterator> Range(Family family, Bytes lower,
                                                                                  Bytes upper);

  // Lays `newer` over this and leaves it empty.
  void Absorb(Overlay* newer);
  void Clear();

  bool empty() const { return bytes_ == 0; }
  // Never less than the size of the batch.
  size_t bytes() const { return bytes_; }

  // One operation a key, and one for all its operands. kInternal when a merger does not understand an operand.
  Result<Batch> ToBatch(std::span<const Merger* const> mergers) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(Bytes key) const { return std::hash<Bytes>()(key); }
  };
  struct Layer {
    std::unordered_map<std::string, Change, Hash, std::equal_to<>> changes;
    std::optional<OrderedChanges> ordered;  // kept up from the first Range on
  };

  Change& ChangeOf(Family family, Bytes key);
  void Set(Family family, Bytes key, Change::Base base, Bytes value);
  static size_t SizeOf(Bytes key, const Change& change);
  static Status AddMerge(const Merger& merger, Family family, Bytes key, const Change& change, Batch* batch);

  std::array<Layer, kFamilyCount> layers_;
  size_t bytes_ = 0;
};

}  // namespace hilum::storage
