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

// Beyond what the first level holds by these it is compacted into the next.
struct FirstLevel {
  int tables;
  uint64_t bytes;
};
FirstLevel UsualFirstLevel(const KvOptions& options);
// While a bulk load is under way: a compaction still finds room in the reserve (storage/space.h).
FirstLevel FirstLevelOfBulkLoad(const KvOptions& options);
// Taking in tables is not slowed down by compaction as writing is: beyond so many it waits.
inline constexpr int kMaxFirstLevelTables = 96;

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
