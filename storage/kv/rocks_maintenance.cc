// Copies and checks of a whole store.
#include <rocksdb/utilities/checkpoint.h>

#include <filesystem>

#include "storage/kv/rocks_kv.h"
#include "storage/kv/rocks_status.h"

namespace hilum::storage {
namespace {

// Removes a directory when it goes out of scope, unless kept.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  ~TemporaryDirectory() {
    std::error_code ignored;  // what is left is found and removed by the next use of the name
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  void Keep() { path_.clear(); }

 private:
  std::string path_;
};

// Counts as long as it lives.
class Counted {
 public:
  Counted(std::mutex& mu, int* count) : mu_(mu), count_(count) { Add(1); }
  ~Counted() { Add(-1); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  void Add(int more) {
    const std::lock_guard lock(mu_);
    *count_ += more;
  }
  std::mutex& mu_;
  int* const count_;
};

}  // namespace

Result<uint64_t> RocksKv::CopyDatabase(const std::string& db_path) {
  rocksdb::Checkpoint* created = nullptr;
  const auto status = rocksdb::Checkpoint::Create(rocks_.db.get(), &created);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(created);
  HILUM_RETURN_IF_ERROR(FromRocks("prepare a checkpoint", status));
  const Counted copy(commit_mu_, &copies_);
  const uint64_t sequence = sequence_;  // before the copy: it holds at least this
  HILUM_RETURN_IF_ERROR(FromRocks("checkpoint into " + db_path, checkpoint->CreateCheckpoint(db_path)));
  return sequence;
}

Result<uint64_t> RocksKv::Checkpoint(const std::string& directory) {
  HILUM_ASSIGN_OR_RETURN(const bool exists, disk_.Exists(directory));
  if (exists) return Conflict("checkpoint: " + directory + " exists already: name a new directory");
  {
    std::lock_guard lock(commit_mu_);
    HILUM_RETURN_IF_ERROR(disk_guard_.Admit(0, Space::kReserve));
  }
  HILUM_RETURN_IF_ERROR(disk_.CreateDirectories(directory));
  TemporaryDirectory cleanup(directory);
  HILUM_ASSIGN_OR_RETURN(const uint64_t sequence, CopyDatabase(directory + "/db"));
  HILUM_ASSIGN_OR_RETURN(const auto head, ReadStoreHead(rocks_));
  HILUM_ASSIGN_OR_RETURN(const auto manifest, PrintCurrentManifest(disk_, directory + "/db"));
  // Syncs the directory too. Nobody records in the copy's watermark, so nobody hears of its errors.
  HILUM_ASSIGN_OR_RETURN(const auto watermark, Watermark::Create(disk_, directory + "/watermark",
                                                                 {head->id, sequence, manifest}, [](const Status&) {}));
  HILUM_RETURN_IF_ERROR(
      disk_.SyncDirectory(std::filesystem::absolute(directory).lexically_normal().parent_path().string()));
  cleanup.Keep();
  return sequence;
}

// The log and the manifest are read only at open, so a copy is opened: what is found damaged there would be damaged for
// the next start.
Status RocksKv::CheckRestart() {
  const std::string path = options_.directory + "/verify";
  TemporaryDirectory cleanup(path);
  std::error_code ignored;  // a leftover that cannot be removed makes the copy fail with a message of its own
  std::filesystem::remove_all(path, ignored);
  HILUM_ASSIGN_OR_RETURN(const uint64_t sequence, CopyDatabase(path));

  RocksHandles copy;
  copy.setup = MakeRocksSetup(options_, mergers_);
  rocksdb::DB* db = nullptr;
  const auto opened = rocksdb::DB::OpenForReadOnly(copy.setup.db, path, copy.setup.families, &copy.families, &db);
  copy.db.reset(db);
  constexpr std::string_view kStep = "check that the store would open again";
  if (opened.IsCorruption()) return Corruption(RocksMessage(kStep, opened));
  HILUM_RETURN_IF_ERROR(FromRocks(kStep, opened));
  HILUM_ASSIGN_OR_RETURN(const auto head, ReadStoreHead(copy));
  if (head && head->sequence >= sequence) return Status::Ok();
  return Corruption("a restart would lose commits: the files end at " + std::to_string(head ? head->sequence : 0) +
                    ", commit " + std::to_string(sequence) + " was acknowledged");
}

Status RocksKv::VerifyFiles() {
  rocksdb::ReadOptions read;
  read.fill_cache = false;
  read.readahead_size = 2 << 20;
  HILUM_RETURN_IF_ERROR(FromRocks("verify blocks of tables", rocks_.db->VerifyChecksum(read)));
  HILUM_RETURN_IF_ERROR(FromRocks("verify whole tables", rocks_.db->VerifyFileChecksums(read)));
  HILUM_RETURN_IF_ERROR(manifest_watch_->Check());
  return CheckRestart();
}

}  // namespace hilum::storage
