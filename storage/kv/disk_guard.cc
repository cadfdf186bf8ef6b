#include "storage/kv/disk_guard.h"

#include <utility>

namespace hilum::storage {
namespace {

constexpr Micros kLookInterval = std::chrono::milliseconds(20);
constexpr uint64_t kLookBytes = 4 << 20;

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
  HILUM_RETURN_IF_ERROR(SpareBytes(free_, marks_, space, path_).status());
  admitted_since_look_ += bytes;
  return Status::Ok();
}

}  // namespace hilum::storage
