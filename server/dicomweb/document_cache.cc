#include "server/dicomweb/document_cache.h"

#include "base/exceptions.h"

namespace hilum::dicomweb {
namespace {

constexpr size_t kMadeAtATime = 2;
constexpr uint64_t kEntryOverhead = 256;  // of the cache, about

}  // namespace

DocumentCache::Shared DocumentCache::FindLocked(const std::string& key) {
  const Shared* found = documents_.Find(key);
  return found ? *found : nullptr;
}

void DocumentCache::AddLocked(const std::string& key, Shared document) {
  const uint64_t bytes = document->packed.size() + key.size() + kEntryOverhead;
  documents_.Put(key, std::move(document), bytes);
}

Result<DocumentCache::Shared> DocumentCache::FindOrMake(const std::string& key, const Make& make) {
  std::unique_lock lock(mu_);
  for (;;) {
    if (Shared found = FindLocked(key)) return found;
    if (const auto other = being_made_.find(key); other != being_made_.end()) {
      const std::shared_ptr<Making> making = other->second;
      changed_.wait(lock, [&] { return making->over; });
      if (making->made) return making->made;
    } else if (being_made_.size() < kMadeAtATime) {
      break;
    } else {
      changed_.wait(lock);
    }
  }
  const auto making = std::make_shared<Making>();
  being_made_[key] = making;
  lock.unlock();
  Result<Document> made = WithoutExceptions(make);  // others wait for it
  lock.lock();
  being_made_.erase(key);
  making->over = true;
  if (made.ok()) {
    making->made = std::make_shared<const Document>(*std::move(made));
    AddLocked(key, making->made);
  }
  changed_.notify_all();
  if (!made.ok()) return made.status();
  return making->made;
}

}  // namespace hilum::dicomweb
