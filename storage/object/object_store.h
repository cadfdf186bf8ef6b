// Object bytes, kept exactly as received, in append-only segment files. The format is docs/on-disk-format.md.
//
// Safe for concurrent use. An object is durable after Sync(ref) returned OK, and belongs to the store only when a row
// that holds its ref is committed after that; bytes without such a row are garbage that compaction reclaims. The store
// keeps no table of objects of its own. Small objects share one hot segment; a streamed object has a segment to itself
// while it is written, and hands it on afterwards. Records begin on 4 KiB boundaries, so that a torn write never
// touches an acknowledged neighbour. The first write or sync error makes the store refuse further writes (fail-stop)
// and calls on_fatal. Below the low-water mark of free disk space writes answer kDiskFull; reads go on, and compaction
// down to a second mark. A ref whose segment does not exist answers kNotFound: compaction moved the object, its row
// says where to.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/disk.h"
#include "base/log.h"
#include "base/result.h"
#include "storage/object/object_buffer.h"
#include "storage/space.h"

namespace hilum::storage {

// Where an object's bytes are. Fixed once written; compaction makes a new one.
struct ObjectRef {
  uint32_t segment = 0;  // from 1
  uint64_t offset = 0;   // of the record (header), in the segment file
  uint64_t length = 0;   // of the body, in bytes

  bool operator==(const ObjectRef&) const = default;
};

// 20 bytes or fewer; ReadObjectRef is false on damaged bytes.
void AppendObjectRef(std::string* out, const ObjectRef& ref);
bool ReadObjectRef(ByteReader* in, ObjectRef* out);

// An object that arrives in pieces. Not thread-safe. Destroyed without Finish, it leaves only garbage. The store
// outlives it. Memory stays at one chunk (256 KiB). After an error it is good for nothing but destruction.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual Status Append(Bytes bytes) = 0;
  virtual uint64_t length() const = 0;
  // Seals the record. Not durable before ObjectStore::Sync.
  virtual Result<ObjectRef> Finish() = 0;
};

struct ObjectStoreOptions {
  std::string directory;
  uint64_t segment_bytes = 1ull << 30;  // a segment is sealed when it reaches this, so it is larger by up to one object
  uint64_t low_water_bytes = 512 << 20;  // free space below which writes are refused
  uint64_t reserve_bytes = 256 << 20;    // and below which compaction is; at most the same
  // Large objects that are whole in memory are written past the page cache, where the disk can: that takes a third of
  // the processor's time and leaves the cache to what is read.
  bool direct_writes = true;
  // While nobody stores, zeros are written to so much of the room that comes next: what overwrites them is synced
  // faster. 0: never.
  uint64_t room_ahead_bytes = 0;
  // Open without the segments whose own header is damaged, and leave their files alone.
  bool accept_loss = false;
  // Called once, from any thread; may call health() and nothing else of the store.
  std::function<void(const Status&)> on_fatal;
};

struct SegmentInfo {
  uint32_t segment = 0;
  uint64_t bytes = 0;   // file size in use, headers and padding included
  bool sealed = false;  // no writer will append to it again
};

class ObjectStore {
 public:
  // Creates the directory when absent; finds the end of each segment. kCorruption when a segment's own header or seal
  // is damaged, unless the loss is accepted.
  static Result<std::unique_ptr<ObjectStore>> Open(ObjectStoreOptions options, Disk& disk, Logger log);
  // Names of the segment files in `directory`, which need not be there, that hold more than their own header.
  static Result<std::vector<std::string>> FilesWithObjects(Disk& disk, const std::string& directory);
  virtual ~ObjectStore() = default;

  // `id` (<= 64 bytes) names the object in its record, so that it shows whose bytes they are.
  virtual Result<ObjectRef> Put(Bytes id, ObjectBuffer& body) = 0;
  Result<ObjectRef> Put(Bytes id, Bytes body);  // of a copy
  virtual Result<std::unique_ptr<ObjectWriter>> NewWriter(Bytes id, Space space = Space::kUsual) = 0;

  // Makes the objects durable; callers that wait together share one fdatasync per segment.
  virtual Status Sync(std::span<const ObjectRef> refs) = 0;

  // Fills `out` with the bytes from `offset` of the body, checking the checksum of every chunk it touches. kCorruption
  // names segment and offset. REQUIRES: offset + out.size() <= ref.length.
  virtual Status Read(const ObjectRef& ref, uint64_t offset, std::span<char> out) const = 0;
  // Makes sure that the bytes [offset, offset + length) of the body are what was stored, reading each chunk once as
  // long as the store is open: call it before sending them from the file. kCorruption names segment and offset.
  // REQUIRES: offset + length <= ref.length.
  virtual Status Check(const ObjectRef& ref, uint64_t offset, uint64_t length) const = 0;
  // The file and the offset of the body in it, for sendfile: not checked. The file stays readable while held, also
  // through compaction.
  struct Location {
    std::shared_ptr<File> file;
    uint64_t offset = 0;
  };
  virtual Result<Location> Locate(const ObjectRef& ref) const = 0;
  // Reads header, body and trailer and checks all of it, also that the record names `id`, or was written without a
  // name.
  virtual Status VerifyObject(Bytes id, const ObjectRef& ref) const = 0;

  // Bytes the record of a body of this length takes, padding included: for live-byte accounting.
  static uint64_t RecordBytes(uint64_t body_length);

  virtual std::vector<SegmentInfo> Segments() const = 0;
  // Seals a segment before it is full, so that it can be compacted. False while somebody writes to it.
  virtual Result<bool> SealEarly(uint32_t segment) = 0;
  // Copies the objects of a segment that are alive into other segments and syncs them, then calls `relocate` with old
  // and new refs (to switch the rows in one commit), then removes the segment file. What is alive is for rows to say:
  // in the file, bytes of uploads that were given up may look like records. On error before removal nothing is lost:
  // the copies are garbage. kCorruption, nothing is copied and the segment stays, when a live body is damaged. kInvalid
  // when the segment is not sealed. REQUIRES: one call per segment at a time.
  struct LiveObject {
    std::string id;
    ObjectRef ref;
  };
  struct Move {
    std::string id;
    ObjectRef from;
    ObjectRef to;
  };
  virtual Status Compact(uint32_t segment, std::span<const LiveObject> live,
                         const std::function<Status(std::span<const Move>)>& relocate) = 0;

  // Hard-links sealed segments into `directory` (must exist; copies them where links are not possible) and copies the
  // used part of open ones: with a Kv checkpoint taken BEFORE, a consistent backup. kDiskFull when a copy would leave
  // less than the low-water mark free.
  virtual Status Backup(const std::string& directory) = 0;

  // OK, or why writes are refused for good.
  virtual Status health() const = 0;
  // kDiskFull when so many bytes of records would take the disk below the mark of `space`. Asks the operating system.
  virtual Status CheckSpace(Space space, uint64_t bytes) const = 0;
};

}  // namespace hilum::storage
