#include "storage/kv/rocks_tables.h"

#include <rocksdb/sst_file_writer.h>

#include <chrono>
#include <future>
#include <list>
#include <set>
#include <thread>
#include <utility>

#include "storage/kv/rocks_status.h"

namespace hilum::storage {
namespace {

constexpr auto kLookAgain = std::chrono::milliseconds(10);

// The table of one family, and how writing it went.
class FamilyTable {
 public:
  FamilyTable(const RocksHandles& rocks, Family family, const std::string& directory)
      : family_(family),
        options_(rocks.setup.db, rocks.setup.families[1 + static_cast<size_t>(family)].options),
        writer_(rocksdb::EnvOptions(options_), options_, nullptr, /*invalidate_page_cache=*/false) {
    arg_.column_family = rocks.family(family);
    arg_.external_files = {directory + "/" + arg_.column_family->GetName() + ".sst"};
    arg_.options.move_files = true;
    // The checksum is handed over, of the file as it is: RocksDB neither reads it again nor writes a sequence into it.
    arg_.options.verify_file_checksum = false;
    arg_.options.write_global_seqno = false;
    // What lies at the first level is soon written again, below.
    options_.bottommost_compression = rocksdb::kDisableCompressionOption;
  }

  const rocksdb::Status& status() const { return status_; }
  const rocksdb::IngestExternalFileArg& arg() const { return arg_; }

  // Writes what the batch holds for the family, and syncs it.
  void Write(const BatchOperations& batch, uint64_t sequence) {
    status_ = writer_.Open(arg_.external_files.front());
    batch.ForEach([&](Operation operation, Family family, Bytes key, Bytes value) {
      if (family == family_ && status_.ok()) status_ = Add(operation, key, value);
    });
    // No key of the family sorts after it.
    if (family_ == Family::kMeta && status_.ok()) status_ = writer_.Put(SequenceKey(), EncodeSequence(sequence));
    rocksdb::ExternalSstFileInfo made;
    if (status_.ok()) status_ = writer_.Finish(&made);
    arg_.files_checksums = {made.file_checksum};
    arg_.files_checksum_func_names = {made.file_checksum_func_name};
  }

 private:
  rocksdb::Status Add(Operation operation, Bytes key, Bytes value) {
    switch (operation) {
      case Operation::kPut:
        return writer_.Put(key, value);
      case Operation::kDelete:
        return writer_.Delete(key);
      case Operation::kMerge:
        return writer_.Merge(key, value);
    }
    return rocksdb::Status::OK();
  }

  const Family family_;
  rocksdb::Options options_;
  rocksdb::SstFileWriter writer_;
  rocksdb::IngestExternalFileArg arg_;
  rocksdb::Status status_;
};

std::set<Family> FamiliesOf(const BatchOperations& batch) {
  std::set<Family> families;
  batch.ForEach([&](Operation, Family family, Bytes, Bytes) { families.insert(family); });
  return families;
}

}  // namespace

Result<TableCommits> TableCommits::Open(const RocksHandles& rocks, Disk& disk, std::string directory,
                                        const FailStop& fail_stop) {
  HILUM_RETURN_IF_ERROR(disk.CreateDirectories(directory));
  TableCommits commits(rocks, disk, std::move(directory), fail_stop);
  HILUM_RETURN_IF_ERROR(commits.RemoveFiles());
  return commits;
}

Status TableCommits::RemoveFiles() {
  HILUM_ASSIGN_OR_RETURN(const auto names, disk_->List(directory_));
  for (const auto& name : names) HILUM_RETURN_IF_ERROR(disk_->Remove(directory_ + "/" + name));
  return Status::Ok();
}

Status TableCommits::WaitForCompaction() const {
  const std::string property = rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0";
  for (auto* family : rocks_->families) {
    std::string files;
    while (rocks_->db->GetProperty(family, property, &files) && std::stoi(files) > kMaxFirstLevelTables) {
      HILUM_RETURN_IF_ERROR(fail_stop_->status());  // compaction has ended for good
      std::this_thread::sleep_for(kLookAgain);
    }
  }
  return Status::Ok();
}

Result<TableCommits::Tables> TableCommits::Write(const BatchOperations& batch, uint64_t sequence) {
  HILUM_RETURN_IF_ERROR(WaitForCompaction());
  auto families = FamiliesOf(batch);
  families.insert(Family::kMeta);
  std::list<FamilyTable> tables;
  // Side by side: compressing and syncing them one after the other is a sixth of the writer's time.
  std::vector<std::future<void>> writing;
  for (const auto family : families) {
    auto& table = tables.emplace_back(*rocks_, family, directory_);
    writing.push_back(std::async(std::launch::async | std::launch::deferred, [&] { table.Write(batch, sequence); }));
  }
  for (auto& table : writing) table.get();
  Tables args;
  for (const auto& table : tables) {
    const Status written = FromRocks("commit: write tables", table.status());
    if (written.code() == Code::kDiskFull) HILUM_RETURN_IF_ERROR(RemoveFiles());
    HILUM_RETURN_IF_ERROR(written);
    args.push_back(table.arg());
  }
  return args;
}

Status TableCommits::TakeIn(const Tables& tables) {
  HILUM_RETURN_IF_ERROR(FromRocks("commit: take in tables", rocks_->db->IngestExternalFiles(tables)));
  return RemoveFiles();
}

}  // namespace hilum::storage
