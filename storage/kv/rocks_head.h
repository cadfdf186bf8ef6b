// The opened database, and what the store says about itself in Family::kMeta.
#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/kv/rocks_options.h"
#include "storage/kv/watermark.h"

namespace hilum::storage {

// The database and its column families, closed together.
struct RocksHandles {
  RocksSetup setup;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> families;  // "default" first, as in setup.families

  RocksHandles() = default;
  RocksHandles(const RocksHandles&) = delete;
  RocksHandles& operator=(const RocksHandles&) = delete;
  ~RocksHandles();

  rocksdb::ColumnFamilyHandle* family(Family f) const { return families[1 + static_cast<size_t>(f)]; }
};

struct StoreHead {
  StoreId id{};
  uint64_t sequence = 0;  // of the last commit
};

// The number of the first write-ahead log that an open of the database reads.
uint64_t OldestLog(const RocksHandles& rocks);

// nullopt in a database that was never used. kUnsupported when another version of the program wrote it.
Result<std::optional<StoreHead>> ReadStoreHead(const RocksHandles& rocks);

// Marks a new database as a store, durably.
Status WriteStoreHead(const RocksHandles& rocks, const StoreHead& head);

// The row of the commit sequence, in Family::kMeta; no other key sorts after it.
Bytes SequenceKey();
std::string EncodeSequence(uint64_t sequence);
// Makes the batch carry its commit sequence.
rocksdb::Status AddSequence(const RocksHandles& rocks, uint64_t sequence, rocksdb::WriteBatch* batch);

}  // namespace hilum::storage
