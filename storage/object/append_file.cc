#include "storage/object/append_file.h"

namespace hilum::storage::segment {

Status AppendFile::Write(uint64_t offset, std::span<const Bytes> pieces) {
  HILUM_RETURN_IF_ERROR(fail_stop_.status());
  return Wrote(file_->WritePiecesAt(offset, pieces));
}

Status AppendFile::WriteDirect(uint64_t offset, Bytes pages) {
  HILUM_RETURN_IF_ERROR(fail_stop_.status());
  return Wrote(file_->WriteDirectAt(offset, pages));
}

Status AppendFile::Wrote(Status status) {
  if (!status.ok()) return fail_stop_.Trip(status);
  written_.fetch_add(1, std::memory_order_release);
  return Status::Ok();
}

Status AppendFile::Sync() {
  std::unique_lock lock(mu_);
  const uint64_t wanted = written_.load(std::memory_order_acquire);
  while (durable_ < wanted) {
    HILUM_RETURN_IF_ERROR(fail_stop_.status());
    if (syncing_) {
      synced_.wait(lock);
      continue;
    }
    syncing_ = true;
    const uint64_t covered = written_.load(std::memory_order_acquire);
    lock.unlock();
    Status status = file_->Sync();
    if (!status.ok()) status = fail_stop_.Trip(status);
    lock.lock();
    syncing_ = false;
    if (status.ok()) durable_ = covered;
    synced_.notify_all();
    HILUM_RETURN_IF_ERROR(std::move(status));
  }
  return fail_stop_.status();
}

}  // namespace hilum::storage::segment
