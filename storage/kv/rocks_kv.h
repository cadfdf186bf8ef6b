// Kv on RocksDB. On disk: <directory>/db is RocksDB's, <directory>/watermark is ours.
#pragma once

#include <rocksdb/db.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/fail_stop.h"
#include "storage/kv/disk_guard.h"
#include "storage/kv/kv.h"
#include "storage/kv/manifest_watch.h"
#include "storage/kv/rocks_head.h"
#include "storage/kv/rocks_tables.h"
#include "storage/kv/watermark.h"

namespace hilum::storage {

inline std::string DbPathIn(const std::string& directory) {
  return directory + "/db";
}

class RocksKv : public Kv {
 public:
  RocksKv(KvOptions options, std::vector<const Merger*> mergers, Disk& disk, const Clock& clock, Logger log);
  ~RocksKv() override;

  // REQUIRES: called once, before anything else.
  Status Open();

  Result<std::optional<std::string>> Get(Family family, Bytes key, const Snapshot* snapshot) const override;
  Result<std::vector<std::optional<std::string>>> MultiGet(Family family, std::span<const std::string> keys,
                                                           const Snapshot* snapshot) const override;
  std::unique_ptr<Iterator> NewIterator(Family family, std::string lower, std::string upper,
                                        const Snapshot* snapshot) const override;
  std::unique_ptr<Snapshot> NewSnapshot() const override;
  Result<uint64_t> Commit(Batch batch, Space space) override;
  std::unique_ptr<BulkLoad> BeginBulkLoad() override;
  uint64_t sequence() const override { return sequence_; }
  Status health() const override { return fail_stop_->status(); }
  Result<uint64_t> Checkpoint(const std::string& directory) override;
  Status VerifyFiles() override;
  Status CompactAll() override;
  std::vector<std::pair<std::string, uint64_t>> Properties() const override;

 private:
  std::string DbPath() const { return DbPathIn(options_.directory); }
  std::string WatermarkPath() const { return options_.directory + "/watermark"; }

  // Steps of Open (rocks_open.cc).
  Result<bool> DatabaseExists() const;
  Status CheckSpaceToOpen() const;
  Status CheckNothingLost(const std::optional<StoreHead>& head, const std::optional<WatermarkValue>& watermark) const;
  Status OpenDatabase(bool create, bool create_families);
  Status CheckLogs() const;
  // Opened for reading only; null when it does not open even then.
  std::unique_ptr<RocksHandles> TryWithLossAccepted() const;
  // About a database that is refused: accepting the loss is advised only where it opens then.
  const char* WhatToDo() const;
  Result<StoreHead> InitialiseStore();

  rocksdb::WriteBatch ToWriteBatch(const Batch& batch) const;
  // Of a batch that was admitted.
  Status WriteBatch(rocksdb::WriteBatch changes, uint64_t sequence);

  // rocks_bulk_load.cc
  friend class RocksBulkLoad;
  void CountBulkLoads(int more);

  // Parts of Checkpoint and VerifyFiles (rocks_maintenance.cc).
  Result<uint64_t> CopyDatabase(const std::string& db_path);
  Status CheckRestart();

  const KvOptions options_;
  const std::vector<const Merger*> mergers_;
  Disk& disk_;
  const Logger log_;
  const std::shared_ptr<FailStop> fail_stop_;            // shared with RocksDB's listeners
  const std::shared_ptr<ManifestWatch> manifest_watch_;  // shared with RocksDB's listeners
  std::unique_ptr<Watermark> watermark_;                 // outlives the database, whose threads write it
  RocksHandles rocks_;
  std::mutex commit_mu_;
  // Copies of the database under way, guarded by commit_mu_. RocksDB lists the tables first and the logs later: tables
  // that are taken in between are in neither list, while a commit after them is in its log.
  int copies_ = 0;
  std::optional<TableCommits> table_commits_;
  DiskGuard disk_guard_;
  std::mutex bulk_loads_mu_;
  int bulk_loads_ = 0;  // under way
  std::atomic<uint64_t> sequence_{0};
};

}  // namespace hilum::storage
