// Decoded frames and how their pixels are laid out (PS3.3 C.7.6.3.1). Plain values, thread-safe as such.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hilum::pixel {

// Photometric Interpretation (0028,0004).
enum class Photometric : uint8_t {
  kMonochrome1,  // the lowest value is white
  kMonochrome2,  // the lowest value is black
  kPaletteColor,
  kRgb,
  kYbrFull,
  kYbrFull422,     // two pixels share their colour: Y Y Cb Cr when native
  kYbrPartial422,  // retired; Y from 16 to 235
  kYbrPartial420,
  kYbrIct,  // only inside JPEG 2000 codestreams
  kYbrRct,
  kXyb,  // only inside JPEG XL codestreams
  kOther,
};

// "YBR_FULL_422"; "" for kOther.
std::string_view PhotometricName(Photometric photometric);
// Spaces around the name do not count.
Photometric ParsePhotometric(std::string_view name);

struct FrameFormat {
  uint32_t rows = 0;
  uint32_t columns = 0;
  uint16_t samples = 1;         // per pixel
  uint16_t bits_allocated = 0;  // 1, 8, 16, 32 or 64
  uint16_t bits_stored = 0;
  uint16_t high_bit = 0;
  bool is_signed = false;
  bool is_float = false;         // (Double) Float Pixel Data: 32 or 64 bits allocated
  bool planar = false;           // Planar Configuration 1: all of one colour, then all of the next
  bool embeds_overlays = false;  // retired: bits of the cells that are not of the value are overlay planes
  Photometric photometric = Photometric::kMonochrome2;

  bool operator==(const FrameFormat&) const = default;
};

// One frame: little endian, rows from the top, no padding between rows. One-bit pixels are packed, the first in the
// lowest bit; the frame begins on a byte.
struct Image {
  FrameFormat format;
  std::string pixels;
};

// Bytes of one frame of native pixels; one that is half filled counts. UINT64_MAX for what does not fit 63 bits.
uint64_t FrameBytes(const FrameFormat& format);

}  // namespace hilum::pixel
