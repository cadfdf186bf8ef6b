#include "storage/object/segment_set.h"

#include <sys/stat.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "storage/object/format.h"

namespace hilum::storage::segment {
namespace {

// Reserved at once for a stream: it may be short, and there may be many at a time.
constexpr uint64_t kReserveForLane = 64 << 20;
constexpr uint64_t kSpaceCheckBytes = 8 << 20;
constexpr size_t kMaxIdle = 64;

std::string Name(uint32_t segment) {
  return "segment " + std::to_string(segment);
}

Status NoRoomFor(uint64_t bytes, uint64_t spare) {
  return DiskFull(std::to_string(bytes) + " bytes are needed, and the disk of the store has " + std::to_string(spare) +
                  " to spare: make room or add storage");
}

// Files that are nowhere but in memory have one.
Result<uint64_t> CountNames(const File& file, const std::string& path) {
  struct stat info;
  if (file.descriptor() < 0) return uint64_t{1};
  if (fstat(file.descriptor(), &info) < 0) return ErrnoStatus("inspect " + path, errno);
  return static_cast<uint64_t>(info.st_nlink);
}

template <size_t N>
Bytes View(const std::array<char, N>& bytes) {
  return {bytes.data(), bytes.size()};
}

}  // namespace

Result<std::shared_ptr<File>> FileCache::Open(uint32_t segment, const std::string& path) {
  const std::lock_guard lock(mu_);
  if (const auto* found = opened_.Find(segment)) return *found;
  HILUM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, disk_.Open(path, OpenMode::kRead));
  opened_.Put(segment, file);
  return file;
}

void FileCache::Drop(uint32_t segment) {
  const std::lock_guard lock(mu_);
  opened_.Drop(segment);
}

SegmentSet::SegmentSet(const ObjectStoreOptions& options, Disk& disk, Logger log, FailStop& fail_stop)
    : options_(options), disk_(disk), log_(std::move(log)), fail_stop_(fail_stop), cache_(disk) {}

SegmentSet::~SegmentSet() {
  for (const auto& [number, entry] : entries_) {
    if (entry.ready <= entry.end || !entry.file || !fail_stop_.status().ok()) continue;
    entry.file->file()->Truncate(entry.end).IgnoreError();  // the next start does it
  }
}

std::string SegmentSet::PathOf(uint32_t segment) const {
  return options_.directory + "/" + FileName(segment);
}

Status SegmentSet::Load() {
  HILUM_RETURN_IF_ERROR(disk_.CreateDirectories(options_.directory));
  HILUM_ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_.List(options_.directory));
  for (const std::string& name : names) {
    if (const std::optional<uint32_t> number = ParseFileName(name)) HILUM_RETURN_IF_ERROR(LoadSegment(*number));
  }
  return SealFullOnes();
}

Status SegmentSet::LoadSegment(uint32_t number) {
  last_number_ = std::max(last_number_, number);
  const std::string path = PathOf(number);
  HILUM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, disk_.Open(path, OpenMode::kReadWrite));
  HILUM_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  std::string page(kPageBytes, '\0');
  if (size >= kPageBytes) HILUM_RETURN_IF_ERROR(file->ReadAt(0, page));
  if (!IsMark(MarkKind::kBegin, page, number, 0)) {
    if (size > kPageBytes) {
      const std::string damage = path + ": the first page is damaged or of another format version";
      if (!options_.accept_loss)
        return Corruption(damage +
                          "; restore the file from a backup, or start with --store.accept_loss=true to serve "
                          "what is left without it");
      log_.Warning("went on without a segment because of --store.accept_loss", {{"problem", damage}});
      return Status::Ok();
    }
    // Creation did not come to its end, so nothing was ever stored in it.
    log_.Warning("removed a segment that was never finished", {{"segment", static_cast<uint64_t>(number)}});
    return disk_.Remove(path);
  }
  Entry entry;
  entry.end = RoundUpToPage(size);
  if (size % kPageBytes == 0 && size > kPageBytes) {
    HILUM_RETURN_IF_ERROR(file->ReadAt(size - kPageBytes, page));
    const uint64_t offset = size - kPageBytes;
    const SealState seal = SealIn(page, number, offset);
    if (seal == SealState::kDamaged) {
      const std::string at = std::to_string(offset);
      const std::string damage = path + ": the seal mark at offset " + at + " is damaged";
      if (!options_.accept_loss)
        return Corruption(
            damage + "; restore the file from a backup or, as no object is in that page, cut it off: truncate -s " +
            at + " " + path);
      log_.Warning("nothing more is written to a segment because of --store.accept_loss", {{"problem", damage}});
    }
    if (seal != SealState::kNone) {
      entry.state = State::kSealed;
      entry.end = offset;
    }
  }
  if (entry.state == State::kIdle) {
    HILUM_ASSIGN_OR_RETURN(const uint64_t names, CountNames(*file, path));
    if (names > 1) {
      log_.Warning("a segment without a seal mark has other names: nothing more is written to it", {{"path", path}});
      entry.state = State::kSealed;
    }
  }
  if (entry.state == State::kIdle) {
    HILUM_ASSIGN_OR_RETURN(entry.end, CutZeros(*file, size));
  }
  entry.reserved = entry.end;
  if (entry.state == State::kIdle) {
    entry.file = std::make_shared<AppendFile>(std::move(file), fail_stop_);
    idle_.emplace(entry.end, number);
  }
  entries_.emplace(number, std::move(entry));
  return Status::Ok();
}

Result<uint64_t> SegmentSet::CutZeros(File& file, uint64_t size) {
  constexpr uint64_t kBlockBytes = 1 << 20;
  std::string block;
  uint64_t end = size;
  while (end > kPageBytes) {
    block.resize(std::min(kBlockBytes, end - kPageBytes));
    HILUM_RETURN_IF_ERROR(file.ReadAt(end - block.size(), block));
    const size_t last = block.find_last_not_of('\0');
    end -= block.size();
    if (last != std::string::npos) {
      end += last + 1;
      break;
    }
  }
  end = RoundUpToPage(end);
  if (end < size) HILUM_RETURN_IF_ERROR(file.Truncate(end));
  return end;
}

// Those that a crash kept from being sealed.
Status SegmentSet::SealFullOnes() {
  while (!idle_.empty() && (idle_.rbegin()->first >= options_.segment_bytes || idle_.size() > kMaxIdle)) {
    const uint32_t number = idle_.rbegin()->second;
    idle_.erase(std::prev(idle_.end()));
    HILUM_RETURN_IF_ERROR(Seal(number));
  }
  return Status::Ok();
}

Result<SegmentSet::Place> SegmentSet::Reserve(uint64_t bytes) {
  std::unique_lock lock(mu_);
  HILUM_RETURN_IF_ERROR(TakeHot());
  const auto in_claimed_room = [&] {
    const Entry& hot = entries_.at(hot_);
    return hot.claimed && hot.end + bytes > hot.ready;
  };
  while (in_claimed_room()) {
    room_returned_.wait(lock);
    HILUM_RETURN_IF_ERROR(TakeHot());
  }
  Entry& entry = entries_.at(hot_);
  HILUM_RETURN_IF_ERROR(MakeRoom(entry, entry.end + bytes));
  Place place{hot_, entry.end, entry.file};
  entry.end += bytes;
  ++entry.writers;
  ++writing_;
  reserved_bytes_ += bytes;
  ++writers_calls_;
  writers_came_.notify_one();
  if (entry.end >= options_.segment_bytes) {
    entry.state = State::kFull;
    hot_ = 0;
  }
  return place;
}

Status SegmentSet::Release(const Place& place) {
  {
    const std::lock_guard lock(mu_);
    Entry& entry = entries_.at(place.segment);
    ++writers_calls_;
    --writing_;
    writers_came_.notify_one();
    if (--entry.writers > 0 || entry.state != State::kFull) return Status::Ok();
  }
  return Seal(place.segment);
}

std::optional<uint64_t> SegmentSet::AwaitWriters(const std::stop_token& stop, uint64_t known) {
  std::unique_lock lock(mu_);
  if (!writers_came_.wait(lock, stop, [&] { return writers_calls_ != known; })) return std::nullopt;
  return writers_calls_;
}

std::optional<SegmentSet::Room> SegmentSet::ClaimRoom(uint64_t known, uint64_t bytes, uint64_t most) {
  const std::lock_guard lock(mu_);
  if (writers_calls_ != known || writing_ > 0) return std::nullopt;
  uint64_t wanted = std::min(most, reserved_bytes_);
  if (hot_ != 0) {
    const Entry& hot = entries_.at(hot_);
    if (const auto room = ClaimRoomIn(hot_, bytes, wanted)) return room;
    wanted -= std::min(wanted, hot.reserved - hot.end);
    // Not all of it is reserved yet: it is to be filled first, or the disk is nearly full.
    if (hot.reserved < options_.segment_bytes) return std::nullopt;
  }
  if (wanted < kPageBytes || !TakeNext().ok()) return std::nullopt;
  return ClaimRoomIn(next_, bytes, wanted);
}

std::optional<SegmentSet::Room> SegmentSet::ClaimRoomIn(uint32_t number, uint64_t bytes, uint64_t wanted) {
  Entry& entry = entries_.at(number);
  assert(!entry.claimed);
  entry.ready = std::max(entry.ready, entry.end);
  const uint64_t end = std::min(entry.end + wanted, entry.reserved);
  if (end < entry.ready + kPageBytes) return std::nullopt;
  const uint64_t length = std::min(bytes, end - entry.ready) / kPageBytes * kPageBytes;
  entry.claimed = true;
  return Room{number, entry.ready, entry.ready + length, entry.file};
}

void SegmentSet::ReturnRoom(const Room& room, bool written) {
  const std::lock_guard lock(mu_);
  Entry& entry = entries_.at(room.segment);
  entry.claimed = false;
  if (written) entry.ready = room.end;
  room_returned_.notify_all();
}

Result<SegmentSet::Place> SegmentSet::TakeLane(Space space) {
  const std::lock_guard lock(mu_);
  HILUM_ASSIGN_OR_RETURN(const uint32_t number, TakeIdle(State::kLane, space));
  const Entry& entry = entries_.at(number);
  return Place{number, entry.end, entry.file};
}

Status SegmentSet::ExtendLane(const Place& lane, uint64_t end) {
  const std::lock_guard lock(mu_);
  Entry& entry = entries_.at(lane.segment);
  if (end <= entry.end) return Status::Ok();
  HILUM_RETURN_IF_ERROR(MakeRoom(entry, end));
  entry.end = end;
  return Status::Ok();
}

Status SegmentSet::ReturnLane(const Place& lane) {
  uint32_t to_seal = 0;
  {
    const std::lock_guard lock(mu_);
    Entry& entry = entries_.at(lane.segment);
    entry.state = State::kIdle;
    idle_.emplace(entry.end, lane.segment);
    const auto fullest = std::prev(idle_.end());
    if (fullest->first < options_.segment_bytes && idle_.size() <= kMaxIdle) return Status::Ok();
    to_seal = fullest->second;
    entries_.at(to_seal).state = State::kFull;
    idle_.erase(fullest);
  }
  return Seal(to_seal);
}

Result<uint64_t> SegmentSet::SpareBytes(Space space) const {
  HILUM_ASSIGN_OR_RETURN(const uint64_t free, disk_.FreeBytes(options_.directory));
  const SpaceMarks marks{.low_water_bytes = options_.low_water_bytes, .reserve_bytes = options_.reserve_bytes};
  return storage::SpareBytes(free, marks, space);
}

Status SegmentSet::CheckSpace(Space space, uint64_t bytes) const {
  HILUM_ASSIGN_OR_RETURN(const uint64_t spare, SpareBytes(space));
  return bytes <= spare ? Status::Ok() : NoRoomFor(bytes, spare);
}

Status SegmentSet::MakeRoom(Entry& entry, uint64_t end) {
  const uint64_t bytes = end - entry.end;
  if (end <= entry.reserved && bytes <= unchecked_bytes_) {
    unchecked_bytes_ -= bytes;
    return Status::Ok();
  }
  unchecked_bytes_ = 0;
  HILUM_ASSIGN_OR_RETURN(const uint64_t spare, SpareBytes(entry.space));
  const uint64_t missing = end > entry.reserved ? end - entry.reserved : 0;
  if (missing > spare) return NoRoomFor(missing, spare);
  if (missing > 0) {
    // The hot segment is reserved whole, at once: reserving between appends makes the syncs around it take half as long
    // again. Near the low-water mark the steps shrink: what is reserved here is missing elsewhere.
    const uint64_t left = std::max(options_.segment_bytes, entry.reserved) - entry.reserved;
    const bool shared = entry.state == State::kHot || entry.state == State::kNext;
    const uint64_t step = shared ? left : std::min(kReserveForLane, options_.segment_bytes);
    const uint64_t length = std::max(missing, std::min(step, spare / 8));
    HILUM_RETURN_IF_ERROR(entry.file->file()->Preallocate(entry.reserved, length));
    entry.reserved += length;
  }
  unchecked_bytes_ = kSpaceCheckBytes;
  return Status::Ok();
}

Status SegmentSet::TakeHot() {
  if (hot_ != 0) return Status::Ok();
  if (next_ == 0) {
    HILUM_ASSIGN_OR_RETURN(hot_, TakeIdle(State::kHot, Space::kUsual));
    return Status::Ok();
  }
  hot_ = std::exchange(next_, 0);
  entries_.at(hot_).state = State::kHot;
  return Status::Ok();
}

Status SegmentSet::TakeNext() {
  if (next_ == 0) {
    HILUM_ASSIGN_OR_RETURN(next_, TakeIdle(State::kNext, Space::kUsual));
  }
  Entry& next = entries_.at(next_);
  return MakeRoom(next, next.end + kPageBytes);
}

Result<uint32_t> SegmentSet::TakeIdle(State state, Space space) {
  if (idle_.empty()) return Create(state, space);
  const uint32_t number = idle_.rbegin()->second;
  idle_.erase(std::prev(idle_.end()));
  entries_.at(number).state = state;
  entries_.at(number).space = space;
  return number;
}

// The name is durable before anything in the segment can be acknowledged.
Result<uint32_t> SegmentSet::Create(State state, Space space) {
  HILUM_RETURN_IF_ERROR(fail_stop_.status());
  if (last_number_ == UINT32_MAX) return LimitExceeded("all segment numbers are used up");
  HILUM_RETURN_IF_ERROR(SpareBytes(space).status());
  const uint32_t number = ++last_number_;
  if (Status status = WriteBegin(number, state, space); !status.ok()) {
    entries_.erase(number);
    disk_.Remove(PathOf(number)).IgnoreError();  // an unfinished segment is harmless: the next start removes it
    return status;
  }
  if (Status status = disk_.SyncDirectory(options_.directory); !status.ok()) return fail_stop_.Trip(status);
  return number;
}

Status SegmentSet::WriteBegin(uint32_t number, State state, Space space) {
  HILUM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, disk_.Open(PathOf(number), OpenMode::kCreateNew));
  Entry& entry = entries_[number];
  entry.state = state;
  entry.space = space;
  entry.file = std::make_shared<AppendFile>(std::move(file), fail_stop_);
  HILUM_RETURN_IF_ERROR(MakeRoom(entry, kPageBytes));
  const PageBytes page = EncodeMark(MarkKind::kBegin, number, 0);
  const Bytes view = View(page);
  HILUM_RETURN_IF_ERROR(entry.file->Write(0, {&view, 1}));
  HILUM_RETURN_IF_ERROR(entry.file->Sync());
  entry.end = kPageBytes;
  return Status::Ok();
}

Result<bool> SegmentSet::SealEarly(uint32_t segment) {
  {
    const std::lock_guard lock(mu_);
    const auto found = entries_.find(segment);
    if (found == entries_.end()) return NotFound(Name(segment) + " does not exist");
    Entry& entry = found->second;
    if (entry.state == State::kSealed) return true;
    // A full disk is no reason to end the store.
    if (entry.end + kPageBytes > entry.reserved) HILUM_RETURN_IF_ERROR(CheckSpace(Space::kReserve, kPageBytes));
    if (entry.state == State::kIdle)
      idle_.erase({entry.end, segment});
    else if (entry.state == State::kNext)
      next_ = 0;
    else if (entry.state == State::kHot && entry.writers == 0)
      hot_ = 0;
    else
      return false;
    entry.state = State::kFull;
  }
  HILUM_RETURN_IF_ERROR(Seal(segment));
  return true;
}

// REQUIRES: the segment is full, or idle and taken out of idle_; mu_ is not held.
Status SegmentSet::Seal(uint32_t number) {
  std::shared_ptr<AppendFile> file;
  uint64_t end = 0;
  {
    std::unique_lock lock(mu_);
    const Entry& entry = entries_.at(number);
    room_returned_.wait(lock, [&] { return !entry.claimed; });
    file = entry.file;
    end = entry.end;
  }
  const PageBytes page = EncodeMark(MarkKind::kSeal, number, end);
  const Bytes view = View(page);
  HILUM_RETURN_IF_ERROR(file->Write(end, {&view, 1}));
  // Gives back what was reserved beyond the end.
  if (Status status = file->file()->Truncate(end + kPageBytes); !status.ok()) return fail_stop_.Trip(status);
  HILUM_RETURN_IF_ERROR(file->Sync());
  const std::lock_guard lock(mu_);
  Entry& entry = entries_.at(number);
  entry.state = State::kSealed;
  entry.file = nullptr;
  return Status::Ok();
}

Result<std::shared_ptr<File>> SegmentSet::OpenFile(uint32_t segment) {
  {
    const std::lock_guard lock(mu_);
    const auto found = entries_.find(segment);
    if (found == entries_.end()) return NotFound(Name(segment) + " does not exist");
    if (found->second.file) return found->second.file->file();
  }
  return cache_.Open(segment, PathOf(segment));
}

Status SegmentSet::Sync(uint32_t segment) {
  std::shared_ptr<AppendFile> file;
  {
    const std::lock_guard lock(mu_);
    const auto found = entries_.find(segment);
    if (found == entries_.end()) return NotFound(Name(segment) + " does not exist");
    file = found->second.file;
  }
  return file ? file->Sync() : fail_stop_.status();
}

Result<SegmentSet::Info> SegmentSet::Find(uint32_t segment) const {
  const std::lock_guard lock(mu_);
  const auto found = entries_.find(segment);
  if (found == entries_.end()) return NotFound(Name(segment) + " does not exist");
  return Info{segment, found->second.end, found->second.state == State::kSealed};
}

std::vector<SegmentSet::Info> SegmentSet::List() const {
  const std::lock_guard lock(mu_);
  std::vector<Info> all;
  for (const auto& [number, entry] : entries_) all.push_back({number, entry.end, entry.state == State::kSealed});
  return all;
}

Status SegmentSet::Remove(uint32_t segment) {
  {
    const std::lock_guard lock(mu_);
    // The highest number on disk is what keeps numbers from being given out twice after a restart.
    if (segment == entries_.rbegin()->first) {
      HILUM_ASSIGN_OR_RETURN(const uint32_t created, Create(State::kIdle, Space::kReserve));
      idle_.emplace(entries_.at(created).end, created);
    }
    entries_.erase(segment);
  }
  const Status removed = disk_.Remove(PathOf(segment));
  cache_.Drop(segment);  // now that nobody can open it again
  HILUM_RETURN_IF_ERROR(removed);
  if (Status status = disk_.SyncDirectory(options_.directory); !status.ok()) return fail_stop_.Trip(status);
  return Status::Ok();
}

}  // namespace hilum::storage::segment
