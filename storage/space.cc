#include "storage/space.h"

namespace hilum::storage {

Result<uint64_t> SpareBytes(uint64_t free_bytes, const SpaceMarks& marks, Space space) {
  const bool reserve = space == Space::kReserve;
  const uint64_t mark = reserve ? std::min(marks.reserve_bytes, marks.low_water_bytes) : marks.low_water_bytes;
  if (free_bytes >= mark) return free_bytes - mark;
  return DiskFull("the disk of the store has " + std::to_string(free_bytes >> 20) +
                  (reserve ? " MiB free, below the " : " MiB free, below the low-water mark of ") +
                  std::to_string(mark >> 20) +
                  (reserve ? " MiB that deleting and copying need: free some space; reads go on"
                           : " MiB: free some space; reads and deletions go on"));
}

}  // namespace hilum::storage
