// A Disk in memory for tests: it counts and records calls, fails on demand, fills up, and loses on Crash() what a
// machine may lose when the power goes: whatever was not synced, in file contents and in folders.
//
// Safe for concurrent use. Files and the disk may outlive each other. Stricter than Linux where POSIX allows it: a new
// file's name is lost unless its folder was synced, and what a failed Sync should have saved can never be saved by a
// later one.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/disk.h"

namespace hilum {

enum class DiskOp : uint8_t {
  kOpen,
  kRead,
  kWrite,
  kSync,
  kTruncate,
  kPreallocate,
  kCreateDirectories,
  kSyncDirectory,
  kRename,
  kRemove,
  kHardLink,
  kList,
  kFreeBytes,
};
inline constexpr size_t kDiskOps = 13;

class MemoryDisk : public Disk {
 public:
  MemoryDisk();
  ~MemoryDisk() override;

  struct Call {
    DiskOp op;
    std::string path;
    uint64_t offset = 0;  // of reads, writes, truncations and preallocations
    uint64_t length = 0;
  };

  // The `nth` call of `op` from now on (1: the next) fails with `error`, and with `for_good` every later one too. A
  // failing write writes its first half. One fault per operation; a new one replaces it.
  void FailNth(DiskOp op, uint64_t nth, int error, bool for_good = false);
  void ClearFaults();
  // Whether a fault has happened since it was set.
  bool failed(DiskOp op) const;

  // Called at the end of every Sync, before it returns and after it has saved, on the caller's thread. The disk may be
  // used from it.
  void set_after_sync(std::function<void()> hook);

  // Writes and preallocations beyond this many bytes fail with ENOSPC. Unlimited at first.
  void set_capacity(uint64_t bytes);
  uint64_t used_bytes() const;

  uint64_t count(DiskOp op) const;
  // Calls since the last ClearCalls, in order.
  std::vector<Call> calls() const;
  void ClearCalls();

  enum class Loss {
    kUnsynced,       // everything that was not synced is gone
    kAnyOfUnsynced,  // each unsynced page, size and name is kept, lost or (pages) torn at a 512-byte sector, as `seed`
                     // decides
  };
  // Files that are open keep working on contents nobody else sees, as those of a process that died.
  void Crash(Loss loss = Loss::kUnsynced, uint64_t seed = 0);

  Result<std::shared_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Status CreateDirectories(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status HardLink(const std::string& from, const std::string& to) override;
  Result<bool> Exists(const std::string& path) const override;
  Result<std::vector<std::string>> List(const std::string& path) const override;
  Result<uint64_t> FreeBytes(const std::string& path) const override;

 private:
  struct State;
  class OpenFile;
  const std::shared_ptr<State> state_;
};

}  // namespace hilum
