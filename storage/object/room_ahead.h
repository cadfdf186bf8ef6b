// Zeros beyond the end of the hot segment, and in the one that comes next when that is nearly full, written while
// nobody stores: what overwrites blocks that were written before is synced without the journal of the file system
// (docs/adr/0008). At most as much as was stored since the start, so
// that a small store writes little; what was written twice by then is the price.
//
// One thread, started by the constructor and joined by the destructor. The segments outlive it.
#pragma once

#include <cstdint>
#include <thread>

#include "storage/object/segment_set.h"

namespace hilum::storage::segment {

class RoomAhead {
 public:
  // Up to `most` bytes.
  RoomAhead(SegmentSet& segments, uint64_t most);
  RoomAhead(const RoomAhead&) = delete;
  RoomAhead& operator=(const RoomAhead&) = delete;

 private:
  void Work(const std::stop_token& stop);

  SegmentSet& segments_;
  const uint64_t most_;
  std::jthread thread_;  // ends before what it uses
};

}  // namespace hilum::storage::segment
