#include "storage/kv/group_txn.h"

#include <algorithm>
#include <cassert>

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
  if (const auto* change = task_.Find(family, key)) return ValueOf(*change);
  if (const auto* change = group_.Find(family, key)) return ValueOf(*change);
  return kv_.Get(family, key);
}

Result<std::vector<std::pair<std::string, std::string>>> GroupTxn::Scan(Family family, Bytes lower, Bytes upper,
                                                                        size_t limit) {
  assert(!Merges(family));
  const auto stored = kv_.NewIterator(family, std::string(lower), std::string(upper));
  stored->SeekToFirst();
  auto [group, group_end] = group_.Range(family, lower, upper);
  auto [task, task_end] = task_.Range(family, lower, upper);

  std::vector<std::pair<std::string, std::string>> rows;
  while (rows.size() < limit && (stored->Valid() || group != group_end || task != task_end)) {
    // The smallest key of the three; the newest layer that has it decides.
    std::optional<Bytes> smallest;
    const auto consider = [&smallest](Bytes key) { smallest = smallest ? std::min(*smallest, key) : key; };
    if (stored->Valid()) consider(stored->key());
    if (group != group_end) consider(group->first);
    if (task != task_end) consider(task->first);

    std::string key(*smallest);
    std::optional<std::string> value;
    if (stored->Valid() && stored->key() == key) {
      value = stored->value();
      stored->Next();
    }
    if (group != group_end && group->first == key) value = ValueOf(*(group++)->second);
    if (task != task_end && task->first == key) value = ValueOf(*(task++)->second);
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
  return LimitExceeded("a key is larger than 1 kB, a value than 64 kB or the whole change than 256 MB");
}

}  // namespace hilum::storage
