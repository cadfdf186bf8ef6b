#include "storage/object/object_store.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "storage/object/backup.h"
#include "storage/object/checked_chunks.h"
#include "storage/object/compaction.h"
#include "storage/object/format.h"
#include "storage/object/record.h"
#include "storage/object/room_ahead.h"
#include "storage/object/segment_set.h"
#include "storage/object/stream_writer.h"

namespace hilum::storage {
namespace {

using segment::kChunkBytes;
using segment::Record;

Status CheckId(Bytes id) {
  if (id.size() <= segment::kMaxIdBytes) return Status::Ok();
  return Invalid("an object id of " + std::to_string(id.size()) + " bytes; at most " +
                 std::to_string(segment::kMaxIdBytes) + " fit");
}

// Below it the copy into the page cache is cheaper than setting up a transfer.
constexpr uint64_t kDirectBytes = 128 * 1024;

std::string ChunkTable(Bytes body) {
  std::string table;
  table.reserve((body.size() / kChunkBytes + 1) * sizeof(uint64_t));
  for (; !body.empty(); body.remove_prefix(std::min<size_t>(body.size(), kChunkBytes))) {
    AppendLe(&table, segment::Checksum(body.substr(0, kChunkBytes)));
  }
  return table;
}

// Completes the record around the body that lies in it.
void FillRecord(char* record, const segment::Frame& frame, Bytes table) {
  const segment::Layout layout(frame.ref);
  const uint64_t begin = frame.ref.offset;
  const segment::FrameBytes header = EncodeFrame(segment::FrameKind::kHeader, frame);
  const segment::FrameBytes footer = EncodeFrame(segment::FrameKind::kFooter, frame);
  std::copy(header.begin(), header.end(), record);
  std::fill(record + (layout.body + frame.ref.length - begin), record + (layout.table - begin), '\0');
  std::copy(table.begin(), table.end(), record + (layout.table - begin));
  std::copy(footer.begin(), footer.end(), record + (layout.footer - begin));
}

}  // namespace

class SegmentStore : public ObjectStore {
 public:
  SegmentStore(ObjectStoreOptions options, Disk& disk, Logger log)
      : options_(std::move(options)),
        disk_(disk),
        log_(std::move(log)),
        fail_stop_("the object store", options_.on_fatal, log_),
        segments_(options_, disk, log_, fail_stop_) {}

  Status Load() {
    HILUM_RETURN_IF_ERROR(segments_.Load());
    if (options_.room_ahead_bytes > 0) room_ahead_.emplace(segments_, options_.room_ahead_bytes);
    return Status::Ok();
  }

  Result<ObjectRef> Put(Bytes id, ObjectBuffer& body) override {
    HILUM_RETURN_IF_ERROR(fail_stop_.status());
    HILUM_RETURN_IF_ERROR(CheckId(id));
    const std::string table = ChunkTable(body.body());
    const uint64_t bytes = RecordBytes(body.size());
    HILUM_ASSIGN_OR_RETURN(const segment::SegmentSet::Place place, segments_.Reserve(bytes));
    const ObjectRef ref{place.segment, place.offset, body.size()};
    FillRecord(body.record(), {ref, std::string(id), segment::Checksum(table)}, table);
    const Bytes record(body.record(), bytes);
    Status status = options_.direct_writes && bytes >= kDirectBytes ? place.file->WriteDirect(ref.offset, record)
                                                                    : place.file->Write(ref.offset, {&record, 1});
    if (status.ok())
      status = segments_.Release(place);
    else
      segments_.Release(place).IgnoreError();  // the first error counts
    if (!status.ok()) return status;
    return ref;
  }

  Result<std::unique_ptr<ObjectWriter>> NewWriter(Bytes id, Space space) override {
    HILUM_RETURN_IF_ERROR(fail_stop_.status());
    HILUM_RETURN_IF_ERROR(CheckId(id));
    HILUM_ASSIGN_OR_RETURN(segment::SegmentSet::Place lane, segments_.TakeLane(space));
    return std::unique_ptr<ObjectWriter>(std::make_unique<segment::StreamWriter>(segments_, std::move(lane), id));
  }

  Status Sync(std::span<const ObjectRef> refs) override {
    std::set<uint32_t> touched;
    for (const ObjectRef& ref : refs) touched.insert(ref.segment);
    for (const uint32_t number : touched) HILUM_RETURN_IF_ERROR(segments_.Sync(number));
    return fail_stop_.status();
  }

  Status Read(const ObjectRef& ref, uint64_t offset, std::span<char> out) const override {
    HILUM_ASSIGN_OR_RETURN(const Record record, OpenRecord(ref));
    return record.Read(offset, out);
  }

  Status Check(const ObjectRef& ref, uint64_t offset, uint64_t length) const override {
    if (length == 0) return Status::Ok();
    std::optional<Record> record;
    for (uint64_t chunk = offset / kChunkBytes; chunk <= (offset + length - 1) / kChunkBytes; ++chunk) {
      const uint64_t page = (ref.offset + chunk * kChunkBytes) / segment::kPageBytes;
      if (checked_.Contains(ref.segment, page)) continue;
      if (!record) {
        HILUM_ASSIGN_OR_RETURN(record, OpenRecord(ref));
      }
      char byte = 0;  // reading one byte checks its chunk
      HILUM_RETURN_IF_ERROR(record->Read(chunk * kChunkBytes, {&byte, 1}));
      checked_.Add(ref.segment, page);
    }
    return Status::Ok();
  }

  Result<Location> Locate(const ObjectRef& ref) const override {
    if (!segment::IsPlausible(ref))
      return Corruption("no record can be at offset " + std::to_string(ref.offset) + " of a segment");
    HILUM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, segments_.OpenFile(ref.segment));
    return Location{std::move(file), segment::Layout(ref).body};
  }

  Status VerifyObject(Bytes id, const ObjectRef& ref) const override {
    HILUM_ASSIGN_OR_RETURN(const Record record, OpenRecord(ref));
    HILUM_RETURN_IF_ERROR(record.CheckHeader());
    HILUM_RETURN_IF_ERROR(record.CheckId(id));
    return record.ReadAll([](Bytes) { return Status::Ok(); });
  }

  std::vector<SegmentInfo> Segments() const override {
    std::vector<SegmentInfo> all;
    for (const auto& info : segments_.List()) {
      all.push_back({info.segment, info.end + (info.sealed ? segment::kPageBytes : 0), info.sealed});
    }
    return all;
  }

  Result<bool> SealEarly(uint32_t segment) override {
    HILUM_RETURN_IF_ERROR(fail_stop_.status());
    return segments_.SealEarly(segment);
  }

  Status Compact(uint32_t number, std::span<const LiveObject> live,
                 const std::function<Status(std::span<const Move>)>& relocate) override {
    HILUM_RETURN_IF_ERROR(fail_stop_.status());
    HILUM_ASSIGN_OR_RETURN(const auto info, segments_.Find(number));
    if (!info.sealed) return Invalid("segment " + std::to_string(number) + " is still written to");
    HILUM_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, segments_.OpenFile(number));
    const auto copied = segment::CopyLiveRecords(*this, file, live);
    if (!copied.ok()) return copied.status().WithContext("compact segment " + std::to_string(number));
    const std::vector<Move>& moves = copied.value();
    std::vector<ObjectRef> copies;
    for (const Move& move : moves) copies.push_back(move.to);
    HILUM_RETURN_IF_ERROR(Sync(copies));
    HILUM_RETURN_IF_ERROR(relocate(moves));
    return segments_.Remove(number);
  }

  Status Backup(const std::string& directory) override {
    for (const auto& info : segments_.List()) {
      const std::string to = directory + "/" + segment::FileName(info.segment);
      if (info.sealed && disk_.HardLink(segments_.PathOf(info.segment), to).ok()) continue;
      HILUM_ASSIGN_OR_RETURN(const std::shared_ptr<File> file, segments_.OpenFile(info.segment));
      const uint64_t bytes = info.end + (info.sealed ? segment::kPageBytes : 0);
      HILUM_RETURN_IF_ERROR(CheckRoom(directory, bytes));
      HILUM_RETURN_IF_ERROR(segment::CopyFile(disk_, *file, bytes, to));
    }
    return disk_.SyncDirectory(directory);
  }

  Status health() const override { return fail_stop_.status(); }
  Status CheckSpace(Space space, uint64_t bytes) const override { return segments_.CheckSpace(space, bytes); }

 private:
  // It may be the disk of the store, which must not get into need by its backup.
  Status CheckRoom(const std::string& directory, uint64_t bytes) const {
    HILUM_ASSIGN_OR_RETURN(const uint64_t free, disk_.FreeBytes(directory));
    if (free >= bytes && free - bytes >= options_.low_water_bytes) return Status::Ok();
    return DiskFull("a segment of " + std::to_string(bytes) + " bytes would leave less than " +
                    std::to_string(options_.low_water_bytes) + " bytes free in " + directory);
  }

  Result<Record> OpenRecord(const ObjectRef& ref) const {
    HILUM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, segments_.OpenFile(ref.segment));
    return Record::Open(std::move(file), ref);
  }

  const ObjectStoreOptions options_;
  Disk& disk_;
  const Logger log_;
  FailStop fail_stop_;
  mutable segment::SegmentSet segments_;
  mutable segment::CheckedChunks checked_;
  std::optional<segment::RoomAhead> room_ahead_;  // ends before what it uses
};

Result<ObjectRef> ObjectStore::Put(Bytes id, Bytes body) {
  if (body.size() > segment::kMaxBodyBytes) return LimitExceeded("an object is larger than the object store can hold");
  ObjectBuffer copy(body.size());
  copy.Append(body);
  return Put(id, copy);
}

Result<std::unique_ptr<ObjectStore>> ObjectStore::Open(ObjectStoreOptions options, Disk& disk, Logger log) {
  auto store = std::make_unique<SegmentStore>(std::move(options), disk, std::move(log));
  HILUM_RETURN_IF_ERROR(store->Load().WithContext("open the object store"));
  return std::unique_ptr<ObjectStore>(std::move(store));
}

Result<std::vector<std::string>> ObjectStore::FilesWithObjects(Disk& disk, const std::string& directory) {
  std::vector<std::string> found;
  HILUM_ASSIGN_OR_RETURN(const bool exists, disk.Exists(directory));
  if (!exists) return found;
  HILUM_ASSIGN_OR_RETURN(const std::vector<std::string> names, disk.List(directory));
  for (const std::string& name : names) {
    if (!segment::ParseFileName(name)) continue;
    HILUM_ASSIGN_OR_RETURN(const auto file, disk.Open(directory + "/" + name, OpenMode::kRead));
    HILUM_ASSIGN_OR_RETURN(const uint64_t bytes, file->Size());
    if (bytes > segment::kPageBytes) found.push_back(name);
  }
  return found;
}

}  // namespace hilum::storage
