#include "storage/kv/disk_guard.h"

#include <algorithm>
#include <utility>

#include "storage/kv/batch.h"

namespace hilum::storage {
namespace {

constexpr Micros kLookInterval = std::chrono::milliseconds(20);
constexpr uint64_t kLookBytes = 4 << 20;
// A large change is written as tables, and soon compacted into others; or to the log, and from there to tables.
constexpr uint64_t kCopies = 2;

}  // namespace

DiskGuard::DiskGuard(Disk& disk, const Clock& clock, std::string path, const SpaceMarks& marks)
    : disk_(disk), clock_(clock), path_(std::move(path)), marks_(marks) {}

Status DiskGuard::Admit(uint64_t bytes, Space space) {
  const Micros now = clock_.Monotonic();
  if (now >= next_look_ || admitted_since_look_ + bytes > kLookBytes) {
    HILUM_ASSIGN_OR_RETURN(free_, disk_.FreeBytes(path_));
    next_look_ = now + kLookInterval;
    admitted_since_look_ = 0;
  }
  HILUM_RETURN_IF_ERROR(SpareBytes(free_, marks_, space).status());
  // What is below a mark has room for small changes, many times.
  const uint64_t kept = std::min(marks_.reserve_bytes, marks_.low_water_bytes);
  if (bytes >= kTableCommitBytes && free_ < kept + kCopies * bytes) {
    return DiskFull(
        "the disk of the store has " + std::to_string(free_ >> 20) + " MiB free, a change as large as this one needs " +
        std::to_string(((kept + kCopies * bytes) >> 20) + 1) + " MiB: free some space, or make it in parts");
  }
  admitted_since_look_ += bytes;
  return Status::Ok();
}

}  // namespace hilum::storage
