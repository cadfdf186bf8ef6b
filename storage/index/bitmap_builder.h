// Builds a Bitmap out of stored blocks and single documents, in any order. Memory: 8 kB for each block touched.
// Not thread-safe.
#pragma once

#include <map>

#include "storage/index/bitmap.h"
#include "storage/index/block_set.h"

namespace hilum::storage {

class BitmapBuilder {
 public:
  void Add(Doc doc) { Block(doc >> 16).Add(static_cast<uint16_t>(doc)); }
  // Adds a stored BlockSet. False when it is damaged.
  bool Add(uint32_t block, Bytes encoded) {
    if (const auto only = OnlyMember(encoded)) {
      Block(block).Add(*only);
      return true;
    }
    return Block(block).AddEncoded(encoded);
  }
  // The same of those members that are among `words`.
  bool AddCommon(uint32_t block, Bytes encoded, std::span<const uint64_t, BlockSet::kWords> words) {
    return Block(block).AddCommon(encoded, words);
  }
  Bitmap Build() const;

 private:
  BlockSet& Block(uint32_t block) {
    if (last_ == nullptr || last_block_ != block) {
      last_ = &blocks_[block];
      last_block_ = block;
    }
    return *last_;
  }

  std::map<uint32_t, BlockSet> blocks_;
  BlockSet* last_ = nullptr;
  uint32_t last_block_ = 0;
};

}  // namespace hilum::storage
