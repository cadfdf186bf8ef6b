#include "storage/object/format.h"

#ifdef __x86_64__
#include <xxh_x86dispatch.h>  // takes AVX2 or AVX-512 where the processor has it: twice the rate
#else
#include <xxhash.h>
#endif

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdio>

namespace hilum::storage {

void AppendObjectRef(std::string* out, const ObjectRef& ref) {
  AppendVarint(out, ref.segment);
  AppendVarint(out, ref.offset);
  AppendVarint(out, ref.length);
}

bool ReadObjectRef(ByteReader* in, ObjectRef* out) {
  uint64_t segment = 0, offset = 0, length = 0;
  if (!in->ReadVarint(&segment) || !in->ReadVarint(&offset) || !in->ReadVarint(&length)) return false;
  if (segment > UINT32_MAX || offset > segment::kMaxBodyBytes || length > segment::kMaxBodyBytes) return false;
  *out = {static_cast<uint32_t>(segment), offset, length};
  return true;
}

uint64_t ObjectStore::RecordBytes(uint64_t body_length) {
  return segment::Layout({1, 0, body_length}).end;
}

namespace segment {
namespace {

constexpr Bytes kHeaderMagic = "HILUMREC";
constexpr Bytes kFooterMagic = "HILUMFIN";
constexpr Bytes kBeginMagic = "HILUMSEG";
constexpr Bytes kSealMagic = "HILUMEND";
constexpr uint32_t kFormatVersion = 1;

// Positions in a frame.
constexpr size_t kSegmentAt = 8;
constexpr size_t kIdLengthAt = 12;
constexpr size_t kOffsetAt = 16;
constexpr size_t kLengthAt = 24;
constexpr size_t kTableChecksumAt = 32;
constexpr size_t kIdAt = 40;
constexpr size_t kFrameChecksumAt = kFrameBytes - 8;

// Positions in a mark.
constexpr size_t kMarkVersionAt = 8;
constexpr size_t kMarkSegmentAt = 12;
constexpr size_t kMarkOffsetAt = 16;
constexpr size_t kMarkChecksumAt = kPageBytes - 8;

template <typename T>
void StoreLe(char* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

Bytes MagicOf(FrameKind kind) {
  return kind == FrameKind::kHeader ? kHeaderMagic : kFooterMagic;
}
Bytes MagicOf(MarkKind kind) {
  return kind == MarkKind::kBegin ? kBeginMagic : kSealMagic;
}

}  // namespace

uint64_t RoundUpToPage(uint64_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

uint64_t Checksum(Bytes bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

Layout::Layout(const ObjectRef& ref)
    : chunks((ref.length + kChunkBytes - 1) / kChunkBytes),
      body(ref.offset + kFrameBytes),
      table(0),
      footer(0),
      end(ref.offset + RoundUpToPage(kFrameBytes + ref.length + chunks * sizeof(uint64_t) + kFrameBytes)) {
  footer = end - kFrameBytes;
  table = footer - chunks * sizeof(uint64_t);
}

bool IsPlausible(const ObjectRef& ref) {
  return ref.segment > 0 && ref.offset >= kPageBytes && ref.offset % kPageBytes == 0 && ref.offset <= kMaxBodyBytes &&
         ref.length <= kMaxBodyBytes;
}

FrameBytes EncodeFrame(FrameKind kind, const Frame& frame) {
  assert(frame.id.size() <= kMaxIdBytes);
  FrameBytes out{};
  const Bytes magic = MagicOf(kind);
  std::copy(magic.begin(), magic.end(), out.begin());
  StoreLe(&out[kSegmentAt], frame.ref.segment);
  StoreLe(&out[kIdLengthAt], static_cast<uint32_t>(frame.id.size()));
  StoreLe(&out[kOffsetAt], frame.ref.offset);
  StoreLe(&out[kLengthAt], frame.ref.length);
  StoreLe(&out[kTableChecksumAt], frame.table_checksum);
  std::copy(frame.id.begin(), frame.id.end(), out.begin() + kIdAt);
  StoreLe(&out[kFrameChecksumAt], Checksum({out.data(), kFrameChecksumAt}));
  return out;
}

std::optional<Frame> DecodeFrame(FrameKind kind, Bytes bytes) {
  assert(bytes.size() == kFrameBytes);
  if (!bytes.starts_with(MagicOf(kind))) return std::nullopt;
  if (LoadLe<uint64_t>(&bytes[kFrameChecksumAt]) != Checksum(bytes.substr(0, kFrameChecksumAt))) return std::nullopt;
  Frame frame;
  frame.ref.segment = LoadLe<uint32_t>(&bytes[kSegmentAt]);
  frame.ref.offset = LoadLe<uint64_t>(&bytes[kOffsetAt]);
  frame.ref.length = LoadLe<uint64_t>(&bytes[kLengthAt]);
  frame.table_checksum = LoadLe<uint64_t>(&bytes[kTableChecksumAt]);
  const auto id_length = LoadLe<uint32_t>(&bytes[kIdLengthAt]);
  if (id_length > kMaxIdBytes || !IsPlausible(frame.ref)) return std::nullopt;
  frame.id = bytes.substr(kIdAt, id_length);
  return frame;
}

PageBytes EncodeMark(MarkKind kind, uint32_t segment, uint64_t offset) {
  PageBytes out{};
  const Bytes magic = MagicOf(kind);
  std::copy(magic.begin(), magic.end(), out.begin());
  StoreLe(&out[kMarkVersionAt], kFormatVersion);
  StoreLe(&out[kMarkSegmentAt], segment);
  StoreLe(&out[kMarkOffsetAt], offset);
  StoreLe(&out[kMarkChecksumAt], Checksum({out.data(), kMarkChecksumAt}));
  return out;
}

bool IsMark(MarkKind kind, Bytes page, uint32_t segment, uint64_t offset) {
  const PageBytes expected = EncodeMark(kind, segment, offset);
  return page == Bytes(expected.data(), expected.size());
}

SealState SealIn(Bytes page, uint32_t segment, uint64_t offset) {
  constexpr size_t kSectorBytes = 512;
  // Fewer than a mark has that are not zero, so that a page of zeros but for some is none.
  constexpr int kFewBytes = 8;
  const PageBytes expected = EncodeMark(MarkKind::kSeal, segment, offset);
  const Bytes mark(expected.data(), expected.size());
  if (page == mark) return SealState::kIntact;
  bool torn = true;
  for (size_t at = 0; at < kPageBytes && torn; at += kSectorBytes) {
    const Bytes sector = page.substr(at, kSectorBytes);
    torn = sector == mark.substr(at, kSectorBytes) || sector.find_first_not_of('\0') == Bytes::npos;
  }
  int different = 0;
  for (size_t i = 0; i < kPageBytes; ++i) different += page[i] != mark[i];
  return !torn && different <= kFewBytes ? SealState::kDamaged : SealState::kNone;
}

std::string FileName(uint32_t segment) {
  std::array<char, 24> name;
  const int length = std::snprintf(name.data(), name.size(), "%06u.seg", segment);
  return {name.data(), static_cast<size_t>(length)};
}

std::optional<uint32_t> ParseFileName(const std::string& name) {
  uint32_t segment = 0;
  std::from_chars(name.data(), name.data() + name.size(), segment);
  if (segment == 0 || FileName(segment) != name) return std::nullopt;
  return segment;
}

}  // namespace segment
}  // namespace hilum::storage
