// Which chunks of stored objects were read and found whole since the store was opened, so that octets that go straight
// from file to network are checked once and not every time. Bounded: of many segments only the latest are remembered.
// Safe for concurrent use.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <vector>

namespace hilum::storage::segment {

class CheckedChunks {
 public:
  // A chunk is named by the page of the segment that it begins in.
  bool Contains(uint32_t segment, uint64_t page) const {
    const std::lock_guard lock(mu_);
    const auto found = pages_.find(segment);
    return found != pages_.end() && page < found->second.size() && found->second[page];
  }

  void Add(uint32_t segment, uint64_t page) {
    const std::lock_guard lock(mu_);
    auto found = pages_.find(segment);
    if (found == pages_.end()) {
      if (order_.size() == kSegments) {
        pages_.erase(order_.front());
        order_.pop_front();
      }
      order_.push_back(segment);
      found = pages_.emplace(segment, std::vector<bool>()).first;
    }
    if (page >= found->second.size()) found->second.resize(page + 1);
    found->second[page] = true;
  }

 private:
  static constexpr size_t kSegments = 256;  // of 32 KiB each when a segment has 1 GiB
  mutable std::mutex mu_;
  std::map<uint32_t, std::vector<bool>> pages_;
  std::list<uint32_t> order_;
};

}  // namespace hilum::storage::segment
