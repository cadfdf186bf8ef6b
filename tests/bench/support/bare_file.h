// What a durable write costs at least: bodies one after the other in a preallocated file, one fdatasync shared among
// the threads that wait. The rival of whatever else promises durability. Whole pages that lie on pages of memory go
// past the page cache, as the store's do. Append is safe for concurrent use.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "base/disk.h"
#include "tests/bench/support/require.h"

namespace hilum::bench {

class BareFile {
 public:
  // The first `zeros` bytes were written before: overwriting them needs no journal of the file system.
  BareFile(Disk& disk, const std::string& path, uint64_t zeros = 0) {
    auto file = disk.Open(path, OpenMode::kReadWriteCreate);
    Require(file.status());
    file_ = *file;
    Require(file_->Truncate(0));
    Require(file_->Preallocate(0, 1ull << 30));
    const std::string block(1 << 20, '\0');
    for (uint64_t at = 0; at < zeros; at += block.size()) Require(file_->WriteAt(at, block));
    Require(file_->Sync());
  }

  void Append(Bytes body) {
    const uint64_t offset = end_.fetch_add(body.size());
    const auto on_page = [](uint64_t place) { return place % File::kDirectBytes == 0; };
    const bool direct = on_page(offset) && on_page(body.size()) && on_page(reinterpret_cast<uintptr_t>(body.data()));
    Require(direct ? file_->WriteDirectAt(offset, body) : file_->WriteAt(offset, body));
    std::unique_lock lock(mu_);
    const uint64_t mine = ++written_;
    while (durable_ < mine) {
      if (syncing_) {
        synced_.wait(lock);
        continue;
      }
      syncing_ = true;
      const uint64_t covered = written_;
      lock.unlock();
      Require(file_->Sync());
      lock.lock();
      syncing_ = false;
      durable_ = covered;
      synced_.notify_all();
    }
  }

 private:
  std::shared_ptr<File> file_;
  std::atomic<uint64_t> end_{0};
  std::mutex mu_;
  std::condition_variable synced_;
  bool syncing_ = false;
  uint64_t written_ = 0;
  uint64_t durable_ = 0;
};

}  // namespace hilum::bench
