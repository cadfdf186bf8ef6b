#include "storage/kv/disk_guard.h"

#include <utility>

namespace hilum::storage {
namespace {

constexpr Micros kLookInterval = std::chrono::milliseconds(20);
constexpr uint64_t kLookBytes = 4 << 20;

}  // namespace

DiskGuard::DiskGuard(Disk& disk, const Clock& clock, std::string path, uint64_t low_water_bytes, uint64_t reserve_bytes)
    : disk_(disk),
      clock_(clock),
      path_(std::move(path)),
      low_water_bytes_(low_water_bytes),
      reserve_bytes_(reserve_bytes) {}

Status DiskGuard::Admit(uint64_t bytes, Space space) {
  const Micros now = clock_.Monotonic();
  if (now >= next_look_ || admitted_since_look_ + bytes > kLookBytes) {
    HILUM_ASSIGN_OR_RETURN(free_, disk_.FreeBytes(path_));
    next_look_ = now + kLookInterval;
    admitted_since_look_ = 0;
  }
  const uint64_t mark = space == Space::kReserve ? reserve_bytes_ : low_water_bytes_;
  if (free_ < mark) {
    return DiskFull("free space at " + path_ + " is " + std::to_string(free_ >> 20) +
                    (space == Space::kReserve ? " MiB, below the " : " MiB, below the low-water mark of ") +
                    std::to_string(mark >> 20) +
                    (space == Space::kReserve ? " MiB that deleting and copying need: free some space; reads go on"
                                              : " MiB: free some space; reads and deletions go on"));
  }
  admitted_since_look_ += bytes;
  return Status::Ok();
}

}  // namespace hilum::storage
