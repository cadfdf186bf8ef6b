// Pictures that were made and may be asked for again, up to a number of bytes; the least recently used go first. Safe
// for concurrent use.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/lru.h"

namespace hilum::dicomweb {

class PictureCache {
 public:
  explicit PictureCache(uint64_t limit_bytes) : pictures_(limit_bytes) {}

  // nullptr when it is not there.
  std::shared_ptr<const std::string> Find(const std::string& key) {
    const std::lock_guard lock(mu_);
    const auto* found = pictures_.Find(key);
    return found ? *found : nullptr;
  }

  void Add(const std::string& key, std::shared_ptr<const std::string> picture) {
    const std::lock_guard lock(mu_);
    const uint64_t bytes = picture->size();
    pictures_.Put(key, std::move(picture), bytes);
  }

 private:
  std::mutex mu_;
  Lru<std::string, std::shared_ptr<const std::string>> pictures_;
};

}  // namespace hilum::dicomweb
