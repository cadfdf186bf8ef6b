// What a Batch holds, for the store and the writer. Not thread-safe.
#pragma once

#include <string>

#include "storage/kv/kv.h"

namespace hilum::storage {

// Counted for every operation beside its key and value, so that the limit on a batch also bounds the number of
// operations.
inline constexpr size_t kOperationBytes = 16;

// Commits from here on are written as tables of their own (rocks_tables.h).
inline constexpr size_t kTableCommitBytes = 4 * 1024 * 1024;

enum class Operation : uint8_t { kPut, kDelete, kMerge };

// Operations in the order they were added, one after the other: operation, family, sized key, sized value.
struct BatchOperations {
  std::string operations;
  size_t bytes = 0;
  bool oversized = false;        // a key or a value exceeds the envelope
  uint32_t merged_families = 0;  // a bit for each
  bool ordered = true;           // families ascend, so do the keys of each, and each key has one operation

  void Add(Operation operation, Family family, Bytes key, Bytes value);

  // Calls visit(Operation, Family, Bytes key, Bytes value) for each.
  template <typename Visit>
  void ForEach(Visit visit) const {
    ByteReader in(operations);
    Bytes head, key, value;
    while (in.ReadBytes(2, &head) && in.ReadSized(&key) && in.ReadSized(&value)) {
      visit(static_cast<Operation>(head[0]), static_cast<Family>(head[1]), key, value);
    }
  }

 private:
  size_t last_at_ = 0;  // of the last operation
};

struct Batch::Rep : BatchOperations {};

}  // namespace hilum::storage
