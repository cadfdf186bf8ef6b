// The file system, as much of it as the store needs, behind an interface: PosixDisk is the machine's, MemoryDisk
// (tests/support) is the fake that records calls, drops what was not synced and fails on demand.
//
// Disk and the files it opens are safe for concurrent use. A file stays open until its last owner drops it.
// Every error names the operation and the path. A failed WriteAt or Sync leaves the file's tail undefined: never retry
// a sync (ext4, XFS and Btrfs mark pages clean after a failed one), stop instead.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace hilum {

class File {
 public:
  virtual ~File() = default;
  // Reads exactly out.size() bytes; kCorruption when the file ends before.
  virtual Status ReadAt(uint64_t offset, std::span<char> out) const = 0;
  // Writes all of `data`; concurrent calls may touch disjoint ranges.
  virtual Status WriteAt(uint64_t offset, Bytes data) = 0;
  // Writes the pieces one after the other from `offset`: one system call where the file can.
  virtual Status WritePiecesAt(uint64_t offset, std::span<const Bytes> pieces);
  // As WriteAt, past the page cache where the file system can. REQUIRES: address, offset and size are multiples of
  // kDirectBytes.
  static constexpr size_t kDirectBytes = 4096;
  virtual Status WriteDirectAt(uint64_t offset, Bytes data) { return WriteAt(offset, data); }
  // fdatasync: data, and the metadata needed to read it back.
  virtual Status Sync() = 0;
  virtual Status Truncate(uint64_t size) = 0;
  // Reserves disk space without changing the size; unsupported file systems answer OK.
  virtual Status Preallocate(uint64_t offset, uint64_t length) = 0;
  virtual Result<uint64_t> Size() const = 0;
  // The descriptor for sendfile and mmap, -1 where there is none. Owned by the file.
  virtual int descriptor() const = 0;
};

enum class OpenMode { kRead, kReadWrite, kCreateNew /* fails when it exists */, kReadWriteCreate };

class Disk {
 public:
  virtual ~Disk() = default;
  virtual Result<std::shared_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  // Creates what is missing of `path`, durably. OK when it is there.
  virtual Status CreateDirectories(const std::string& path) = 0;
  // Makes creations, renames and removals inside `path` durable.
  virtual Status SyncDirectory(const std::string& path) = 0;
  virtual Status Rename(const std::string& from, const std::string& to) = 0;
  // kNotFound when it does not exist.
  virtual Status Remove(const std::string& path) = 0;
  // Makes `to` a second name of the same file.
  virtual Status HardLink(const std::string& from, const std::string& to) = 0;
  virtual Result<bool> Exists(const std::string& path) const = 0;
  // Names (not paths), sorted; directories too.
  virtual Result<std::vector<std::string>> List(const std::string& path) const = 0;
  // Space an unprivileged process may still use, in bytes.
  virtual Result<uint64_t> FreeBytes(const std::string& path) const = 0;
};

class PosixDisk : public Disk {
 public:
  Result<std::shared_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  Status CreateDirectories(const std::string& path) override;
  Status SyncDirectory(const std::string& path) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status HardLink(const std::string& from, const std::string& to) override;
  Result<bool> Exists(const std::string& path) const override;
  Result<std::vector<std::string>> List(const std::string& path) const override;
  Result<uint64_t> FreeBytes(const std::string& path) const override;
};

// Whole small files. kLimit when the file is larger than the limit. Write is atomic and durable: a temporary file
// beside it, sync, rename, directory sync. Those who may not read it never can. REQUIRES: one writer per path at a
// time.
enum class FileReaders { kAsUsual /* as the umask says */, kOwner };
Result<std::string> ReadWholeFile(Disk& disk, const std::string& path, uint64_t limit_bytes);
Status WriteWholeFile(Disk& disk, const std::string& path, Bytes content, FileReaders readers = FileReaders::kAsUsual);

// The folder that holds `path`: "." when it names none.
std::string ParentDirectory(const std::string& path);

}  // namespace hilum
