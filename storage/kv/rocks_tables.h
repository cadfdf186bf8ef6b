// Large commits as tables: each family's changes are written to files that RocksDB then takes in, all or none, instead
// of through its log and memory, where each key costs several times as much. Durable when it returns, like a synced
// log. Not thread-safe.
#pragma once

#include <string>
#include <vector>

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
  using Tables = std::vector<rocksdb::IngestExternalFileArg>;
  // First the tables are written. An error leaves the store unchanged, and of a full disk nothing is left.
  Result<Tables> Write(const BatchOperations& batch, uint64_t sequence);
  // Then they are taken in; an error may leave the store changed.
  Status TakeIn(const Tables& tables);

 private:
  TableCommits(const RocksHandles& rocks, Disk& disk, std::string directory, const FailStop& fail_stop)
      : rocks_(&rocks), disk_(&disk), directory_(std::move(directory)), fail_stop_(&fail_stop) {}
  Status RemoveFiles();
  Status WaitForCompaction() const;

  const RocksHandles* rocks_;
  Disk* disk_;
  std::string directory_;
  const FailStop* fail_stop_;
};

}  // namespace hilum::storage
