// The copying half of compaction.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "storage/object/object_store.h"

namespace hilum::storage::segment {

// Copies what is live in a sealed segment to wherever `store` puts it; the copies are not synced. kCorruption, and
// nothing copied, when a live body is damaged: then the segment must stay, since nothing else has what is left of it.
Result<std::vector<ObjectStore::Move>> CopyLiveRecords(
    ObjectStore& store, uint32_t segment, const std::shared_ptr<File>& file,
    const std::function<Result<bool>(Bytes id, const ObjectRef&)>& is_live);

}  // namespace hilum::storage::segment
