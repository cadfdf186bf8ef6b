// Pictures that were made and may be asked for again, up to a number of octets; the least recently used go first. Safe
// for concurrent use.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace hilum::dicomweb {

class PictureCache {
 public:
  explicit PictureCache(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // nullptr when it is not there.
  std::shared_ptr<const std::string> Find(const std::string& key) {
    const std::lock_guard lock(mu_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return found->second->second;
  }

  void Add(const std::string& key, std::shared_ptr<const std::string> picture) {
    const std::lock_guard lock(mu_);
    if (by_key_.contains(key)) return;
    bytes_ += picture->size();
    by_use_.emplace_front(key, std::move(picture));
    by_key_[key] = by_use_.begin();
    while (bytes_ > limit_bytes_ && !by_use_.empty()) {
      bytes_ -= by_use_.back().second->size();
      by_key_.erase(by_use_.back().first);
      by_use_.pop_back();
    }
  }

 private:
  using Entry = std::pair<std::string, std::shared_ptr<const std::string>>;
  const uint64_t limit_bytes_;
  std::mutex mu_;
  uint64_t bytes_ = 0;
  std::list<Entry> by_use_;
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
};

}  // namespace hilum::dicomweb
