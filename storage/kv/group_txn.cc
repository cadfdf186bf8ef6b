#include "storage/kv/group_txn.h"

#include <algorithm>
#include <cassert>
#include <tuple>

namespace hilum::storage {
namespace {

std::optional<std::string> ValueOf(const KeyChange& change) {
  if (change.base == KeyChange::Base::kPut) return change.value;
  return std::nullopt;
}

}  // namespace

bool GroupTxn::Merges(Family family) const {
  const auto i = static_cast<size_t>(family);
  return i < mergers_.size() && mergers_[i] != nullptr;
}

Result<std::optional<std::string>> GroupTxn::Get(Family family, Bytes key) {
  assert(!Merges(family));
  for (const Overlay* layer : layers_) {
    if (const auto* change = layer->Find(family, key)) return ValueOf(*change);
  }
  return kv_.Get(family, key);
}

Result<std::vector<std::optional<std::string>>> GroupTxn::MultiGet(Family family, std::span<const std::string> keys) {
  assert(!Merges(family));
  HILUM_ASSIGN_OR_RETURN(auto values, kv_.MultiGet(family, keys));
  for (size_t i = 0; i < keys.size(); ++i) {
    for (const Overlay* layer : layers_) {
      const KeyChange* const change = layer->Find(family, keys[i]);
      if (change == nullptr) continue;
      values[i] = ValueOf(*change);
      break;
    }
  }
  return values;
}

Result<std::vector<std::pair<std::string, std::string>>> GroupTxn::Scan(Family family, Bytes lower, Bytes upper,
                                                                        size_t limit) {
  assert(!Merges(family));
  const auto stored = kv_.NewIterator(family, std::string(lower), std::string(upper));
  stored->SeekToFirst();
  using Range = std::pair<Overlay::OrderedChanges::const_iterator, Overlay::OrderedChanges::const_iterator>;
  std::array<Range, std::tuple_size_v<Layers>> ranges;
  std::ranges::transform(layers_, ranges.begin(), [&](Overlay* layer) { return layer->Range(family, lower, upper); });

  std::vector<std::pair<std::string, std::string>> rows;
  while (rows.size() < limit) {
    std::optional<Bytes> smallest;
    const auto consider = [&smallest](Bytes key) { smallest = smallest ? std::min(*smallest, key) : key; };
    if (stored->Valid()) consider(stored->key());
    for (const auto& [next, end] : ranges) {
      if (next != end) consider(next->first);
    }
    if (!smallest) break;

    std::string key(*smallest);
    std::optional<std::string> value;
    if (stored->Valid() && stored->key() == key) {
      value = stored->value();
      stored->Next();
    }
    // The newest layer that has the key decides.
    for (auto range = ranges.rbegin(); range != ranges.rend(); ++range) {
      auto& [next, end] = *range;
      if (next != end && next->first == key) value = ValueOf(*(next++)->second);
    }
    if (value) rows.emplace_back(std::move(key), *std::move(value));
  }
  HILUM_RETURN_IF_ERROR(stored->status());
  return rows;
}

bool GroupTxn::Fits(Bytes key, Bytes value) {
  if (key.size() > kMaxKeyBytes || value.size() > kMaxValueBytes || task_.bytes() > kMaxTaskBytes) oversized_ = true;
  return !oversized_;
}

void GroupTxn::Put(Family family, Bytes key, Bytes value) {
  if (Fits(key, value)) task_.Put(family, key, value);
}

void GroupTxn::Delete(Family family, Bytes key) {
  if (Fits(key, {})) task_.Delete(family, key);
}

void GroupTxn::Merge(Family family, Bytes key, Bytes operand) {
  assert(Merges(family));
  if (Fits(key, operand)) task_.Merge(family, key, operand);
}

Status GroupTxn::limits() const {
  if (!oversized_ && task_.bytes() <= kMaxTaskBytes) return Status::Ok();
  return LimitExceeded(
      "this is more than the store keeps in one piece (64 kB for a list of what belongs together, 256 MB for all that "
      "changes at once); nothing of it was stored; send less at once");
}

}  // namespace hilum::storage
