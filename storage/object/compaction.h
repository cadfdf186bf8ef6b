// The copying half of compaction.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "storage/object/object_store.h"

namespace hilum::storage::segment {

// Copies what is alive in the file of a sealed segment to wherever `store` puts it; the copies are not synced.
// kCorruption, and nothing copied, when a live body is damaged: then the segment must stay, since nothing else has what
// is left of it.
Result<std::vector<ObjectStore::Move>> CopyLiveRecords(ObjectStore& store, const std::shared_ptr<File>& file,
                                                       std::span<const ObjectStore::LiveObject> live);

}  // namespace hilum::storage::segment
