#include "storage/kv/manifest_watch.h"

#include <utility>
#include <vector>

#include "storage/kv/rocks_status.h"

namespace hilum::storage {

namespace {

// The number of the manifest, and how many of its bytes are synced.
Result<std::pair<uint64_t, uint64_t>> SyncedManifest(rocksdb::DB& db) {
  std::vector<std::string> files;
  uint64_t bytes = 0;
  HILUM_RETURN_IF_ERROR(FromRocks("list the files of the store", db.GetLiveFiles(files, &bytes, false)));
  for (const auto& file : files) {
    if (const uint64_t number = ManifestNumber(file); number != 0) return std::pair(number, bytes);
  }
  return Internal("RocksDB names no manifest");
}

}  // namespace

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
  HILUM_ASSIGN_OR_RETURN(auto synced, SyncedManifest(db));
  if (synced == std::pair(recorded_.number, recorded_.bytes)) return Status::Ok();
  auto print = PrintManifest(disk_, db_path_, synced.first, synced.second);
  if (print.status().code() == Code::kNotFound) {
    // Another thread of RocksDB began the next one meanwhile, and removed this one.
    HILUM_ASSIGN_OR_RETURN(synced, SyncedManifest(db));
    print = PrintManifest(disk_, db_path_, synced.first, synced.second);
  }
  HILUM_ASSIGN_OR_RETURN(recorded_, std::move(print));
  return watermark_->RecordManifest(recorded_);
}

}  // namespace hilum::storage
