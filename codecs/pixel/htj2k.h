// HTJ2K, and what it shares with JPEG 2000. Internal to codecs/pixel.
#pragma once

#include <span>

#include "codecs/pixel/frame_codecs.h"
#include "codecs/pixel/jpeg2000_header.h"

namespace hilum::pixel {

// `header` agrees with the data set; `format` is what to write at full size.
Result<FrameFormat> DecodeHtj2k(const Jpeg2000Header& header, FrameFormat format, unsigned reduce, std::span<char> out);

// What both encoders refuse.
Status CheckJpeg2000Precision(unsigned precision);
// RGB is encoded with the colour transform of the codestream, and then called YBR_RCT or YBR_ICT (PS3.5 8.2.4).
void SetJpeg2000Photometric(bool lossy, FrameFormat* format);

}  // namespace hilum::pixel
