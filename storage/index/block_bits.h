// The members of a bitmap as bits, block by block of 65,536: what many stored sets are compared with, for far less than
// asking the bitmap about each member. A copy, 8 kB for each block that has members. Const calls are safe from several
// threads.
#pragma once

#include <array>
#include <map>

#include "storage/index/bitmap.h"
#include "storage/index/block_set.h"

namespace hilum::storage {

class BlockBits {
 public:
  using Words = std::array<uint64_t, BlockSet::kWords>;

  explicit BlockBits(const Bitmap& docs);
  // nullptr when the block has no members.
  const Words* Find(uint32_t block) const {
    const auto found = blocks_.find(block);
    return found == blocks_.end() ? nullptr : &found->second;
  }

 private:
  std::map<uint32_t, Words> blocks_;
};

}  // namespace hilum::storage
