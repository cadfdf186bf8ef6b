// Keeps the watermark's fingerprint of the manifest up to date while RocksDB adds to it. Safe for concurrent use.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/listener.h>

#include <memory>
#include <mutex>
#include <string>

#include "base/disk.h"
#include "base/fail_stop.h"
#include "storage/kv/manifest.h"
#include "storage/kv/watermark.h"

namespace hilum::storage {

class ManifestWatch : public rocksdb::EventListener {
 public:
  // The disk outlives the watch.
  ManifestWatch(Disk& disk, std::string db_path, std::shared_ptr<FailStop> fail_stop);

  // Records now, and from now on after every flush, compaction and table that is taken in. `watermark` outlives the
  // database.
  Status Start(rocksdb::DB& db, Watermark& watermark);

  // kCorruption when the manifest is not what was last recorded.
  Status Check() const;

  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo&) override { Refresh(*db); }
  void OnExternalFileIngested(rocksdb::DB* db, const rocksdb::ExternalFileIngestionInfo&) override { Refresh(*db); }
  void OnCompactionCompleted(rocksdb::DB* db, const rocksdb::CompactionJobInfo&) override { Refresh(*db); }

 private:
  void Refresh(rocksdb::DB& db);
  Status RecordLocked(rocksdb::DB& db);

  Disk& disk_;
  const std::string db_path_;
  const std::shared_ptr<FailStop> fail_stop_;
  mutable std::mutex mu_;
  Watermark* watermark_ = nullptr;  // null before Start
  ManifestPrint recorded_;
};

}  // namespace hilum::storage
