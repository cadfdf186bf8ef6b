// What the main header of a JPEG 2000 codestream says (ISO/IEC 15444-1 Annex A), read before any decoder sees it.
// Internal to codecs/pixel.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace hilum::pixel {

// What a JP2 file begins with.
inline constexpr std::string_view kJp2Signature("\0\0\0\x0CjP  ", 8);

// The content of the contiguous codestream box of a JP2 file; DICOM allows no boxes, but they occur. What is no such
// file is given back.
Result<Bytes> StripBoxes(Bytes frame);

struct Jpeg2000Header {
  Bytes codestream;  // without the boxes of a JP2 file around it
  uint32_t rows = 0, columns = 0;
  uint16_t components = 0;
  uint8_t precision = 0;
  bool is_signed = false;
  bool high_throughput = false;  // CAP marker: Part 15 code blocks
  bool colour_transform = false;
  bool irreversible = false;  // the 9-7 wavelet. Nothing tells whether a codestream with the 5-3 one was cut off.
  uint8_t decompositions = 0;
};

// kUnsupported for components that differ from each other in size or depth.
Result<Jpeg2000Header> ReadJpeg2000Header(Bytes frame);

}  // namespace hilum::pixel
