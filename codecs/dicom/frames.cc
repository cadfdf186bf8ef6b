#include "codecs/dicom/frames.h"

#include <algorithm>
#include <optional>
#include <span>

#include "codecs/dicom/element_header.h"
#include "codecs/dicom/transfer_syntax.h"

namespace hilum::dicom {
namespace {

// Frame i is fragments [first[i], first[i + 1]).
using Grouping = std::vector<uint32_t>;

struct Fragments {
  Bytes offset_table;             // value of the Basic Offset Table, possibly empty
  uint64_t base = 0;              // of the first fragment's item: what offset tables count from
  std::vector<FrameRange> items;  // values
};

Status Contradiction(const Header& header, std::string_view why) {
  return Invalid("pixel data at offset " + std::to_string(header.layout.pixel_data_offset) + ": " + std::string(why));
}

Result<Fragments> ReadFragments(Bytes file, const Header& header) {
  const Layout& layout = header.layout;
  if (layout.pixel_data_offset > file.size() || layout.pixel_data_length > file.size() - layout.pixel_data_offset) {
    return Contradiction(header, "it does not lie within the file");
  }
  Fragments fragments;
  const uint64_t end = layout.pixel_data_offset + layout.pixel_data_length;
  bool first = true;
  for (uint64_t at = layout.pixel_data_offset; at < end;) {
    if (end - at < 8) return Contradiction(header, "a fragment breaks off");
    const uint64_t length = Load32(file.data() + at + 4, layout.big_endian);
    if (LoadTag(file.data() + at, layout.big_endian) != tags::kItem || length > end - at - 8) {
      return Contradiction(header, "a fragment breaks off");
    }
    at += 8;
    if (first) {
      fragments.offset_table = file.substr(at, length);
      fragments.base = at + length;
      first = false;
    } else {
      fragments.items.push_back({.offset = at, .length = length});
    }
    at += length;
  }
  return fragments;
}

// The fragments that begin at the given offsets from `base`; nothing when one does not, or they do not ascend.
template <typename OffsetOf>
std::optional<Grouping> GroupByOffsets(const Fragments& fragments, uint32_t frames, OffsetOf&& offset_of) {
  Grouping first;
  first.reserve(frames + 1);
  size_t item = 0;
  for (uint32_t frame = 0; frame < frames; ++frame) {
    const uint64_t offset = offset_of(frame);
    while (item < fragments.items.size() && fragments.items[item].offset - 8 - fragments.base < offset) ++item;
    const bool found = item < fragments.items.size() && fragments.items[item].offset - 8 - fragments.base == offset;
    if (!found || (frame == 0 && item != 0) || (frame > 0 && item == first.back())) return std::nullopt;
    first.push_back(item);
  }
  first.push_back(fragments.items.size());
  return first;
}

std::optional<Grouping> GroupByExtendedOffsets(Bytes file, const Header& header, const Fragments& fragments) {
  const Layout& layout = header.layout;
  if (layout.extended_offsets_length != uint64_t{header.frames} * 8) return std::nullopt;
  if (layout.extended_offsets_offset > file.size() - layout.extended_offsets_length) return std::nullopt;
  const char* offsets = file.data() + layout.extended_offsets_offset;
  return GroupByOffsets(fragments, header.frames,
                        [&](uint32_t frame) { return LoadLe<uint64_t>(offsets + frame * 8ull); });
}

// Offsets have 32 bits: past 4 GiB writers let them wrap around.
std::optional<Grouping> GroupByBasicOffsets(const Header& header, const Fragments& fragments) {
  if (fragments.offset_table.size() != uint64_t{header.frames} * 4) return std::nullopt;
  uint64_t wrapped = 0, last = 0;
  return GroupByOffsets(fragments, header.frames, [&](uint32_t frame) {
    const uint64_t offset = LoadLe<uint32_t>(fragments.offset_table.data() + frame * 4ull);
    if (offset < last) wrapped += uint64_t{1} << 32;
    last = offset;
    return wrapped + offset;
  });
}

// JPEG and JPEG-LS SOI, JPEG 2000 SOC and SIZ, JPEG XL signatures. None of them can occur inside a codestream of its
// kind where a fragment may begin, except in a thumbnail: the count then tells.
bool BeginsCodestream(Bytes fragment) {
  constexpr std::string_view kJpeg("\xFF\xD8\xFF", 3), kJpeg2000("\xFF\x4F\xFF\x51", 4), kJpegXl("\xFF\x0A", 2),
      kJpegXlBox("\0\0\0\x0CJXL ", 8);
  return fragment.starts_with(kJpeg) || fragment.starts_with(kJpeg2000) || fragment.starts_with(kJpegXl) ||
         fragment.starts_with(kJpegXlBox);
}

std::optional<Grouping> GroupByCodestreams(Bytes file, const Header& header, const Fragments& fragments) {
  Grouping first;
  for (uint32_t i = 0; i < fragments.items.size(); ++i) {
    if (BeginsCodestream(file.substr(fragments.items[i].offset, fragments.items[i].length))) first.push_back(i);
  }
  if (first.size() != header.frames || first[0] != 0) return std::nullopt;
  first.push_back(fragments.items.size());
  return first;
}

Grouping OnePerFrame(uint32_t frames) {
  Grouping first(frames + 1);
  for (uint32_t i = 0; i <= frames; ++i) first[i] = i;
  return first;
}

Result<FrameTable> ReadEncapsulated(Bytes file, const Header& header) {
  HILUM_ASSIGN_OR_RETURN(Fragments fragments, ReadFragments(file, header));
  if (fragments.items.empty()) return Contradiction(header, "it has no fragment");
  const auto count = static_cast<uint32_t>(fragments.items.size());
  std::optional<Grouping> first;
  if (header.frames == 1 || IsVideo(header.layout.transfer_syntax))
    first = Grouping{0, count};
  else if (count == header.frames)
    first = OnePerFrame(count);
  if (!first) first = GroupByExtendedOffsets(file, header, fragments);
  if (!first) first = GroupByBasicOffsets(header, fragments);
  if (!first) first = GroupByCodestreams(file, header, fragments);
  if (!first) {
    return Contradiction(header, std::to_string(header.frames) + " frames cannot be told apart in " +
                                     std::to_string(count) + " fragments");
  }
  return FrameTable{.ranges = std::move(fragments.items), .first_range = std::move(*first)};
}

// Bits of one frame, or 0. YBR_FULL_422 and its kin keep two colour samples for two pixels, 420 for four (PS3.3
// C.7.6.3.1.2).
unsigned __int128 FrameBits(const Header& header) {
  unsigned __int128 bits = header.rows;
  bits *= header.columns;
  const bool colour = header.samples_per_pixel == 3;
  if (colour && header.photometric_interpretation.ends_with("_422")) return bits * 2 * header.bits_allocated;
  if (colour && header.photometric_interpretation.ends_with("_420")) return bits * 3 / 2 * header.bits_allocated;
  return bits * std::max(1u, header.samples_per_pixel) * header.bits_allocated;
}

Result<FrameTable> ReadNative(const Header& header) {
  if (std::max({header.rows, header.columns, header.samples_per_pixel, header.bits_allocated}) > UINT16_MAX) {
    return Contradiction(header, "Rows, Columns, Samples per Pixel or Bits Allocated is more than 65535");
  }
  const unsigned __int128 bits = FrameBits(header);
  if (bits == 0) return Contradiction(header, "Rows, Columns or Bits Allocated is missing or zero");
  if ((bits * header.frames + 7) / 8 > header.layout.pixel_data_length) {
    return Contradiction(header, "shorter than " + std::to_string(header.frames) + " frames of " +
                                     std::to_string(header.rows) + " rows and " + std::to_string(header.columns) +
                                     " columns need");
  }
  const auto frame_bits = static_cast<uint64_t>(bits);
  FrameTable table{.first_range = OnePerFrame(header.frames), .bit_packed = header.frames > 1 && frame_bits % 8 != 0};
  table.ranges.reserve(header.frames);
  for (uint64_t frame = 0; frame < header.frames; ++frame) {
    const uint64_t begin = frame * frame_bits / 8, end = ((frame + 1) * frame_bits + 7) / 8;
    table.ranges.push_back({.offset = header.layout.pixel_data_offset + begin, .length = end - begin});
  }
  return table;
}

// ---- the compact form: flags, then either kind.
enum : uint8_t { kUniform = 1, kBitPacked = 2 };

bool IsUniform(const FrameTable& table) {
  if (table.ranges.empty() || table.ranges.size() != table.frames()) return false;
  for (size_t i = 1; i < table.ranges.size(); ++i) {
    const FrameRange& before = table.ranges[i - 1];
    if (table.ranges[i].length != before.length || table.ranges[i].offset != before.offset + before.length)
      return false;
  }
  return true;
}

uint64_t ZigZag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

bool ReadUniform(ByteReader* in, uint64_t frames, FrameTable* out) {
  uint64_t offset = 0, length = 0;
  if (!in->ReadVarint(&offset) || !in->ReadVarint(&length)) return false;
  if (offset > INT64_MAX || length > INT64_MAX / (frames + 1)) return false;
  out->first_range = OnePerFrame(frames);
  for (uint64_t i = 0; i < frames; ++i) out->ranges.push_back({.offset = offset + i * length, .length = length});
  return true;
}

bool ReadRanges(ByteReader* in, uint64_t frames, FrameTable* out) {
  uint64_t end = 0;
  out->first_range.push_back(0);
  for (uint64_t frame = 0; frame < frames; ++frame) {
    uint64_t ranges = 0, gap = 0, length = 0;
    if (!in->ReadVarint(&ranges) || ranges > in->rest().size()) return false;
    for (; ranges > 0; --ranges) {
      if (!in->ReadVarint(&gap) || !in->ReadVarint(&length)) return false;
      const uint64_t offset = end + static_cast<uint64_t>(UnZigZag(gap));
      if (offset > INT64_MAX || length > INT64_MAX) return false;
      out->ranges.push_back({.offset = offset, .length = length});
      end = offset + length;
    }
    out->first_range.push_back(out->ranges.size());
  }
  return true;
}

}  // namespace

Result<FrameTable> ReadFrameTable(Bytes file, const Header& header) {
  if (header.layout.pixel_data_offset == 0) return NotFound("the instance has no pixel data");
  if (header.layout.deflated) return Unsupported("frames of a deflated data set have no place in the file");
  if (header.frames > kMaxFrames) return LimitExceeded("more than " + std::to_string(kMaxFrames) + " frames");
  return header.layout.encapsulated ? ReadEncapsulated(file, header) : ReadNative(header);
}

void AppendFrameTable(const FrameTable& table, std::string* out) {
  const bool uniform = IsUniform(table);
  out->push_back(static_cast<char>((uniform ? kUniform : 0) | (table.bit_packed ? kBitPacked : 0)));
  AppendVarint(out, table.frames());
  if (uniform) {
    AppendVarint(out, table.ranges[0].offset);
    AppendVarint(out, table.ranges[0].length);
    return;
  }
  uint64_t end = 0;
  for (size_t frame = 0; frame < table.frames(); ++frame) {
    const auto ranges = std::span(table.ranges)
                            .subspan(table.first_range[frame], table.first_range[frame + 1] - table.first_range[frame]);
    AppendVarint(out, ranges.size());
    for (const FrameRange& range : ranges) {
      AppendVarint(out, ZigZag(static_cast<int64_t>(range.offset - end)));
      AppendVarint(out, range.length);
      end = range.offset + range.length;
    }
  }
}

bool ReadFrameTable(ByteReader* in, FrameTable* out) {
  *out = FrameTable();
  uint8_t flags = 0;
  uint64_t frames = 0;
  if (!in->ReadLe(&flags) || flags > (kUniform | kBitPacked) || !in->ReadVarint(&frames) || frames > kMaxFrames)
    return false;
  out->bit_packed = flags & kBitPacked;
  return flags & kUniform ? ReadUniform(in, frames, out) : ReadRanges(in, frames, out);
}

}  // namespace hilum::dicom
