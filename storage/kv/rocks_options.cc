#include "storage/kv/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>

#include "storage/kv/rocks_merge.h"

namespace hilum::storage {
namespace {

constexpr int kFilterBitsPerKey = 10;
constexpr int kOpenTables = 256;
constexpr size_t kBlockBytes = 16 << 10;
// Resources are read one by one, and each read unpacks a block.
constexpr size_t kResourceBlockBytes = 4 << 10;

// RocksDB keeps no log of its own: what goes wrong comes as a status, its lines may show keys, which have names of
// patients in them, and its file ends the process by an assertion (Debian builds with them) once the disk is full.
class Silence : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// Sizes follow the write buffers, so that what a flush and a compaction need at once stays within the low-water mark.
uint64_t TableBytes(const KvOptions& options) {
  return std::clamp<uint64_t>(options.write_buffer_bytes / 4, 1 << 20, 64 << 20);
}

rocksdb::DBOptions MakeDbOptions(const KvOptions& options) {
  rocksdb::DBOptions db;
  // RocksDB's default mode drops acknowledged commits when the middle of the log is damaged. A torn tail is normal
  // after a crash; the watermark tells it from a lost one. When the operator accepts the loss, everything up to the
  // damage is kept.
  db.wal_recovery_mode = options.accept_loss ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                                             : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // Logs that are closed but still needed are listed with their sizes: one that is gone or cut is noticed at open.
  db.track_and_verify_wals_in_manifest = true;
  db.paranoid_checks = true;
  db.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();

  db.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(options.write_buffer_bytes);
  db.max_total_wal_size = options.write_buffer_bytes;
  db.max_open_files = kOpenTables;
  // The commit mutex lets one batch in at a time, so write-path concurrency in RocksDB would only cost.
  db.allow_concurrent_memtable_write = false;
  db.max_background_jobs = 2;
  db.bytes_per_sync = 1 << 20;

  // First error: stop. Nothing is tried again.
  db.max_bgerror_resume_count = 0;

  db.info_log = std::make_shared<Silence>();
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.max_manifest_file_size = 16 << 20;
  return db;
}

rocksdb::ColumnFamilyOptions MakeFamilyOptions(const KvOptions& options, const std::shared_ptr<rocksdb::Cache>& cache,
                                               size_t block_bytes) {
  rocksdb::ColumnFamilyOptions family;
  const uint64_t table_bytes = TableBytes(options);
  const auto first_level = UsualFirstLevel(options);
  family.write_buffer_size = table_bytes;
  family.max_write_buffer_number = 2;
  family.level0_file_num_compaction_trigger = first_level.tables;
  family.level0_slowdown_writes_trigger = 2 * kMaxFirstLevelTables;
  family.level0_stop_writes_trigger = 3 * kMaxFirstLevelTables;
  family.target_file_size_base = table_bytes;
  family.max_bytes_for_level_base = first_level.bytes;
  family.max_compaction_bytes = 4 * table_bytes;
  family.level_compaction_dynamic_level_bytes = true;
  family.compression = rocksdb::kLZ4Compression;
  family.bottommost_compression = rocksdb::kZSTD;
  // Folding operands while they are in memory costs a second search of the memtable for each of them: half the rate of
  // index writes (index_bench), and no read gains by it.
  family.max_successive_merges = 0;

  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  table.block_size = block_bytes;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;  // each get asks all of them
  // Bloom where tables are short-lived, ribbon (a third smaller, slower to build) below.
  table.filter_policy.reset(rocksdb::NewRibbonFilterPolicy(kFilterBitsPerKey, 1));
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

// Bytes by which keys of a family are of one kind: the tenant, and what follows it.
size_t KindBytes(Family family) {
  switch (family) {
    case Family::kMeta:
      return 4;
    case Family::kObject:
      return 1;
    case Family::kCatalogue:
    case Family::kLog:
      return 5;
    case Family::kIndex:
      return 9;
    case Family::kResource:
      return 7;
  }
  return 1;
}

// Each read by id unpacks two blocks, which zstd takes several times as long for as LZ4. Resources look alike: a
// dictionary of some of them for each table makes up for half of what LZ4 packs worse (docs/adr/0007).
void UseDictionary(rocksdb::ColumnFamilyOptions* family) {
  family->bottommost_compression = rocksdb::kLZ4Compression;
  family->bottommost_compression_opts.enabled = true;
  family->bottommost_compression_opts.max_dict_bytes = 16 << 10;
  family->bottommost_compression_opts.max_dict_buffer_bytes = 8 << 20;
}

}  // namespace

const char* FamilyName(Family family) {
  static constexpr const char* kNames[kFamilyCount] = {"meta", "object", "catalogue", "index", "log", "resource"};
  return kNames[static_cast<size_t>(family)];
}

FirstLevel UsualFirstLevel(const KvOptions& options) {
  return {.tables = 4, .bytes = 4 * TableBytes(options)};
}

FirstLevel FirstLevelOfBulkLoad(const KvOptions& options) {
  // It is written anew together with a next level of the same size, perhaps when only the reserve is left.
  const uint64_t reserve = ReserveMark(options.low_water_bytes, options.write_buffer_bytes);
  return {.tables = 64, .bytes = std::max(UsualFirstLevel(options).bytes, reserve / 2)};
}

RocksSetup MakeRocksSetup(const KvOptions& options, std::span<const Merger* const> mergers) {
  RocksSetup setup;
  setup.db = MakeDbOptions(options);
  setup.cache = rocksdb::NewLRUCache(options.block_cache_bytes, /*num_shard_bits=*/2);
  const auto family_options = MakeFamilyOptions(options, setup.cache, kBlockBytes);
  setup.families.emplace_back(rocksdb::kDefaultColumnFamilyName, family_options);
  for (size_t i = 0; i < kFamilyCount; ++i) {
    auto& family = setup.families.emplace_back(FamilyName(static_cast<Family>(i)), family_options);
    if (static_cast<Family>(i) == Family::kResource) {
      family.options = MakeFamilyOptions(options, setup.cache, kResourceBlockBytes);
      UseDictionary(&family.options);
    }
    // The memory table looks for the place of a key from where the last of its kind went: most count up.
    family.options.memtable_insert_with_hint_prefix_extractor.reset(
        rocksdb::NewFixedPrefixTransform(KindBytes(static_cast<Family>(i))));
    if (i < mergers.size() && mergers[i] != nullptr) {
      family.options.merge_operator = std::make_shared<RocksMerge>(*mergers[i]);
      family.options.compaction_filter_factory = std::make_shared<RocksDropNothing>(*mergers[i]);
    }
  }
  return setup;
}

}  // namespace hilum::storage
