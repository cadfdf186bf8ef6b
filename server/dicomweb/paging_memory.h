// Where searches began that are paged through by offset. Rows come newest first, so what arrives meanwhile would push
// rows of earlier pages into later ones; a later page is therefore of what there was when the first one was asked for.
// Bounded in time and number: what is forgotten goes on as if it had begun now. Safe for concurrent use.
#pragma once

#include <chrono>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "storage/index/values.h"

namespace hilum::dicomweb {

class PagingMemory {
 public:
  static constexpr Micros kAge = std::chrono::minutes(10);  // since the last page
  static constexpr size_t kMaxKeyBytes = 2048;              // of longer ones nothing is remembered

  // Remembers that many searches at most; those that were not used for longest go first.
  PagingMemory(const Clock& clock, size_t searches) : clock_(clock), most_(searches) {}

  // The first page of the search was given out, and `newest` was the newest row there was. `key` tells searches and
  // who asks apart.
  void Begin(const std::string& key, storage::Doc newest) {
    if (key.size() > kMaxKeyBytes) return;
    const std::lock_guard lock(mu_);
    Forget(key);
    by_use_.push_front({key, newest, clock_.Monotonic()});
    by_key_[key] = by_use_.begin();
    if (by_use_.size() > most_) Forget(std::string(by_use_.back().key));
  }

  // The newest row when the search began; nullopt: not known.
  std::optional<storage::Doc> Find(const std::string& key) {
    const std::lock_guard lock(mu_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    const Micros now = clock_.Monotonic();
    if (now - found->second->used > kAge) {
      Forget(key);
      return std::nullopt;
    }
    found->second->used = now;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return found->second->newest;
  }

 private:
  struct Search {
    std::string key;
    storage::Doc newest;
    Micros used;
  };

  void Forget(const std::string& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    by_use_.erase(found->second);
    by_key_.erase(found);
  }

  const Clock& clock_;
  const size_t most_;
  std::mutex mu_;
  std::list<Search> by_use_;  // the last used first
  std::unordered_map<std::string, std::list<Search>::iterator> by_key_;
};

}  // namespace hilum::dicomweb
