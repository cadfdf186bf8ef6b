#include "storage/kv/manifest_watch.h"

#include <utility>
#include <vector>

#include "storage/kv/rocks_status.h"

namespace hilum::storage {

ManifestWatch::ManifestWatch(Disk& disk, std::string db_path, std::shared_ptr<FailStop> fail_stop)
    : disk_(disk), db_path_(std::move(db_path)), fail_stop_(std::move(fail_stop)) {}

Status ManifestWatch::Start(rocksdb::DB& db, Watermark& watermark) {
  std::lock_guard lock(mu_);
  watermark_ = &watermark;
  return RecordLocked(db);
}

Status ManifestWatch::Check() const {
  std::lock_guard lock(mu_);
  return CheckManifest(disk_, db_path_, recorded_);
}

void ManifestWatch::Refresh(rocksdb::DB& db) {
  std::lock_guard lock(mu_);
  if (watermark_ == nullptr) return;
  Status recorded = RecordLocked(db);
  if (!recorded.ok()) fail_stop_->Trip(recorded).IgnoreError();
}

Status ManifestWatch::RecordLocked(rocksdb::DB& db) {
  std::vector<std::string> files;
  uint64_t bytes = 0;  // those that are synced
  HILUM_RETURN_IF_ERROR(FromRocks("list the files of the store", db.GetLiveFiles(files, &bytes, false)));
  for (const auto& file : files) {
    const uint64_t number = ManifestNumber(file);
    if (number == 0) continue;
    if (number == recorded_.number && bytes == recorded_.bytes) return Status::Ok();
    HILUM_ASSIGN_OR_RETURN(recorded_, PrintManifest(disk_, db_path_, number, bytes));
    return watermark_->RecordManifest(recorded_);
  }
  return Internal("RocksDB names no manifest");
}

}  // namespace hilum::storage
