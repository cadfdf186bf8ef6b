// Which chunks of stored objects were read and found whole since the store was opened, so that bytes that go straight
// from file to network are checked once and not every time. Bounded: of many segments only the last used are
// remembered. Safe for concurrent use.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "base/lru.h"

namespace hilum::storage::segment {

class CheckedChunks {
 public:
  // A chunk is named by the page of the segment that it begins in.
  bool Contains(uint32_t segment, uint64_t page) {
    const std::lock_guard lock(mu_);
    const std::vector<bool>* pages = pages_.Find(segment);
    return pages && page < pages->size() && (*pages)[page];
  }

  void Add(uint32_t segment, uint64_t page) {
    const std::lock_guard lock(mu_);
    std::vector<bool>* pages = pages_.Find(segment);
    if (!pages) pages = pages_.Put(segment, {});
    if (page >= pages->size()) pages->resize(page + 1);
    (*pages)[page] = true;
  }

 private:
  static constexpr size_t kSegments = 256;  // of 32 KiB each when a segment has 1 GiB
  std::mutex mu_;
  Lru<uint32_t, std::vector<bool>> pages_{kSegments};
};

}  // namespace hilum::storage::segment
