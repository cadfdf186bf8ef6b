#include "storage/store/object_syncs.h"

#include <utility>

namespace hilum::storage {
namespace {

// From here on writing to the disk takes longer than asking it to sync.
constexpr uint64_t kLargeBytes = 128 << 10;

}  // namespace

Status ObjectSyncs::Add(std::span<const ObjectRef> refs) {
  uint64_t bytes = 0;
  for (const ObjectRef& ref : refs) bytes += ref.length;
  if (bytes >= kLargeBytes) return objects_.Sync(refs);
  const std::lock_guard lock(mu_);
  for (const ObjectRef& ref : refs) waiting_.emplace(ref.segment, ref);
  return Status::Ok();
}

Status ObjectSyncs::Sync() {
  std::map<uint32_t, ObjectRef> waiting;
  {
    const std::lock_guard lock(mu_);
    waiting.swap(waiting_);
  }
  for (const auto& [segment, ref] : waiting) {
    Status synced = objects_.Sync({&ref, 1});
    // Compaction removed the segment: whoever wrote there gave up before the commit.
    if (synced.code() != Code::kNotFound) HILUM_RETURN_IF_ERROR(std::move(synced));
  }
  // What a sync that failed was to make durable may be named by the commits after it.
  return objects_.health();
}

}  // namespace hilum::storage
