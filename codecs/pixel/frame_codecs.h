// The codecs behind codec.h, one pair of functions a format. Internal to codecs/pixel. Safe for concurrent use.
//
// Decoders get an `expected` that is checked for sense and `out` of exactly the bytes of DecodedFormat(expected), and
// fill it. They return the format they wrote: only Photometric Interpretation, and rows and columns when reduced, may
// differ. Encoders get an image that CheckRoom has room for, whose pixels have the bytes its format says, interleaved.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "codecs/pixel/codec.h"

namespace hilum::pixel {

// What Decode gives for `expected` before the codestream is known.
FrameFormat DecodedFormat(const FrameFormat& expected);

// kInvalid for what cannot be a frame, kLimit for one that decodes to more than `max_bytes`.
Status CheckFormat(const FrameFormat& format, uint64_t max_bytes);

// Decode into memory of the caller; `out` has FrameBytes(DecodedFormat(expected)) bytes. A reduced frame takes the
// front of it.
Result<FrameFormat> DecodeInto(std::string_view transfer_syntax, Bytes frame, const FrameFormat& expected,
                               const DecodeOptions& options, std::span<char> out);

// Of pixels that a lossy codestream of `precision` bits gave: values that overshoot the bits of the data set are
// brought back to its least and greatest ones, for whoever reads these bits alone would take white for black. Not where
// the other bits hold overlays.
void KeepToStoredBits(const FrameFormat& format, unsigned precision, std::span<char> pixels);

Result<FrameFormat> DecodeNative(Bytes frame, const FrameFormat& expected, bool big_endian, std::span<char> out);
Result<FrameFormat> DecodeRle(Bytes frame, const FrameFormat& expected, std::span<char> out);
Result<std::string> EncodeRle(const Image& image);
Result<FrameFormat> DecodeDeflatedFrame(Bytes frame, const FrameFormat& expected, std::span<char> out);
Result<std::string> EncodeDeflatedFrame(const Image& image);

inline constexpr uint32_t kLongestJpegSide = 65500;  // of the libraries; ISO/IEC 10918-1 has 65535

Result<FrameFormat> DecodeJpeg(Bytes frame, const FrameFormat& expected, std::span<char> out);
// Colour becomes YBR_FULL_422.
Result<EncodedFrame> EncodeJpeg8(const Image& image, int quality);
Result<EncodedFrame> EncodeJpeg12(const Image& image, int quality);
Result<EncodedFrame> EncodeJpegLossless(const Image& image, int predictor);

Result<FrameFormat> DecodeJpegLs(Bytes frame, const FrameFormat& expected, std::span<char> out);
Result<EncodedFrame> EncodeJpegLs(const Image& image, int near_lossless);

// JPEG 2000 or HTJ2K, whichever the codestream is.
Result<FrameFormat> DecodeJpeg2000(Bytes frame, const FrameFormat& expected, unsigned reduce, std::span<char> out);
// `ratio` 0: lossless.
Result<EncodedFrame> EncodeJpeg2000(const Image& image, float ratio);
Result<EncodedFrame> EncodeHtj2k(const Image& image, float ratio, bool rpcl);

// `lossless`: by its transfer syntax; the codestream does not tell.
Result<FrameFormat> DecodeJpegXl(Bytes frame, const FrameFormat& expected, bool lossless, std::span<char> out);

}  // namespace hilum::pixel
