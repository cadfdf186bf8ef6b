#include "storage/index/merge_table.h"

#include <cassert>
#include <limits>

#include "storage/index/block_set.h"
#include "storage/index/column_block.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hilum::storage {
namespace {

constexpr size_t kFirstSlots = 256;
// Longer ones may have a smaller form than gaps.
constexpr size_t kShortOperand = 8;

}  // namespace

void MergeTable::AddMember(Bytes key, uint16_t member) {
  Entry& entry = FindOrAdd(key);
  if (entry.last == member) return;
  entry.is_posting = true;
  MakeRoomFor(member, &entry);
  AppendMember(&entry.operand, entry.last + 1, member);
  entry.last = member;
}

void MergeTable::AddRow(Bytes key, uint8_t document, Bytes row) {
  Entry& entry = FindOrAdd(key);
  MakeRoomFor(document, &entry);
  AppendColumnRow(&entry.operand, document, row);
  entry.last = document;
}

void MergeTable::MergeInto(Txn& txn) {
  for (const auto& [number, operand] : finished_) Merge(txn, entries_[number], operand);
  for (const Entry& entry : entries_) Merge(txn, entry, entry.operand);
  keys_.clear();
  entries_.clear();
  slots_.clear();
  finished_.clear();
}

void MergeTable::Merge(Txn& txn, const Entry& entry, Bytes operand) {
  const bool combined =
      entry.is_posting && operand.size() > kShortOperand && CombineBlockSets({&operand, 1}, &combined_);
  txn.Merge(Family::kIndex, KeyOf(entry), combined ? Bytes(combined_) : operand);
}

void MergeTable::MakeRoomFor(int next, Entry* entry) {
  if (next > entry->last) return;
  finished_.emplace_back(entry - entries_.data(), std::exchange(entry->operand, {}));
  entry->last = kNothing;
}

MergeTable::Entry& MergeTable::FindOrAdd(Bytes key) {
  assert(key.size() <= std::numeric_limits<uint16_t>::max());
  if (slots_.size() < 2 * (entries_.size() + 1)) Grow();
  const auto hash = static_cast<uint32_t>(XXH3_64bits(key.data(), key.size()));
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  for (; slots_[slot].entry != 0; slot = (slot + 1) & mask) {
    Entry& entry = entries_[slots_[slot].entry - 1];
    if (slots_[slot].hash == hash && KeyOf(entry) == key) return entry;
  }
  slots_[slot] = {hash, static_cast<uint32_t>(entries_.size() + 1)};
  entries_.push_back({.key_at = keys_.size(), .key_size = static_cast<uint16_t>(key.size())});
  keys_ += key;
  return entries_.back();
}

void MergeTable::Grow() {
  const std::vector<Slot> old = std::exchange(slots_, {});
  slots_.resize(old.empty() ? kFirstSlots : 2 * old.size());
  const size_t mask = slots_.size() - 1;
  for (const Slot& taken : old) {
    if (taken.entry == 0) continue;
    size_t slot = taken.hash & mask;
    while (slots_[slot].entry != 0) slot = (slot + 1) & mask;
    slots_[slot] = taken;
  }
}

}  // namespace hilum::storage
