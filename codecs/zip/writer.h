// Writes zip archives (PKWARE APPNOTE 6.3) piece by piece, entries stored as they are: what goes before and after the
// bytes of each entry, and the directory at the end. ZIP64 fields appear where numbers need them.
//
//   zip::Writer writer;
//   for (...) { Write(writer.BeginKnown(name, size, crc)); Write(bytes); }      // or, size not known ahead:
//   Write(writer.BeginStreamed(name)); Write(bytes); Write(writer.EndStreamed(size, crc));
//   Write(writer.End());
//
// Entries carry no time (1980-01-01), so that the same entries make the same archive. Not thread-safe. Memory: the name
// and a few numbers of every entry.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace hilum::zip {

// CRC-32 as zip wants it, of `bytes` after those that made `crc` (0: none).
uint32_t Crc32(Bytes bytes, uint32_t crc = 0);

class Writer {
 public:
  // REQUIRES of all names: '/' between folders, at most 65535 bytes of UTF-8.
  std::string BeginKnown(std::string_view name, uint64_t size, uint32_t crc);
  std::string BeginStreamed(std::string_view name);
  // After the bytes of the entry begun last, by BeginStreamed.
  std::string EndStreamed(uint64_t size, uint32_t crc);
  // After the last entry.
  std::string End() const;

  struct EntrySize {
    std::string name;
    uint64_t bytes = 0;
  };
  // Bytes of a whole archive of these entries, all begun by BeginKnown.
  static uint64_t ArchiveLength(std::span<const EntrySize> entries);

 private:
  struct Entry {
    std::string name;
    uint64_t offset = 0;  // of its local header
    uint64_t size = 0;
    uint32_t crc = 0;
    bool streamed = false;
  };

  std::vector<Entry> entries_;
  uint64_t position_ = 0;  // in the archive, after the entries ended so far
};

}  // namespace hilum::zip
