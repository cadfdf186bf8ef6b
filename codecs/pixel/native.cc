// Native frames (PS3.5 8.1.1, Annex D) and what all codecs share about formats.
#include <string>

#include "base/bytes.h"
#include "codecs/pixel/frame_codecs.h"
#include "codecs/pixel/samples.h"

namespace hilum::pixel {
namespace {

std::string Describe(const FrameFormat& format) {
  return std::to_string(format.rows) + " rows, " + std::to_string(format.columns) + " columns, " +
         std::to_string(format.samples) + " samples, " + std::to_string(format.bits_allocated) + " bits allocated";
}

bool IsSubsampled(Photometric photometric) {
  return photometric == Photometric::kYbrFull422 || photometric == Photometric::kYbrPartial422 ||
         photometric == Photometric::kYbrPartial420;
}

// Big-endian cells of `size` bytes. One byte: cells lie in big-endian words when they have VR OW, which the reader of
// the frame has to undo, for only it knows the VR.
void SwapCells(std::span<char> pixels, size_t size) {
  for (size_t i = 0; i + size <= pixels.size(); i += size) std::reverse(&pixels[i], &pixels[i] + size);
}

void Interleave(Bytes planes, size_t cell, size_t samples, std::span<char> out) {
  const size_t pixels = planes.size() / cell / samples;
  for (size_t s = 0; s < samples; ++s) {
    const char* from = planes.data() + s * pixels * cell;
    char* to = out.data() + s * cell;
    for (size_t i = 0; i < pixels; ++i, from += cell, to += samples * cell) std::memcpy(to, from, cell);
  }
}

// Y Y Cb Cr for two pixels (PS3.3 C.7.6.3.1.2): the colour of the left one counts for both.
void Expand422(Bytes frame, std::span<char> out) {
  const size_t pairs = out.size() / 6;
  const char* from = frame.data();
  char* to = out.data();
  for (size_t i = 0; i < pairs; ++i, from += 4, to += 6) {
    to[0] = from[0];
    to[3] = from[1];
    to[1] = to[4] = from[2];
    to[2] = to[5] = from[3];
  }
}

template <typename Cell>
void ClampCells(int64_t low, int64_t high, std::span<char> pixels) {
  const auto least = static_cast<Cell>(low), most = static_cast<Cell>(high);
  for (size_t at = 0; at + sizeof(Cell) <= pixels.size(); at += sizeof(Cell)) {
    Cell cell;
    std::memcpy(&cell, &pixels[at], sizeof(cell));
    cell = std::clamp(cell, least, most);
    std::memcpy(&pixels[at], &cell, sizeof(cell));
  }
}

template <typename Unsigned, typename Signed>
void ClampCells(const FrameFormat& format, std::span<char> pixels) {
  if (format.is_signed) {
    ClampCells<Signed>(-(int64_t{1} << format.high_bit), (int64_t{1} << format.high_bit) - 1, pixels);
  } else {
    ClampCells<Unsigned>(0, (int64_t{2} << format.high_bit) - 1, pixels);
  }
}

}  // namespace

void KeepToStoredBits(const FrameFormat& format, unsigned precision, std::span<char> pixels) {
  if (precision <= format.high_bit + 1u || format.embeds_overlays) return;
  pixels = pixels.first(FrameBytes(format));
  if (format.bits_allocated == 8) ClampCells<uint8_t, int8_t>(format, pixels);
  if (format.bits_allocated == 16) ClampCells<uint16_t, int16_t>(format, pixels);
  if (format.bits_allocated == 32) ClampCells<uint32_t, int32_t>(format, pixels);
}

FrameFormat DecodedFormat(const FrameFormat& expected) {
  FrameFormat format = expected;
  format.planar = false;
  if (format.photometric == Photometric::kYbrFull422) format.photometric = Photometric::kYbrFull;
  if (format.photometric == Photometric::kYbrPartial422 || format.photometric == Photometric::kYbrPartial420 ||
      format.photometric == Photometric::kYbrIct || format.photometric == Photometric::kYbrRct ||
      format.photometric == Photometric::kXyb) {
    format.photometric = Photometric::kRgb;
  }
  return format;
}

Status CheckFormat(const FrameFormat& format, uint64_t max_bytes) {
  const unsigned bits = format.bits_allocated;
  const bool depth_ok = bits == 1 || bits == 8 || bits == 16 || bits == 32 || bits == 64;
  if (format.rows == 0 || format.columns == 0 || format.rows > 0xFFFF || format.columns > 0xFFFF) {
    return Invalid("the frame has " + Describe(format) + ": Rows and Columns are 1 to 65535");
  }
  if (!depth_ok || (bits == 1 && format.samples != 1) || (format.is_float && bits < 32)) {
    return Unsupported("the frame has " + Describe(format) + ": only 1 (grayscale), 8, 16, 32 and 64 bits are known");
  }
  if (format.samples != 1 && format.samples != 3) {
    return Unsupported("the frame has " + Describe(format) + ": only 1 and 3 samples are known");
  }
  if (format.bits_stored == 0 || format.bits_stored > bits || format.high_bit >= bits ||
      format.high_bit + 1 < format.bits_stored) {
    return Invalid("Bits Stored " + std::to_string(format.bits_stored) + " and High Bit " +
                   std::to_string(format.high_bit) + " do not fit " + std::to_string(bits) + " Bits Allocated");
  }
  if (FrameBytes(DecodedFormat(format)) > max_bytes) {
    return LimitExceeded("the frame has " + Describe(format) + ": more than the limit of " + std::to_string(max_bytes) +
                         " bytes a frame");
  }
  return Status::Ok();
}

Result<FrameFormat> DecodeNative(Bytes frame, const FrameFormat& expected, bool big_endian, std::span<char> out) {
  const uint64_t bytes = FrameBytes(expected);
  if (frame.size() < bytes) {
    return Invalid("native frame: " + std::to_string(frame.size()) + " bytes where " + std::to_string(bytes) +
                   " are needed for " + Describe(expected));
  }
  frame = frame.substr(0, bytes);
  const FrameFormat format = DecodedFormat(expected);
  if (expected.samples == 3 && IsSubsampled(expected.photometric)) {
    if (expected.photometric != Photometric::kYbrFull422 || expected.bits_allocated != 8 || expected.columns % 2 != 0) {
      return Unsupported("native frame: " + std::string(PhotometricName(expected.photometric)) + " with " +
                         Describe(expected));
    }
    Expand422(frame, out);
    return format;
  }
  const size_t cell = std::max<size_t>(1, expected.bits_allocated / 8);
  if (expected.planar && expected.samples > 1) {
    Interleave(frame, cell, expected.samples, out);
  } else {
    std::memcpy(out.data(), frame.data(), frame.size());
  }
  if (big_endian && cell > 1) SwapCells(out, cell);
  return format;
}

unsigned NeededPrecision(const Image& image) {
  const FrameFormat& format = image.format;
  if (format.bits_stored == format.bits_allocated) return format.bits_allocated;
  if (format.high_bit + 1 != format.bits_stored) return format.bits_allocated;
  const int64_t low = format.is_signed ? -(int64_t{1} << (format.bits_stored - 1)) : 0;
  const int64_t high = (int64_t{1} << (format.is_signed ? format.bits_stored - 1 : format.bits_stored)) - 1;
  const SampleSource samples(image);
  const uint64_t count = uint64_t{format.rows} * format.columns * format.samples;
  int64_t least = high, most = low;
  for (uint64_t i = 0; i < count; ++i) {
    const int64_t value = samples.At(i);
    least = std::min(least, value);
    most = std::max(most, value);
  }
  return least < low || most > high ? format.bits_allocated : format.bits_stored;
}

}  // namespace hilum::pixel
