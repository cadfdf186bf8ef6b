#include "storage/kv/disk_guard.h"

#include <utility>

namespace hilum::storage {
namespace {

constexpr Micros kLookInterval = std::chrono::milliseconds(20);
constexpr uint64_t kLookBytes = 4 << 20;

}  // namespace

DiskGuard::DiskGuard(Disk& disk, const Clock& clock, std::string path, uint64_t low_water_bytes)
    : disk_(disk), clock_(clock), path_(std::move(path)), low_water_bytes_(low_water_bytes) {}

Status DiskGuard::Admit(uint64_t bytes) {
  const Micros now = clock_.Monotonic();
  if (now >= next_look_ || admitted_since_look_ + bytes > kLookBytes) {
    HILUM_ASSIGN_OR_RETURN(free_, disk_.FreeBytes(path_));
    next_look_ = now + kLookInterval;
    admitted_since_look_ = 0;
  }
  if (free_ < low_water_bytes_) {
    return DiskFull("free space at " + path_ + " is " + std::to_string(free_ >> 20) +
                    " MiB, below the low-water mark of " + std::to_string(low_water_bytes_ >> 20) +
                    " MiB: free some space; reads go on");
  }
  admitted_since_look_ += bytes;
  return Status::Ok();
}

}  // namespace hilum::storage
