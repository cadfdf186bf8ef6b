// How RocksDB is set up: memory, recovery, files. Pure functions.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_buffer_manager.h>

#include <memory>
#include <string>
#include <vector>

#include "storage/kv/kv.h"

namespace hilum::storage {

// Compaction begins with so many tables at the first level, and with so many while a bulk load is under way.
inline constexpr int kFirstLevelTables = 4;
inline constexpr int kFirstLevelTablesOfBulkLoad = 16;
// Taking in tables is not slowed down by compaction as writing is: beyond so many it waits.
inline constexpr int kMaxFirstLevelTables = 24;

// The name of the family's column family; on disk.
const char* FamilyName(Family family);

struct RocksSetup {
  rocksdb::DBOptions db;
  // RocksDB's own "default", which stays empty, then one for each Family.
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  std::shared_ptr<rocksdb::Cache> cache;
};

RocksSetup MakeRocksSetup(const KvOptions& options, std::span<const Merger* const> mergers);

}  // namespace hilum::storage
