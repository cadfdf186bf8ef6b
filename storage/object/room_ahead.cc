#include "storage/object/room_ahead.h"

#include <chrono>

#include "base/sleep.h"

namespace hilum::storage::segment {
namespace {

// Without a writer: then the next does not come at once either.
constexpr std::chrono::milliseconds kQuiet{20};
// Who stores meanwhile waits for one step at most.
constexpr uint64_t kStepBytes = 1 << 20;

alignas(File::kDirectBytes) constexpr char kZeros[kStepBytes] = {};

// The sync is what makes the blocks ready.
Status Fill(const SegmentSet::Room& room) {
  HILUM_RETURN_IF_ERROR(room.file->WriteDirect(room.begin, Bytes(kZeros, room.end - room.begin)));
  return room.file->Sync();
}

}  // namespace

RoomAhead::RoomAhead(SegmentSet& segments, uint64_t most)
    : segments_(segments), most_(most), thread_([this](const std::stop_token& stop) { Work(stop); }) {}

void RoomAhead::Work(const std::stop_token& stop) {
  uint64_t known = 0;
  while (const auto calls = segments_.AwaitWriters(stop, known)) {
    known = *calls;
    if (!SleepFor(stop, kQuiet)) return;
    while (const auto room = segments_.ClaimRoom(known, kStepBytes, most_)) {
      const Status filled = Fill(*room);
      segments_.ReturnRoom(*room, filled.ok());
      if (!filled.ok() || stop.stop_requested()) return;  // an error has stopped the store
    }
  }
}

}  // namespace hilum::storage::segment
