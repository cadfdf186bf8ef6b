// Documents that are ready to be sent, compressed, up to a number of bytes; the least recently used go first. A
// key names the version of what the document tells, so an entry is never stale: it falls out of use.
//
// Safe for concurrent use. Documents are shared with their readers and stay whole when they leave the cache.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/lru.h"
#include "base/result.h"

namespace hilum::dicomweb {

struct Document {
  std::string packed;
  uint64_t bytes = 0;      // of what is packed
  bool too_large = false;  // to be held: nothing else is set
};

class DocumentCache {
 public:
  using Shared = std::shared_ptr<const Document>;
  using Make = std::function<Result<Document>()>;

  explicit DocumentCache(uint64_t limit_bytes) : documents_(limit_bytes) {}

  // nullptr when it is not there.
  Shared Find(const std::string& key) {
    const std::lock_guard lock(mu_);
    return FindLocked(key);
  }

  // Makes it when it is not there. Those who want the same at the same time wait for the one who makes it, and not more
  // than two documents are made at a time: making holds the whole of one in memory. Errors of `make` are passed on to
  // its caller alone and not kept; kInternal when it throws.
  Result<Shared> FindOrMake(const std::string& key, const Make& make);

 private:
  struct Making {
    bool over = false;
    Shared made;  // nullptr: it failed
  };

  Shared FindLocked(const std::string& key);
  void AddLocked(const std::string& key, Shared document);

  std::mutex mu_;
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<Making>> being_made_;
  Lru<std::string, Shared> documents_;
};

}  // namespace hilum::dicomweb
