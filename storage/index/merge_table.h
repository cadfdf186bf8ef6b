// Merge operands of one transaction, gathered by key before they reach it: hundreds of documents of an import stand in
// the same posting list, and adding a number to an operand is far cheaper than merging operands. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "storage/kv/writer.h"

namespace hilum::storage {

class MergeTable {
 public:
  // Adds a member to the set of a posting key.
  void AddMember(Bytes key, uint16_t member);
  // Sets a row of the block of a column; an empty one removes it.
  void AddRow(Bytes key, uint8_t document, Bytes row);
  // Merges what was added, in its order for each key, and forgets it.
  void MergeInto(Txn& txn);

 private:
  static constexpr int kNothing = -1;
  struct Entry {
    size_t key_at = 0;  // in keys_
    uint16_t key_size = 0;
    bool is_posting = false;
    int last = kNothing;  // what was added last; operands ascend
    std::string operand;
  };
  struct Slot {
    uint32_t hash = 0;
    uint32_t entry = 0;  // number + 1; 0: free
  };

  Bytes KeyOf(const Entry& entry) const { return Bytes(keys_).substr(entry.key_at, entry.key_size); }
  Entry& FindOrAdd(Bytes key);
  // Begins a new operand unless `next` ascends.
  void MakeRoomFor(int next, Entry* entry);
  void Grow();
  void Merge(Txn& txn, const Entry& entry, Bytes operand);

  std::string keys_;
  std::vector<Entry> entries_;
  std::vector<Slot> slots_;                               // a power of two of them, at most half of them taken
  std::vector<std::pair<size_t, std::string>> finished_;  // entry and an operand that goes before its own
  std::string combined_;
};

}  // namespace hilum::storage
