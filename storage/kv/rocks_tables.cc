#include "storage/kv/rocks_tables.h"

#include <rocksdb/sst_file_writer.h>

#include <chrono>
#include <thread>
#include <utility>

#include "storage/kv/rocks_status.h"

namespace hilum::storage {
namespace {

// Where values are not merged, most keys of an import lie where no key was before (documents and sequences count up):
// files that are narrow enough to lie there too go to their last level at once and are never written again.
constexpr uint64_t kNarrowTableBytes = 8 << 20;
// Taking in tables is not slowed down by compaction as writing is: beyond so many at the first level it waits.
constexpr int kMaxFirstLevelTables = 20;
constexpr auto kLookAgain = std::chrono::milliseconds(10);

// The tables of one family, in order.
class FamilyTables {
 public:
  FamilyTables(const RocksHandles& rocks, Family family, std::string directory)
      : options_(rocks.setup.db, rocks.setup.families[1 + static_cast<size_t>(family)].options),
        directory_(std::move(directory)),
        merges_(options_.merge_operator != nullptr) {
    arg_.column_family = rocks.family(family);
    arg_.options.move_files = true;
    // What merges is soon written again, below.
    if (merges_) options_.bottommost_compression = rocksdb::kDisableCompressionOption;
  }

  rocksdb::Status Add(Operation operation, Bytes key, Bytes value) {
    if (writer_ == nullptr) {
      arg_.external_files.push_back(directory_ + "/" + arg_.column_family->GetName() + "-" +
                                    std::to_string(arg_.external_files.size()) + ".sst");
      writer_ = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(options_), options_, nullptr,
                                                         /*invalidate_page_cache=*/false);
      const auto opened = writer_->Open(arg_.external_files.back());
      if (!opened.ok()) return opened;
    }
    rocksdb::Status added;
    switch (operation) {
      case Operation::kPut:
        added = writer_->Put(key, value);
        break;
      case Operation::kDelete:
        added = writer_->Delete(key);
        break;
      case Operation::kMerge:
        added = writer_->Merge(key, value);
        break;
    }
    if (added.ok() && !merges_ && writer_->FileSize() >= kNarrowTableBytes) return Finish();
    return added;
  }

  // Syncs the last one.
  rocksdb::Status Finish() {
    if (writer_ == nullptr) return rocksdb::Status::OK();
    const auto finished = writer_->Finish();
    writer_.reset();
    return finished;
  }

  const rocksdb::IngestExternalFileArg& arg() const { return arg_; }

 private:
  rocksdb::Options options_;
  const std::string directory_;
  const bool merges_;
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
  std::vector<std::unique_ptr<FamilyTables>> families(kFamilyCount);
  const auto tables_of = [&](Family family) -> FamilyTables& {
    auto& tables = families[static_cast<size_t>(family)];
    if (tables == nullptr) tables = std::make_unique<FamilyTables>(*rocks_, family, directory_);
    return *tables;
  };
  rocksdb::Status written;
  batch.ForEach([&](Operation operation, Family family, Bytes key, Bytes value) {
    if (written.ok()) written = tables_of(family).Add(operation, key, value);
  });
  // No key of the family sorts after it.
  if (written.ok()) {
    written = tables_of(Family::kMeta).Add(Operation::kPut, SequenceKey(), EncodeSequence(sequence));
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
