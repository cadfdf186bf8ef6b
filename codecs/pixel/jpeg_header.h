// What the headers of a JPEG codestream say (ISO/IEC 10918-1 Annex B), read before any decoder sees it. Internal to
// codecs/pixel.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "codecs/pixel/image.h"

namespace hilum::pixel {

struct JpegHeader {
  uint8_t process = 0;    // low nibble of SOFn: 0 baseline, 1 extended, 2 progressive, 3 lossless
  uint8_t precision = 0;  // bits of a sample
  uint16_t rows = 0, columns = 0;
  uint8_t components = 0;
  bool subsampled = false;
  bool jfif = false;
  int adobe_transform = -1;  // APP14; -1: none
  bool rgb_ids = false;      // the components call themselves R, G and B
  size_t length = 0;         // bytes up to the end of the frame header

  bool lossless() const { return (process & 3) == 3; }
  // Whether three components are YCbCr: the codestream's own marks go before the data set.
  bool IsYbr(Photometric declared) const;
};

Result<JpegHeader> ReadJpegHeader(Bytes codestream);

// The transfer syntax of the process; "" for what is no JPEG, or of no process that DICOM has.
std::string_view SyntaxOfJpeg(Bytes codestream);

// kInvalid where rows, columns, samples or depth are not those of the data set.
Status CheckAgreement(std::string_view codec, const FrameFormat& expected, uint32_t rows, uint32_t columns,
                      uint32_t components, unsigned precision);

}  // namespace hilum::pixel
