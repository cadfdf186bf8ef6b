// Values that may be wanted again, up to a total cost; those that were not used for the longest time make room.
// Finding, putting and dropping take constant time. Not safe for concurrent use: the owner brings the lock.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>
#include <utility>

namespace hilum {

template <typename Key, typename Value>
class Lru {
 public:
  // `limit` is in whatever unit the costs are: bytes, or a number of values.
  explicit Lru(uint64_t limit) : limit_(limit) {}
  Lru(const Lru&) = delete;
  Lru& operator=(const Lru&) = delete;

  // The value, which is used by that; nullptr when there is none. It stays until the next Put or Drop.
  Value* Find(const Key& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return nullptr;
    by_use_.splice(by_use_.begin(), by_use_, found->second.use);
    return &found->second.value;
  }

  // In place of the value the key may have had. nullptr when it costs more than the limit: it would push out everything
  // and not stay either. Else as Find.
  Value* Put(Key key, Value value, uint64_t cost = 1) {
    Drop(key);
    if (cost > limit_) return nullptr;
    while (cost_ > limit_ - cost) Drop(*by_use_.back());
    const auto added = entries_.emplace(std::move(key), Entry{std::move(value), cost, {}}).first;
    by_use_.push_front(&added->first);
    added->second.use = by_use_.begin();
    cost_ += cost;
    return &added->second.value;
  }

  void Drop(const Key& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    cost_ -= found->second.cost;
    by_use_.erase(found->second.use);
    entries_.erase(found);
  }

 private:
  struct Entry {
    Value value;
    uint64_t cost;
    typename std::list<const Key*>::iterator use;
  };

  const uint64_t limit_;
  uint64_t cost_ = 0;
  std::unordered_map<Key, Entry> entries_;
  std::list<const Key*> by_use_;  // the last used first; the keys lie in entries_
};

}  // namespace hilum
