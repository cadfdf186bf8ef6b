// JPEG with other than 8 bits, and lossless JPEG, by DCMTK's copies of the IJG library. Internal to codecs/pixel.
#pragma once

#include <span>

#include "codecs/pixel/frame_codecs.h"
#include "codecs/pixel/jpeg_header.h"

namespace hilum::pixel {

// `header` is that of `frame` and agrees with `format`. `ybr`: convert YCbCr to RGB.
Status DecodeJpegByDcmtk(Bytes frame, const JpegHeader& header, bool ybr, const FrameFormat& format,
                         std::span<char> out);

}  // namespace hilum::pixel
