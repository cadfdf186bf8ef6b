#include "codecs/pixel/codec.h"

#include <algorithm>
#include <new>

#include "codecs/pixel/frame_codecs.h"
#include "codecs/pixel/samples.h"

namespace hilum::pixel {
namespace {

Result<EncodedFrame> Plain(Result<std::string> bytes, const FrameFormat& format) {
  if (!bytes.ok()) return bytes.status();
  return EncodedFrame{.bytes = *std::move(bytes), .format = format};
}

Status CheckImage(const Image& image) {
  HILUM_RETURN_IF_ERROR(CheckFormat(image.format, UINT64_MAX));
  if (image.format.planar || FrameBytes(image.format) != image.pixels.size() ||
      FrameBytes(DecodedFormat(image.format)) != image.pixels.size()) {
    return Invalid("encode: the image has " + std::to_string(image.pixels.size()) +
                   " bytes where interleaved pixels have " + std::to_string(FrameBytes(image.format)));
  }
  return Status::Ok();
}

// Lossy JPEG of 8 bits has Bits Allocated 8 (PS3.5 table 8.2.1-1).
Image Narrow(const Image& image) {
  Image narrow{.format = image.format};
  narrow.format.bits_allocated = 8;
  narrow.pixels.reserve(image.pixels.size() / 2);
  for (size_t i = 0; i < image.pixels.size(); i += 2) narrow.pixels.push_back(image.pixels[i]);  // little endian
  return narrow;
}

Result<EncodedFrame> EncodeChecked(const Image& image, const TransferSyntax& syntax, const EncodeOptions& options) {
  const bool lossy = syntax.lossy_only || (options.allow_lossy && !syntax.lossless_only);
  const int quality = std::clamp<int>(options.jpeg_quality, 1, 100);
  const bool single_bits = image.format.bits_allocated == 1;
  const float ratio = lossy && !single_bits ? std::max(1.0f, options.compression_ratio) : 0;
  switch (syntax.coding) {
    case Coding::kNative:
      return EncodedFrame{.bytes = image.pixels, .format = image.format};
    case Coding::kRle:
      return Plain(EncodeRle(image), image.format);
    case Coding::kDeflatedFrame:
      return Plain(EncodeDeflatedFrame(image), image.format);
    case Coding::kJpeg:
      if (image.format.bits_allocated == 8) return EncodeJpeg8(image, quality);
      if (NeededPrecision(image) <= 8) return EncodeJpeg8(Narrow(image), quality);
      if (syntax.uid == "1.2.840.10008.1.2.4.51") return EncodeJpeg12(image, quality);
      return Unsupported("JPEG baseline holds 8 bits, the image has more");
    case Coding::kJpegLossless:
      return EncodeJpegLossless(image, 1);
    case Coding::kJpegLs:
      return EncodeJpegLs(image, lossy ? options.near_lossless : 0);
    case Coding::kJpeg2000:
      return EncodeJpeg2000(image, ratio);
    case Coding::kHtj2k:
      return EncodeHtj2k(image, ratio, syntax.uid == "1.2.840.10008.1.2.4.202");
    case Coding::kJpegXl:
      break;
  }
  return Unsupported("transfer syntax " + std::string(syntax.uid) + " cannot be written");
}

}  // namespace

Result<FrameFormat> DecodeInto(std::string_view transfer_syntax, Bytes frame, const FrameFormat& expected,
                               const DecodeOptions& options, std::span<char> out) {
  const TransferSyntax* syntax = FindTransferSyntax(transfer_syntax);
  if (syntax == nullptr) return Unsupported("transfer syntax " + std::string(transfer_syntax) + " cannot be decoded");
  switch (syntax->coding) {
    case Coding::kNative:
      return DecodeNative(frame, expected, syntax->big_endian, out);
    case Coding::kRle:
      return DecodeRle(frame, expected, out);
    case Coding::kDeflatedFrame:
      return DecodeDeflatedFrame(frame, expected, out);
    case Coding::kJpeg:
    case Coding::kJpegLossless:
      return DecodeJpeg(frame, expected, out);
    case Coding::kJpegLs:
      return DecodeJpegLs(frame, expected, out);
    case Coding::kJpeg2000:
    case Coding::kHtj2k:
      return DecodeJpeg2000(frame, expected, options.reduce, out);
    case Coding::kJpegXl:
      return DecodeJpegXl(frame, expected, syntax->lossless_only, out);
  }
  return Internal("transfer syntax without a coding");
}

Result<Image> Decode(std::string_view transfer_syntax, Bytes frame, const FrameFormat& expected,
                     const DecodeOptions& options) {
  HILUM_RETURN_IF_ERROR(CheckFormat(expected, options.max_frame_bytes));
  try {
    Image image;
    image.pixels.resize(FrameBytes(DecodedFormat(expected)));
    HILUM_ASSIGN_OR_RETURN(image.format, DecodeInto(transfer_syntax, frame, expected, options, image.pixels));
    image.pixels.resize(FrameBytes(image.format));
    return image;
  } catch (const std::bad_alloc&) {
    return LimitExceeded("decode: out of memory");
  }
}

Result<EncodedFrame> Encode(const Image& image, std::string_view transfer_syntax, const EncodeOptions& options) {
  const TransferSyntax* syntax = FindTransferSyntax(transfer_syntax);
  HILUM_RETURN_IF_ERROR(CheckRoom(transfer_syntax, image.format));
  HILUM_RETURN_IF_ERROR(CheckImage(image));
  try {
    return EncodeChecked(image, *syntax, options);
  } catch (const std::bad_alloc&) {
    return LimitExceeded("encode: out of memory");
  }
}

}  // namespace hilum::pixel
