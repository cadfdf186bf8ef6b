// Opening a store: everything that could make it silently shorter than what was acknowledged is refused here.
#include <rocksdb/listener.h>

#include <filesystem>
#include <utility>

#include "base/random.h"
#include "storage/kv/closed_logs.h"
#include "storage/kv/rocks_counters.h"
#include "storage/kv/rocks_kv.h"
#include "storage/kv/rocks_status.h"

namespace hilum::storage {
namespace {

constexpr const char* kAcceptLoss =
    "restore a backup, or start with --store.accept_loss=true to go on without what is missing";
constexpr const char* kRestore =
    "keep the folder, restore a backup; store.accept_loss goes on without commits and segments, not without tables of "
    "rows or the list of them";
// New log, manifest and options files, beside what recovery writes.
constexpr uint64_t kOpenOverheadBytes = 8 << 20;

// Of RocksDB's own threads.
class BackgroundListener : public rocksdb::EventListener {
 public:
  explicit BackgroundListener(std::shared_ptr<FailStop> fail_stop) : fail_stop_(std::move(fail_stop)) {}
  void OnFlushBegin(rocksdb::DB*, const rocksdb::FlushJobInfo&) override { StopCounting(); }
  void OnCompactionBegin(rocksdb::DB*, const rocksdb::CompactionJobInfo&) override { StopCounting(); }
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) override {
    fail_stop_->Trip(FromRocks("write in the background", *error)).IgnoreError();
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  const std::shared_ptr<FailStop> fail_stop_;
};

Status CheckOptions(const KvOptions& options) {
  if (options.low_water_bytes >= 2 * options.write_buffer_bytes) return Status::Ok();
  return Invalid("the low-water mark of free disk space must be at least twice the write buffers");
}

}  // namespace

Result<std::unique_ptr<Kv>> Kv::Open(KvOptions options, std::span<const Merger* const> mergers, Disk& disk,
                                     const Clock& clock, Logger log) {
  HILUM_RETURN_IF_ERROR(CheckOptions(options));
  std::vector<const Merger*> family_mergers(mergers.begin(), mergers.end());
  family_mergers.resize(kFamilyCount);
  auto kv = std::make_unique<RocksKv>(std::move(options), std::move(family_mergers), disk, clock, std::move(log));
  HILUM_RETURN_IF_ERROR(kv->Open());
  return std::unique_ptr<Kv>(std::move(kv));
}

Result<bool> Kv::IsThere(const Disk& disk, const std::string& directory) {
  return disk.Exists(DbPathIn(directory) + "/CURRENT");
}

Status RocksKv::Open() {
  HILUM_RETURN_IF_ERROR(disk_.CreateDirectories(options_.directory));
  HILUM_ASSIGN_OR_RETURN(const bool exists, DatabaseExists());
  auto watermark = ReadWatermark(disk_, WatermarkPath());
  if (!watermark.ok()) {
    if (watermark.status().code() != Code::kCorruption || !options_.accept_loss) {
      return watermark.status().WithContext(std::string("cannot tell whether commits are missing (") + kAcceptLoss +
                                            ")");
    }
    watermark = std::optional<WatermarkValue>();
  }
  if (!exists) HILUM_RETURN_IF_ERROR(CheckNothingLost(std::nullopt, *watermark));
  if (exists && *watermark && !options_.accept_loss) {
    const Status intact = CheckManifest(disk_, DbPath(), (*watermark)->manifest);
    if (!intact.ok()) return Status(intact.code(), intact.message() + ": " + WhatToDo());
  }
  if (exists) HILUM_RETURN_IF_ERROR(CheckLogs());
  HILUM_RETURN_IF_ERROR(CheckSpaceToOpen());

  // Families are created once. Later, a missing one is lost data.
  const bool nothing_acknowledged = !*watermark || (*watermark)->sequence == 0;
  HILUM_RETURN_IF_ERROR(OpenDatabase(!exists, !exists || nothing_acknowledged));
  HILUM_ASSIGN_OR_RETURN(auto head, ReadStoreHead(rocks_));
  HILUM_RETURN_IF_ERROR(CheckNothingLost(head, *watermark));
  if (!head) {
    HILUM_ASSIGN_OR_RETURN(head, InitialiseStore());
  }
  sequence_ = head->sequence;
  HILUM_ASSIGN_OR_RETURN(table_commits_,
                         TableCommits::Open(rocks_, disk_, options_.directory + "/tables", *fail_stop_));

  auto on_error = [fail_stop = fail_stop_](const Status& error) { fail_stop->Trip(error).IgnoreError(); };
  HILUM_ASSIGN_OR_RETURN(
      watermark_, Watermark::Create(disk_, WatermarkPath(), {head->id, head->sequence, {}}, std::move(on_error)));
  return manifest_watch_->Start(*rocks_.db, *watermark_);
}

Result<bool> RocksKv::DatabaseExists() const {
  HILUM_ASSIGN_OR_RETURN(const bool has_directory, disk_.Exists(DbPath()));
  if (!has_directory) return false;
  HILUM_ASSIGN_OR_RETURN(const bool has_current, disk_.Exists(DbPath() + "/CURRENT"));
  if (has_current) return true;
  HILUM_ASSIGN_OR_RETURN(const auto names, disk_.List(DbPath()));
  for (const auto& name : names) {
    // RocksDB would start anew and remove them.
    if (name.ends_with(".sst") || name.ends_with(".log")) {
      return Corruption(DbPath() + ": CURRENT is missing, but " + name + " is there: restore a backup");
    }
  }
  return false;
}

Status RocksKv::CheckSpaceToOpen() const {
  HILUM_ASSIGN_OR_RETURN(const uint64_t free, disk_.FreeBytes(options_.directory));
  // Recovery turns the log into tables.
  uint64_t needed = kOpenOverheadBytes;
  HILUM_ASSIGN_OR_RETURN(const bool has_directory, disk_.Exists(DbPath()));
  if (has_directory) {
    HILUM_ASSIGN_OR_RETURN(const auto names, disk_.List(DbPath()));
    for (const auto& name : names) {
      if (!name.ends_with(".log")) continue;
      HILUM_ASSIGN_OR_RETURN(const auto file, disk_.Open(DbPath() + "/" + name, OpenMode::kRead));
      HILUM_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
      needed += size;
    }
  }
  if (free >= needed) return Status::Ok();
  return DiskFull("opening the store needs " + std::to_string((needed >> 20) + 1) + " MiB of free space at " +
                  options_.directory + ", there are " + std::to_string(free >> 20) + " MiB: free some space");
}

Status RocksKv::OpenDatabase(bool create, bool create_families) {
  rocks_.setup = MakeRocksSetup(options_, mergers_);
  rocks_.setup.db.create_if_missing = create;
  rocks_.setup.db.create_missing_column_families = create_families;
  rocks_.setup.db.listeners = {std::make_shared<BackgroundListener>(fail_stop_), manifest_watch_};
  rocksdb::DB* db = nullptr;
  const auto opened = rocksdb::DB::Open(rocks_.setup.db, DbPath(), rocks_.setup.families, &rocks_.families, &db);
  rocks_.db.reset(db);
  if (opened.ok()) return Status::Ok();
  const std::string step = "open " + DbPath();
  const bool is_damaged = opened.IsCorruption() || (!create && opened.IsPathNotFound());
  if (!is_damaged) return FromRocks(step, opened);
  return Corruption(RocksMessage(step, opened) + ": " + WhatToDo());
}

std::unique_ptr<RocksHandles> RocksKv::TryWithLossAccepted() const {
  KvOptions options = options_;
  options.accept_loss = true;
  auto trial = std::make_unique<RocksHandles>();
  trial->setup = MakeRocksSetup(options, mergers_);
  rocksdb::DB* db = nullptr;
  const auto opened =
      rocksdb::DB::OpenForReadOnly(trial->setup.db, DbPath(), trial->setup.families, &trial->families, &db);
  trial->db.reset(db);
  return opened.ok() ? std::move(trial) : nullptr;
}

const char* RocksKv::WhatToDo() const {
  return !options_.accept_loss && TryWithLossAccepted() != nullptr ? kAcceptLoss : kRestore;
}

Status RocksKv::CheckLogs() const {
  Status whole = CheckClosedLogs(disk_, DbPath(), 0);
  if (whole.code() != Code::kCorruption) return whole;
  // A start that was cut short leaves logs behind, damaged or not, that are not read again.
  const auto trial = TryWithLossAccepted();
  if (trial != nullptr) whole = CheckClosedLogs(disk_, DbPath(), OldestLog(*trial));
  if (whole.code() != Code::kCorruption) return whole;
  const std::string problem = whole.message() + ", so that acknowledged commits are missing";
  if (!options_.accept_loss) return Corruption(problem + "; " + (trial != nullptr ? kAcceptLoss : kRestore));
  log_.Warning("opened with --store.accept_loss", {{"problem", problem}});
  return Status::Ok();
}

Status RocksKv::CheckNothingLost(const std::optional<StoreHead>& head,
                                 const std::optional<WatermarkValue>& watermark) const {
  const uint64_t found = head ? head->sequence : 0;
  std::string problem;
  if (!watermark && found > 0) {
    problem =
        "the watermark is missing, so that nobody can tell whether commits are missing after " + std::to_string(found);
  } else if (watermark && watermark->sequence > 0 && head && watermark->store != head->id) {
    problem = "the watermark belongs to another store: the " + std::to_string(watermark->sequence) +
              " commits it acknowledged are missing";
  } else if (watermark && watermark->sequence > found) {
    problem = std::to_string(watermark->sequence - found) + " acknowledged commits are missing: the store ends at " +
              std::to_string(found) + ", commit " + std::to_string(watermark->sequence) + " was acknowledged";
  }
  if (problem.empty()) return Status::Ok();
  if (!options_.accept_loss) return Corruption(options_.directory + ": " + problem + "; " + kAcceptLoss);
  log_.Warning("opened with --store.accept_loss", {{"problem", problem}});
  return Status::Ok();
}

Result<StoreHead> RocksKv::InitialiseStore() {
  StoreHead head;
  SystemRandom().Fill(head.id);
  HILUM_RETURN_IF_ERROR(WriteStoreHead(rocks_, head));
  // The directory itself must survive power loss, or a store that vanished would look like one that never was.
  const auto parent = std::filesystem::absolute(options_.directory).parent_path().string();
  HILUM_RETURN_IF_ERROR(disk_.SyncDirectory(parent));
  return head;
}

}  // namespace hilum::storage
