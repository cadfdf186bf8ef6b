// How far down the free space of the disk may go for a change. Thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace hilum::storage {

// Below the low-water mark nothing is stored any more. What gives space back (deletions, compaction) or takes hardly
// any (a checkpoint) goes on down to a second mark: nothing else could make room from within.
enum class Space : uint8_t { kUsual, kReserve };

// The second mark: what lies between may be used up, but never what RocksDB needs to write back what is in memory.
constexpr uint64_t ReserveMark(uint64_t low_water_bytes, uint64_t write_buffer_bytes) {
  return std::min(low_water_bytes, std::max(low_water_bytes / 2, 2 * write_buffer_bytes));
}

struct SpaceMarks {
  uint64_t low_water_bytes = 0;
  uint64_t reserve_bytes = 0;  // the second one; counts as the first where it is larger
};

// How many of the `free_bytes` of the store's disk lie above the mark of `space`; kDiskFull, with what to do, below it.
// That reaches clients, who have no business with paths.
Result<uint64_t> SpareBytes(uint64_t free_bytes, const SpaceMarks& marks, Space space);

}  // namespace hilum::storage
