// All segments of a store: which exist, which one is written to by whom, and when one is sealed.
//
// A segment is idle, hot (small objects share it), next (it will be hot), a lane (of one streamed object), full, or
// sealed (its last page says so, or its file has other names; no writer ever touches it again). Space is handed out
// only beyond everything that was ever written to a file but zeros at its end, so nothing durable is overwritten,
// whatever a crash left behind: a record ends with its footer. Safe for concurrent use.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/lru.h"
#include "storage/object/append_file.h"
#include "storage/object/object_store.h"

namespace hilum::storage::segment {

// Open files of sealed segments, the least recently used are closed. Safe for concurrent use.
class FileCache {
 public:
  explicit FileCache(Disk& disk) : disk_(disk) {}
  Result<std::shared_ptr<File>> Open(uint32_t segment, const std::string& path);
  void Drop(uint32_t segment);

 private:
  static constexpr size_t kMaxOpenFiles = 256;
  Disk& disk_;
  std::mutex mu_;
  Lru<uint32_t, std::shared_ptr<File>> opened_{kMaxOpenFiles};
};

class SegmentSet {
 public:
  // A range of a segment that one writer owns.
  struct Place {
    uint32_t segment = 0;
    uint64_t offset = 0;
    std::shared_ptr<AppendFile> file;
  };

  // `options`, `disk` and `fail_stop` outlive the set.
  SegmentSet(const ObjectStoreOptions& options, Disk& disk, Logger log, FailStop& fail_stop);
  // Gives back room that nothing was written to.
  ~SegmentSet();
  // Finds the segments of the directory.
  Status Load();

  // `bytes` (whole pages) of the hot segment, until Release.
  Result<Place> Reserve(uint64_t bytes);
  Status Release(const Place& place);

  // Room beyond the end of the hot segment or the next one, for zeros: whole pages that no writer gets before
  // ReturnRoom.
  struct Room {
    uint32_t segment = 0;
    uint64_t begin = 0;
    uint64_t end = 0;
    std::shared_ptr<AppendFile> file;
  };
  // Waits until Reserve or Release were called more than `known` times; how often. Nothing once `stop` is asked for.
  std::optional<uint64_t> AwaitWriters(const std::stop_token& stop, uint64_t known);
  // At most `bytes`, and nothing when as much as was stored since the start is ready, or `most`, when a writer has a
  // place, or came after `known`, or the disk has no room for a next segment. REQUIRES: the room claimed before was
  // returned.
  std::optional<Room> ClaimRoom(uint64_t known, uint64_t bytes, uint64_t most);
  void ReturnRoom(const Room& room, bool written);

  // A segment for one writer alone, until ReturnLane. ExtendLane makes room up to `end` (whole pages).
  Result<Place> TakeLane(Space space);
  Status ExtendLane(const Place& lane, uint64_t end);
  Status ReturnLane(const Place& lane);

  // kNotFound when there is no such segment: compaction removed it.
  Result<std::shared_ptr<File>> OpenFile(uint32_t segment);
  Status Sync(uint32_t segment);

  struct Info {
    uint32_t segment = 0;
    uint64_t end = 0;  // of the records
    bool sealed = false;
  };
  Result<Info> Find(uint32_t segment) const;
  std::vector<Info> List() const;
  std::string PathOf(uint32_t segment) const;

  // kDiskFull when so many bytes would take the disk below the mark of `space`.
  Status CheckSpace(Space space, uint64_t bytes) const;

  // Seals a segment before it is full. False, and nothing changes, while somebody writes to it; kDiskFull, and nothing
  // changes, when there is no room for the seal.
  Result<bool> SealEarly(uint32_t segment);
  // Removes a sealed segment whose objects live elsewhere. Its number is never given out again.
  Status Remove(uint32_t segment);

 private:
  enum class State : uint8_t { kIdle, kHot, kNext, kLane, kFull, kSealed };
  struct Entry {
    State state = State::kIdle;
    std::shared_ptr<AppendFile> file;  // null once sealed
    uint64_t end = 0;                  // where the next record goes
    uint64_t reserved = 0;             // disk space is reserved up to here
    uint64_t ready = 0;                // zeros were written up to here
    bool claimed = false;              // zeros are being written from there
    uint32_t writers = 0;              // of a hot or full segment
    Space space = Space::kUsual;       // that its writer may use
  };

  Status LoadSegment(uint32_t number);
  // Cuts zeros off the end of a segment that is not sealed; where it ends then.
  Result<uint64_t> CutZeros(File& file, uint64_t size);
  Status SealFullOnes();
  // As the function of that name, of what is free now.
  Result<uint64_t> SpareBytes(Space space) const;
  // The rest is called with mu_ held, but for Seal.
  Status MakeRoom(Entry& entry, uint64_t end);
  Status TakeHot();
  Status TakeNext();
  std::optional<Room> ClaimRoomIn(uint32_t number, uint64_t bytes, uint64_t wanted);
  Result<uint32_t> TakeIdle(State state, Space space);
  Result<uint32_t> Create(State state, Space space);
  Status WriteBegin(uint32_t number, State state, Space space);
  Status Seal(uint32_t number);

  const ObjectStoreOptions& options_;
  Disk& disk_;
  const Logger log_;
  FailStop& fail_stop_;
  FileCache cache_;
  mutable std::mutex mu_;
  std::condition_variable_any writers_came_;
  std::condition_variable room_returned_;
  uint64_t writers_calls_ = 0;   // of Reserve and Release
  uint64_t reserved_bytes_ = 0;  // handed out by Reserve
  uint64_t writing_ = 0;         // who has a place
  std::map<uint32_t, Entry> entries_;
  std::set<std::pair<uint64_t, uint32_t>> idle_;  // by end: the fullest is used first, so that segments get full
  uint32_t hot_ = 0;                              // 0: none
  uint32_t next_ = 0;                             // 0: none
  uint32_t last_number_ = 0;
  uint64_t unchecked_bytes_ = 0;  // may be handed out before the free space is asked for again
};

}  // namespace hilum::storage::segment
