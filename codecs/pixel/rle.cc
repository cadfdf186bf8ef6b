// RLE Lossless (PS3.5 Annex G): every byte of every sample is a segment of its own, the most significant first.
#include <algorithm>
#include <string>

#include "base/bytes.h"
#include "codecs/pixel/frame_codecs.h"

namespace hilum::pixel {
namespace {

constexpr size_t kHeaderSize = 64;
constexpr size_t kMaxSegments = 15;

// Expands PackBits into out[0], out[step], ...; `count` bytes. False when the segment ends before.
bool Expand(Bytes segment, char* out, size_t step, uint64_t count) {
  size_t at = 0;
  while (count > 0) {
    if (at >= segment.size()) return false;
    const auto control = static_cast<int8_t>(segment[at++]);
    if (control >= 0) {
      const uint64_t run = std::min<uint64_t>(static_cast<uint64_t>(control) + 1, count);
      if (run > segment.size() - at) return false;
      for (uint64_t i = 0; i < run; ++i, out += step) *out = segment[at + i];
      at += run;
      count -= run;
    } else if (control != -128) {
      if (at >= segment.size()) return false;
      const char value = segment[at++];
      const uint64_t run = std::min<uint64_t>(static_cast<uint64_t>(-control) + 1, count);
      for (uint64_t i = 0; i < run; ++i, out += step) *out = value;
      count -= run;
    }
  }
  return true;
}

// One row; runs do not cross rows (G.3.1).
void PackRow(const char* from, size_t step, size_t count, std::string* out) {
  const auto at = [&](size_t i) { return from[i * step]; };
  size_t i = 0;
  while (i < count) {
    size_t run = 1;
    while (run < 128 && i + run < count && at(i + run) == at(i)) ++run;
    if (run >= 3 || (run == 2 && i + 2 == count)) {
      out->push_back(static_cast<char>(1 - static_cast<int>(run)));
      out->push_back(at(i));
      i += run;
      continue;
    }
    size_t literal = run;
    while (literal < 128 && i + literal < count) {
      const size_t j = i + literal;
      if (j + 2 < count && at(j) == at(j + 1) && at(j) == at(j + 2)) break;
      ++literal;
    }
    out->push_back(static_cast<char>(literal - 1));
    for (size_t k = 0; k < literal; ++k) out->push_back(at(i + k));
    i += literal;
  }
}

Status Broken(size_t segment, std::string_view why) {
  return Invalid("RLE segment " + std::to_string(segment + 1) + ": " + std::string(why));
}

struct SegmentTable {
  uint32_t count = 0;
  uint32_t offsets[kMaxSegments] = {};
};

Result<SegmentTable> ReadHeader(Bytes frame, size_t expected) {
  if (frame.size() < kHeaderSize) return Invalid("RLE frame: shorter than its header of 64 bytes");
  SegmentTable table;
  table.count = LoadLe<uint32_t>(frame.data());
  if (table.count != expected) {
    return Invalid("RLE frame: " + std::to_string(table.count) + " segments where the data set needs " +
                   std::to_string(expected));
  }
  for (size_t i = 0; i < table.count; ++i) {
    table.offsets[i] = LoadLe<uint32_t>(frame.data() + 4 + i * 4);
    const uint32_t least = i == 0 ? kHeaderSize : table.offsets[i - 1];
    if (table.offsets[i] < least || table.offsets[i] > frame.size())
      return Broken(i, "its offset is not inside the frame");
  }
  return table;
}

Bytes Segment(Bytes frame, const SegmentTable& table, size_t i) {
  const size_t end = i + 1 < table.count ? table.offsets[i + 1] : frame.size();
  return frame.substr(table.offsets[i], end - table.offsets[i]);
}

// One-bit images occur packed, as native ones are, and with a byte for every pixel.
Status ExpandBits(Bytes segment, const FrameFormat& format, std::span<char> out) {
  const uint64_t pixels = uint64_t{format.rows} * format.columns;
  std::string bytes(pixels, '\0');
  if (Expand(segment, bytes.data(), 1, pixels)) {
    for (uint64_t i = 0; i < out.size(); ++i) {
      unsigned packed = 0;
      for (uint64_t bit = 0; bit < 8 && i * 8 + bit < pixels; ++bit) packed |= (bytes[i * 8 + bit] & 1u) << bit;
      out[i] = static_cast<char>(packed);
    }
    return Status::Ok();
  }
  return Expand(segment, out.data(), 1, out.size()) ? Status::Ok() : Broken(0, "it ends before the image does");
}

}  // namespace

Result<FrameFormat> DecodeRle(Bytes frame, const FrameFormat& expected, std::span<char> out) {
  const FrameFormat format = DecodedFormat(expected);
  const size_t cell = std::max<size_t>(1, format.bits_allocated / 8);
  const size_t pixel = cell * format.samples;
  if (pixel > kMaxSegments) return Unsupported("RLE frame: more bytes a pixel than segments");
  HILUM_ASSIGN_OR_RETURN(const SegmentTable table, ReadHeader(frame, pixel));
  if (format.bits_allocated == 1) {
    HILUM_RETURN_IF_ERROR(ExpandBits(Segment(frame, table, 0), format, out));
    return format;
  }
  for (size_t i = 0; i < table.count; ++i) {
    // Segment i is byte i % cell, from the top, of sample i / cell.
    char* first = out.data() + i / cell * cell + (cell - 1 - i % cell);
    if (!Expand(Segment(frame, table, i), first, pixel, uint64_t{format.rows} * format.columns)) {
      return Broken(i, "it ends before the image does");
    }
  }
  return format;
}

Result<std::string> EncodeRle(const Image& image) {
  const FrameFormat& format = image.format;
  const size_t cell = std::max<size_t>(1, format.bits_allocated / 8);
  const size_t pixel = cell * format.samples;
  std::string out(kHeaderSize, '\0');
  const auto put = [&](size_t at, uint64_t value) {
    for (int i = 0; i < 4; ++i) out[at + i] = static_cast<char>(value >> 8 * i);
  };
  put(0, pixel);
  for (size_t i = 0; i < pixel; ++i) {
    put(4 + i * 4, out.size());
    if (format.bits_allocated == 1) {
      PackRow(image.pixels.data(), 1, image.pixels.size(), &out);
    } else {
      const char* first = image.pixels.data() + i / cell * cell + (cell - 1 - i % cell);
      for (uint64_t row = 0; row < format.rows; ++row) {
        PackRow(first + row * format.columns * pixel, pixel, format.columns, &out);
      }
    }
    if (out.size() % 2 != 0) out.push_back(0);
    if (out.size() > UINT32_MAX) return LimitExceeded("RLE: the frame is larger than its offsets can tell");
  }
  return out;
}

}  // namespace hilum::pixel
