#include "server/dicomweb/document_cache.h"

#include "base/exceptions.h"

namespace hilum::dicomweb {
namespace {

constexpr size_t kMadeAtATime = 2;
constexpr uint64_t kEntryOverhead = 256;  // nodes of the list and the map, about

}  // namespace

uint64_t DocumentCache::Entry::Bytes() const {
  return document->packed.size() + 2 * key.size() + kEntryOverhead;
}

DocumentCache::Shared DocumentCache::FindLocked(const std::string& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return found->second->document;
}

void DocumentCache::AddLocked(const std::string& key, Shared document) {
  Entry entry{key, std::move(document)};
  if (entry.Bytes() > limit_bytes_) return;  // it would push out everything and not stay either
  bytes_ += entry.Bytes();
  by_use_.push_front(std::move(entry));
  by_key_[key] = by_use_.begin();
  while (bytes_ > limit_bytes_) {
    bytes_ -= by_use_.back().Bytes();
    by_key_.erase(by_use_.back().key);
    by_use_.pop_back();
  }
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
