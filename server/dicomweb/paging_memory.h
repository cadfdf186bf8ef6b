// Where searches began that are paged through by offset. Rows come newest first, so what arrives meanwhile would push
// rows of earlier pages into later ones; a later page is therefore of what there was when the first one was asked for.
// Bounded in time and number: what is forgotten goes on as if it had begun now. Safe for concurrent use.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/lru.h"
#include "storage/index/values.h"

namespace hilum::dicomweb {

class PagingMemory {
 public:
  static constexpr Micros kAge = std::chrono::minutes(10);  // since the last page
  static constexpr size_t kMaxKeyBytes = 2048;              // of longer ones nothing is remembered

  // Remembers that many searches at most; those that were not used for longest go first.
  PagingMemory(const Clock& clock, size_t searches) : clock_(clock), searches_(searches) {}

  // The first page of the search was given out, and `newest` was the newest row there was. `key` tells searches and
  // who asks apart.
  void Begin(const std::string& key, storage::Doc newest) {
    if (key.size() > kMaxKeyBytes) return;
    const std::lock_guard lock(mu_);
    searches_.Put(key, {.newest = newest, .used = clock_.Monotonic()});
  }

  // The newest row when the search began; nullopt: not known.
  std::optional<storage::Doc> Find(const std::string& key) {
    const std::lock_guard lock(mu_);
    Search* search = searches_.Find(key);
    if (!search) return std::nullopt;
    const Micros now = clock_.Monotonic();
    if (now - search->used > kAge) {
      searches_.Drop(key);
      return std::nullopt;
    }
    search->used = now;
    return search->newest;
  }

 private:
  struct Search {
    storage::Doc newest;
    Micros used;
  };

  const Clock& clock_;
  std::mutex mu_;
  Lru<std::string, Search> searches_;
};

}  // namespace hilum::dicomweb
