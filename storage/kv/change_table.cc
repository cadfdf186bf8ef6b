#include "storage/kv/change_table.h"

#include <cassert>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hilum::storage {
namespace {

constexpr size_t kFirstSlots = 64;
constexpr size_t kPieceBytes = 32 * 1024;
// More slots are given back by Clear, and fewer are all set to free when at least one in so many may be taken: one
// large transaction should not make every later one clear what it needed.
constexpr size_t kKeptSlots = 16 * 1024;
constexpr size_t kFewTaken = 16;

}  // namespace

uint64_t ChangeTable::HashOfKey(Bytes key) {
  return XXH3_64bits(key.data(), key.size());
}

size_t ChangeTable::SlotOf(Bytes key, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const Entry& entry = entries_[slots_[slot] - 1];
    if (entry.hash == hash && entry.key == key) break;
  }
  return slot;
}

const ChangeTable::Entry* ChangeTable::Find(Bytes key) const {
  if (entries_.empty()) return nullptr;
  const uint32_t taken = slots_[SlotOf(key, HashOfKey(key))];
  return taken == 0 ? nullptr : &entries_[taken - 1];
}

std::pair<ChangeTable::Entry*, bool> ChangeTable::FindOrAdd(Bytes key, uint64_t hash) {
  if (slots_.size() < 2 * (entries_.size() + 1)) Grow();
  const size_t slot = SlotOf(key, hash);
  if (slots_[slot] != 0) return {&entries_[slots_[slot] - 1], false};
  entries_.push_back({Keep(key), hash, {}});
  slots_[slot] = static_cast<uint32_t>(entries_.size());
  return {&entries_.back(), true};
}

void ChangeTable::Grow() {
  slots_.assign(slots_.empty() ? kFirstSlots : 2 * slots_.size(), 0);
  const size_t mask = slots_.size() - 1;
  uint32_t number = 0;
  for (const Entry& entry : entries_) {
    size_t slot = entry.hash & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = ++number;
  }
}

Bytes ChangeTable::Keep(Bytes key) {
  if (pieces_.empty() || key.size() > free_in_piece_) {
    assert(key.size() <= kPieceBytes);
    free_in_piece_ = kPieceBytes;
    pieces_.push_back(std::make_unique_for_overwrite<char[]>(kPieceBytes));
  }
  // A piece is filled from its end.
  free_in_piece_ -= key.size();
  char* const at = pieces_.back().get() + free_in_piece_;
  std::memcpy(at, key.data(), key.size());
  return {at, key.size()};
}

void ChangeTable::Clear() {
  if (entries_.empty()) return;
  FreeSlots();
  entries_.clear();
  pieces_.resize(1);
  free_in_piece_ = kPieceBytes;
}

void ChangeTable::FreeSlots() {
  if (slots_.size() > kKeptSlots) {
    slots_ = {};
  } else if (slots_.size() < kFewTaken * entries_.size()) {
    std::fill(slots_.begin(), slots_.end(), 0);
  } else {
    const size_t mask = slots_.size() - 1;
    uint32_t number = 0;
    for (const Entry& entry : entries_) {
      size_t slot = entry.hash & mask;
      for (++number; slots_[slot] != number; slot = (slot + 1) & mask) continue;
      slots_[slot] = 0;
    }
  }
}

}  // namespace hilum::storage
