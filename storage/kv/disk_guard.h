// Refuses commits before the disk is full: RocksDB does not survive a full disk. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/disk.h"
#include "storage/space.h"

namespace hilum::storage {

class DiskGuard {
 public:
  // Watches the file system of `path`. The disk and the clock outlive the guard.
  DiskGuard(Disk& disk, const Clock& clock, std::string path, const SpaceMarks& marks);

  // kDiskFull below the low-water mark, or the reserve's, and when a change of so many bytes is large and would take it
  // below the reserve's; kIo when the space cannot be found out. Looks at most every 20 ms or 4 MB.
  Status Admit(uint64_t bytes, Space space = Space::kUsual);

 private:
  Disk& disk_;
  const Clock& clock_;
  const std::string path_;
  const SpaceMarks marks_;
  uint64_t free_ = 0;
  Micros next_look_ = Micros::min();
  uint64_t admitted_since_look_ = 0;
};

}  // namespace hilum::storage
