// Large commits as tables: each family's changes are written to files that RocksDB then takes in, all or none, instead
// of through its log and memory, where each key costs several times as much. Durable when it returns, like a synced
// log. Not thread-safe.
#pragma once

#include <string>

#include "base/disk.h"
#include "base/fail_stop.h"
#include "storage/kv/batch.h"
#include "storage/kv/rocks_head.h"

namespace hilum::storage {

class TableCommits {
 public:
  // Files are made in `directory`, on the disk of the database; leftovers of a crash there are removed.
  // `fail_stop` ends the wait for compactions; all outlive it.
  static Result<TableCommits> Open(const RocksHandles& rocks, Disk& disk, std::string directory,
                                   const FailStop& fail_stop);

  // Whether the batch is large enough to gain by it, and in order.
  static bool Takes(const BatchOperations& batch) { return batch.ordered && batch.bytes >= kTableCommitBytes; }
  // An error before the tables are taken in leaves the store unchanged; one of taking them in may not.
  Status Commit(const BatchOperations& batch, uint64_t sequence);

 private:
  TableCommits(const RocksHandles& rocks, Disk& disk, std::string directory, const FailStop& fail_stop)
      : rocks_(&rocks), disk_(&disk), directory_(std::move(directory)), fail_stop_(&fail_stop) {}
  Result<std::vector<rocksdb::IngestExternalFileArg>> WriteTables(const BatchOperations& batch, uint64_t sequence);
  Status RemoveFiles();
  Status WaitForCompaction() const;

  const RocksHandles* rocks_;
  Disk* disk_;
  std::string directory_;
  const FailStop* fail_stop_;
};

}  // namespace hilum::storage
