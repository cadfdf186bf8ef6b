// The bytes of segment files: docs/on-disk-format.md, "Objects". Pure functions, no disk.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "storage/object/object_store.h"

namespace hilum::storage::segment {

inline constexpr uint64_t kPageBytes = 4096;         // records begin and end on pages
inline constexpr uint64_t kChunkBytes = 256 * 1024;  // of body, per checksum
inline constexpr uint64_t kFrameBytes = 128;
inline constexpr size_t kMaxIdBytes = 64;
inline constexpr uint64_t kMaxBodyBytes = uint64_t{1} << 48;

uint64_t RoundUpToPage(uint64_t bytes);
uint64_t Checksum(Bytes bytes);

// Where the parts of a record are in the segment file: header, body, zeros, table of checksums, footer.
// REQUIRES: IsPlausible(ref).
struct Layout {
  explicit Layout(const ObjectRef& ref);
  uint64_t chunks;
  uint64_t body;
  uint64_t table;
  uint64_t footer;
  uint64_t end;
};

// Whether a record could be there at all; false only for damaged or invented refs.
bool IsPlausible(const ObjectRef& ref);

// What header and footer both say: either one identifies the record when the other is damaged.
enum class FrameKind { kHeader, kFooter };
struct Frame {
  ObjectRef ref;
  std::string id;
  uint64_t table_checksum = 0;

  bool operator==(const Frame&) const = default;
};
using FrameBytes = std::array<char, kFrameBytes>;
FrameBytes EncodeFrame(FrameKind kind, const Frame& frame);
// nullopt when this is no intact frame of that kind. REQUIRES: bytes.size() == kFrameBytes.
std::optional<Frame> DecodeFrame(FrameKind kind, Bytes bytes);

// The first page of each segment, and the last page of a sealed one.
enum class MarkKind { kBegin, kSeal };
using PageBytes = std::array<char, kPageBytes>;
PageBytes EncodeMark(MarkKind kind, uint32_t segment, uint64_t offset);
// REQUIRES: page.size() == kPageBytes.
bool IsMark(MarkKind kind, Bytes page, uint32_t segment, uint64_t offset);

// What the last page of a segment says. A crash while it was written leaves zeros in place of some of its sectors: then
// it was never sealed. What else is a seal mark but for a few bytes is a damaged one. REQUIRES: as IsMark.
enum class SealState { kNone, kIntact, kDamaged };
SealState SealIn(Bytes page, uint32_t segment, uint64_t offset);

// "000001.seg"
std::string FileName(uint32_t segment);
std::optional<uint32_t> ParseFileName(const std::string& name);

}  // namespace hilum::storage::segment
