// The machine's disk, which counts the syncs of files and fails them on demand. Safe for concurrent use; it outlives
// the files it opens.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "base/disk.h"

namespace hilum {

class SyncDisk : public PosixDisk {
 public:
  // Looks at files alone that have `part` in their path.
  explicit SyncDisk(std::string part = "") : part_(std::move(part)) {}

  std::atomic<bool> fail{false};
  std::atomic<int> syncs{0};

  Result<std::shared_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    HILUM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, PosixDisk::Open(path, mode));
    if (path.find(part_) == path.npos) return file;
    return std::shared_ptr<File>(std::make_shared<Watched>(*this, std::move(file)));
  }

 private:
  class Watched : public File {
   public:
    Watched(SyncDisk& disk, std::shared_ptr<File> file) : disk_(disk), file_(std::move(file)) {}
    Status ReadAt(uint64_t offset, std::span<char> out) const override { return file_->ReadAt(offset, out); }
    Status WriteAt(uint64_t offset, Bytes data) override { return file_->WriteAt(offset, data); }
    Status Sync() override {
      ++disk_.syncs;
      return disk_.fail ? IoError("sync: on purpose") : file_->Sync();
    }
    Status Truncate(uint64_t size) override { return file_->Truncate(size); }
    Status Preallocate(uint64_t offset, uint64_t length) override { return file_->Preallocate(offset, length); }
    Result<uint64_t> Size() const override { return file_->Size(); }
    int descriptor() const override { return file_->descriptor(); }

   private:
    SyncDisk& disk_;
    const std::shared_ptr<File> file_;
  };

  const std::string part_;
};

}  // namespace hilum
