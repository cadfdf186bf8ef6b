#include "storage/kv/rocks_tables.h"

#include <rocksdb/sst_file_writer.h>

#include <chrono>
#include <thread>
#include <utility>

#include "storage/kv/rocks_status.h"

namespace hilum::storage {
namespace {

constexpr auto kLookAgain = std::chrono::milliseconds(10);

// The table of one family.
class FamilyTable {
 public:
  FamilyTable(const RocksHandles& rocks, Family family, const std::string& directory)
      : options_(rocks.setup.db, rocks.setup.families[1 + static_cast<size_t>(family)].options) {
    arg_.column_family = rocks.family(family);
    arg_.external_files = {directory + "/" + arg_.column_family->GetName() + ".sst"};
    arg_.options.move_files = true;
    // What lies at the first level is soon written again, below.
    options_.bottommost_compression = rocksdb::kDisableCompressionOption;
  }

  rocksdb::Status Add(Operation operation, Bytes key, Bytes value) {
    if (writer_ == nullptr) {
      writer_ = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(options_), options_, nullptr,
                                                         /*invalidate_page_cache=*/false);
      const auto opened = writer_->Open(arg_.external_files.front());
      if (!opened.ok()) return opened;
    }
    switch (operation) {
      case Operation::kPut:
        return writer_->Put(key, value);
      case Operation::kDelete:
        return writer_->Delete(key);
      case Operation::kMerge:
        return writer_->Merge(key, value);
    }
    return rocksdb::Status::OK();
  }

  // Syncs it.
  rocksdb::Status Finish() { return writer_->Finish(); }

  const rocksdb::IngestExternalFileArg& arg() const { return arg_; }

 private:
  rocksdb::Options options_;
  rocksdb::IngestExternalFileArg arg_;
  std::unique_ptr<rocksdb::SstFileWriter> writer_;
};

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

Result<std::vector<rocksdb::IngestExternalFileArg>> TableCommits::WriteTables(const BatchOperations& batch,
                                                                              uint64_t sequence) {
  std::vector<std::unique_ptr<FamilyTable>> families(kFamilyCount);
  const auto table_of = [&](Family family) -> FamilyTable& {
    auto& table = families[static_cast<size_t>(family)];
    if (table == nullptr) table = std::make_unique<FamilyTable>(*rocks_, family, directory_);
    return *table;
  };
  rocksdb::Status written;
  batch.ForEach([&](Operation operation, Family family, Bytes key, Bytes value) {
    if (written.ok()) written = table_of(family).Add(operation, key, value);
  });
  // No key of the family sorts after it.
  if (written.ok()) {
    written = table_of(Family::kMeta).Add(Operation::kPut, SequenceKey(), EncodeSequence(sequence));
  }
  std::vector<rocksdb::IngestExternalFileArg> tables;
  for (const auto& family : families) {
    if (family == nullptr) continue;
    if (written.ok()) written = family->Finish();
    tables.push_back(family->arg());
  }
  HILUM_RETURN_IF_ERROR(FromRocks("commit: write tables", written));
  return tables;
}

Status TableCommits::Commit(const BatchOperations& batch, uint64_t sequence) {
  HILUM_RETURN_IF_ERROR(WaitForCompaction());
  HILUM_ASSIGN_OR_RETURN(const auto tables, WriteTables(batch, sequence));
  HILUM_RETURN_IF_ERROR(FromRocks("commit: take in tables", rocks_->db->IngestExternalFiles(tables)));
  return RemoveFiles();
}

}  // namespace hilum::storage
