// Reading records out of an open segment file. Everything read is checked before it is believed; a file with arbitrary
// content is harmless.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/disk.h"
#include "storage/object/format.h"

namespace hilum::storage::segment {

// One record whose footer and table of checksums are intact. Safe for concurrent use.
class Record {
 public:
  // kCorruption when the footer or the table are not those of `ref`.
  static Result<Record> Open(std::shared_ptr<File> file, const ObjectRef& ref);

  const Frame& frame() const { return footer_; }
  // Fills `out` with body bytes after checking every chunk it touches. kInvalid when the range leaves the body.
  Status Read(uint64_t offset, std::span<char> out) const;
  // Visits the checked chunks of the body in order; stops at the first error, its own or the visitor's.
  Status ReadAll(const std::function<Status(Bytes)>& visit) const;
  // Reads and checks the header as well.
  Status CheckHeader() const;
  // kCorruption when the record names another object; it may have been written without a name.
  Status CheckId(Bytes id) const;

 private:
  Record(std::shared_ptr<File> file, Frame footer, std::string table);
  uint64_t ChunkLength(uint64_t chunk) const;
  // REQUIRES: out.size() == ChunkLength(chunk).
  Status ReadChunk(uint64_t chunk, std::span<char> out) const;

  std::shared_ptr<File> file_;
  Frame footer_;
  Layout layout_;
  std::string table_;
};

}  // namespace hilum::storage::segment
