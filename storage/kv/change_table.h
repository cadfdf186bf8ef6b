// Changes of the keys of one family: a hash table that keeps its keys in large pieces of memory, because a commit of an
// import has hundreds of thousands of them. Keys are at most kMaxKeyBytes long. Entries stay where they are until
// Clear. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace hilum::storage {

// What happens to one key: it is set or removed, or neither; then the operands are merged.
struct KeyChange {
  enum class Base : uint8_t { kUnchanged, kPut, kDelete };
  Base base = Base::kUnchanged;
  uint32_t operand_count = 0;
  std::string value;     // of kPut
  std::string operands;  // each sized, oldest first

  void AddOperand(Bytes operand) {
    AppendSized(&operands, operand);
    ++operand_count;
  }
};

class ChangeTable {
 public:
  struct Entry {
    Bytes key;
    uint64_t hash;
    KeyChange change;
  };

  // Null when the key does not change.
  const Entry* Find(Bytes key) const;
  // The second: it is new.
  std::pair<Entry*, bool> FindOrAdd(Bytes key) { return FindOrAdd(key, HashOfKey(key)); }
  std::pair<Entry*, bool> FindOrAdd(Bytes key, uint64_t hash);

  // In the order they were added.
  std::deque<Entry>& entries() { return entries_; }
  const std::deque<Entry>& entries() const { return entries_; }

  void Clear();

 private:
  static uint64_t HashOfKey(Bytes key);
  // The slot that has the key, or the free one where it belongs. REQUIRES: there are slots.
  size_t SlotOf(Bytes key, uint64_t hash) const;
  void Grow();
  void FreeSlots();
  Bytes Keep(Bytes key);

  std::deque<Entry> entries_;
  std::vector<uint32_t> slots_;  // number of the entry + 1; 0: free. A power of two of them, at most half of them taken
  std::vector<std::unique_ptr<char[]>> pieces_;  // of memory for keys
  size_t free_in_piece_ = 0;
};

}  // namespace hilum::storage
