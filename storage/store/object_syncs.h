// When objects become durable: before the rows that name them are committed (docs/adr/0003-objects-in-segments.md).
// Large ones are synced by who stores them, so that nobody else's commit waits for them; small ones by the commit, all
// that wait for it at once. Add is safe for concurrent use, also beside Sync, which one thread at a time calls. The
// objects outlive it.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>

#include "storage/object/object_store.h"

namespace hilum::storage {

class ObjectSyncs {
 public:
  explicit ObjectSyncs(ObjectStore& objects) : objects_(objects) {}

  // Written objects, of which rows come in commits that begin after this.
  Status Add(std::span<const ObjectRef> refs);
  // Before a commit: whatever was added is durable then.
  Status Sync();

 private:
  ObjectStore& objects_;
  std::mutex mu_;
  std::map<uint32_t, ObjectRef> waiting_;  // one of each segment, with which all of it is synced
};

}  // namespace hilum::storage
