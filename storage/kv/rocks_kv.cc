#include "storage/kv/rocks_kv.h"

#include "storage/kv/batch.h"
#include "storage/kv/rocks_counters.h"
#include "storage/kv/rocks_head.h"
#include "storage/kv/rocks_iterator.h"
#include "storage/kv/rocks_status.h"

namespace hilum::storage {
namespace {

class RocksSnapshot : public Snapshot {
 public:
  explicit RocksSnapshot(rocksdb::DB* db) : db_(db), snapshot_(db->GetSnapshot()) {}
  ~RocksSnapshot() override { db_->ReleaseSnapshot(snapshot_); }
  const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  rocksdb::DB* const db_;
  const rocksdb::Snapshot* const snapshot_;
};

rocksdb::ReadOptions ReadAt(const Snapshot* snapshot) {
  StopCounting();
  rocksdb::ReadOptions read;
  if (snapshot != nullptr) read.snapshot = static_cast<const RocksSnapshot*>(snapshot)->get();
  return read;
}

}  // namespace

RocksKv::RocksKv(KvOptions options, std::vector<const Merger*> mergers, Disk& disk, const Clock& clock, Logger log)
    : options_(std::move(options)),
      mergers_(std::move(mergers)),
      disk_(disk),
      log_(std::move(log)),
      fail_stop_(std::make_shared<FailStop>("the key-value store", options_.on_fatal, log_)),
      manifest_watch_(std::make_shared<ManifestWatch>(disk, DbPath(), fail_stop_)),
      disk_guard_(disk, clock, options_.directory,
                  {.low_water_bytes = options_.low_water_bytes,
                   .reserve_bytes = ReserveMark(options_.low_water_bytes, options_.write_buffer_bytes)}) {}

RocksKv::~RocksKv() = default;

Result<std::optional<std::string>> RocksKv::Get(Family family, Bytes key, const Snapshot* snapshot) const {
  std::string value;
  const auto status = rocks_.db->Get(ReadAt(snapshot), rocks_.family(family), key, &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return FromRocks(std::string("read ") + FamilyName(family), status);
  return std::optional<std::string>(std::move(value));
}

Result<std::vector<std::optional<std::string>>> RocksKv::MultiGet(Family family, std::span<const std::string> keys,
                                                                  const Snapshot* snapshot) const {
  const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> found(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  rocks_.db->MultiGet(ReadAt(snapshot), rocks_.family(family), keys.size(), slices.data(), found.data(),
                      statuses.data());
  std::vector<std::optional<std::string>> values(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    if (!statuses[i].ok()) return FromRocks(std::string("read ") + FamilyName(family), statuses[i]);
    values[i] = found[i].ToString();
  }
  return values;
}

std::unique_ptr<Iterator> RocksKv::NewIterator(Family family, std::string lower, std::string upper,
                                               const Snapshot* snapshot) const {
  return std::make_unique<RocksIterator>(rocks_.db.get(), rocks_.family(family), FamilyName(family), ReadAt(snapshot),
                                         std::move(lower), std::move(upper));
}

std::unique_ptr<Snapshot> RocksKv::NewSnapshot() const {
  return std::make_unique<RocksSnapshot>(rocks_.db.get());
}

rocksdb::WriteBatch RocksKv::ToWriteBatch(const Batch& batch) const {
  constexpr size_t kHeaderAndSequence = 64;
  rocksdb::WriteBatch changes(batch.rep_->operations.size() + kHeaderAndSequence);
  batch.rep_->ForEach([&](Operation operation, Family family, Bytes key, Bytes value) {
    auto* const column_family = rocks_.family(family);
    // The batch has no size limit of its own: adding cannot fail.
    switch (operation) {
      case Operation::kPut:
        changes.Put(column_family, key, value).PermitUncheckedError();
        break;
      case Operation::kDelete:
        changes.Delete(column_family, key).PermitUncheckedError();
        break;
      case Operation::kMerge:
        changes.Merge(column_family, key, value).PermitUncheckedError();
        break;
    }
  });
  return changes;
}

Status RocksKv::WriteBatch(rocksdb::WriteBatch changes, uint64_t sequence) {
  rocksdb::WriteOptions durable;
  durable.sync = true;
  HILUM_RETURN_IF_ERROR(FromRocks("commit", AddSequence(rocks_, sequence, &changes)));
  return FromRocks("commit", rocks_.db->Write(durable, &changes));
}

Result<uint64_t> RocksKv::Commit(Batch batch, Space space) {
  if (batch.rep_->oversized || batch.bytes() > kMaxTaskBytes) {
    return LimitExceeded("commit: a key, a value or the batch is larger than the store takes (1 kB, 64 kB, 256 MB)");
  }
  // RocksDB would notice only after the log is written.
  for (size_t i = 0; i < kFamilyCount; ++i) {
    if ((batch.rep_->merged_families >> i & 1) != 0 && mergers_[i] == nullptr) {
      return Internal("commit: merge into a family that has no merger");
    }
  }
  StopCounting();
  const bool is_large = TableCommits::Takes(*batch.rep_);
  rocksdb::WriteBatch changes;
  if (!is_large) changes = ToWriteBatch(batch);
  std::lock_guard lock(commit_mu_);
  HILUM_RETURN_IF_ERROR(fail_stop_->status());
  HILUM_RETURN_IF_ERROR(disk_guard_.Admit(batch.bytes(), space));

  const bool as_tables = is_large && copies_ == 0;
  if (is_large && !as_tables) changes = ToWriteBatch(batch);
  const uint64_t next = sequence_ + 1;
  TableCommits::Tables tables;
  if (as_tables) {
    auto made = table_commits_->Write(*batch.rep_, next);
    if (made.status().code() == Code::kDiskFull) return made.status();
    if (!made.ok()) return fail_stop_->Trip(made.status());
    tables = std::move(*made);
  }
  Status written = as_tables ? table_commits_->TakeIn(tables) : WriteBatch(std::move(changes), next);
  if (written.ok()) written = watermark_->Record(next);
  if (!written.ok()) {
    return fail_stop_->Trip(written);
  }
  sequence_ = next;
  return next;
}

Status RocksKv::CompactAll() {
  rocksdb::CompactRangeOptions compact;
  compact.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  for (auto* family : rocks_.families) {
    HILUM_RETURN_IF_ERROR(
        FromRocks("compact " + family->GetName(), rocks_.db->CompactRange(compact, family, nullptr, nullptr)));
  }
  return Status::Ok();
}

std::vector<std::pair<std::string, uint64_t>> RocksKv::Properties() const {
  static constexpr std::pair<const char*, const std::string*> kSummed[] = {
      {"memtable_bytes", &rocksdb::DB::Properties::kSizeAllMemTables},
      {"table_reader_bytes", &rocksdb::DB::Properties::kEstimateTableReadersMem},
      {"table_bytes", &rocksdb::DB::Properties::kTotalSstFilesSize},
      {"live_data_bytes", &rocksdb::DB::Properties::kEstimateLiveDataSize},
      {"keys_estimate", &rocksdb::DB::Properties::kEstimateNumKeys},
      {"pending_compaction_bytes", &rocksdb::DB::Properties::kEstimatePendingCompactionBytes},
  };
  // RocksDB counts these once for the whole database.
  static constexpr std::pair<const char*, const std::string*> kSingle[] = {
      {"running_compactions", &rocksdb::DB::Properties::kNumRunningCompactions},
      {"running_flushes", &rocksdb::DB::Properties::kNumRunningFlushes},
      {"write_stopped", &rocksdb::DB::Properties::kIsWriteStopped},
  };
  std::vector<std::pair<std::string, uint64_t>> properties;
  for (const auto& [name, property] : kSummed) {
    uint64_t value = 0;
    rocks_.db->GetAggregatedIntProperty(*property, &value);
    properties.emplace_back(name, value);
  }
  for (const auto& [name, property] : kSingle) {
    uint64_t value = 0;
    rocks_.db->GetIntProperty(*property, &value);
    properties.emplace_back(name, value);
  }
  properties.emplace_back("block_cache_bytes", rocks_.setup.cache->GetUsage());
  std::vector<rocksdb::LiveFileMetaData> tables;
  rocks_.db->GetLiveFilesMetaData(&tables);
  properties.emplace_back("table_files", tables.size());
  properties.emplace_back("sequence", sequence_);
  return properties;
}

}  // namespace hilum::storage
