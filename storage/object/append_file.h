// A segment file that is written to: appends count themselves, so that one fdatasync covers everything appended before
// it began. Safe for concurrent use.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/disk.h"
#include "base/fail_stop.h"

namespace hilum::storage::segment {

class AppendFile {
 public:
  // `fail_stop` outlives the file.
  AppendFile(std::shared_ptr<File> file, FailStop& fail_stop) : file_(std::move(file)), fail_stop_(fail_stop) {}

  const std::shared_ptr<File>& file() const { return file_; }
  // Concurrent calls may write disjoint ranges.
  Status Write(uint64_t offset, std::span<const Bytes> pieces);
  // As Write, past the page cache where the file can. REQUIRES: as File::WriteDirectAt.
  Status WriteDirect(uint64_t offset, Bytes pages);
  // Makes every Write that returned before this call durable. Callers that come while a sync runs share the next one.
  Status Sync();

 private:
  Status Wrote(Status status);

  const std::shared_ptr<File> file_;
  FailStop& fail_stop_;
  // Bytes that an earlier process left may not be durable yet, hence not 0.
  std::atomic<uint64_t> written_{1};
  std::mutex mu_;
  std::condition_variable synced_;
  bool syncing_ = false;
  uint64_t durable_ = 0;  // in counts of written_
};

}  // namespace hilum::storage::segment
