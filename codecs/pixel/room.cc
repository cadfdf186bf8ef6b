// What each transfer syntax can hold (PS3.5 8.2), as far as the description of an image tells: what its samples decide
// is left to the encoders.
#include <algorithm>

#include "codecs/pixel/codec.h"
#include "codecs/pixel/frame_codecs.h"

namespace hilum::pixel {
namespace {

constexpr unsigned kMaxRleSegments = 15;  // PS3.5 G.3

std::string Bits(const FrameFormat& format) {
  return std::to_string(format.bits_allocated) + (format.is_signed ? " signed bits" : " bits");
}

// Of the codestream at least: all of a cell where values stand in its upper bits.
unsigned LeastPrecision(const FrameFormat& format) {
  return format.high_bit + 1 == format.bits_stored ? format.bits_stored : format.bits_allocated;
}

Status RoomInJpegSides(const FrameFormat& format) {
  if (std::max(format.rows, format.columns) <= kLongestJpegSide) return Status::Ok();
  return Unsupported("JPEG has sides of up to " + std::to_string(kLongestJpegSide) + " pixels here, the image has " +
                     std::to_string(format.rows) + " rows and " + std::to_string(format.columns) + " columns");
}

Status RoomInJpegBaseline(const FrameFormat& format) {
  if (format.samples == 3 && format.photometric == Photometric::kOther)
    return Unsupported(
        "JPEG holds RGB and YBR, the image has colours of a Photometric Interpretation that is not known");
  if ((format.bits_allocated != 8 && format.bits_allocated != 16) || LeastPrecision(format) > 8 || format.is_signed)
    return Unsupported("JPEG baseline holds unsigned samples of 8 bits, the image has " + Bits(format));
  return Status::Ok();
}

Status RoomInJpegExtended(const FrameFormat& format) {
  if (LeastPrecision(format) <= 8) return RoomInJpegBaseline(format);
  if (format.bits_allocated != 16 || LeastPrecision(format) > 12 || format.is_signed || format.samples != 1)
    return Unsupported("JPEG extended holds unsigned grey samples of up to 12 bits, the image has " +
                       std::to_string(format.samples) + " of " + std::to_string(LeastPrecision(format)) + " in " +
                       Bits(format));
  return Status::Ok();
}

// JPEG lossless and JPEG-LS.
Status RoomInSixteenBits(std::string_view name, const FrameFormat& format) {
  if (format.bits_allocated == 8 || format.bits_allocated == 16) return Status::Ok();
  return Unsupported(std::string(name) + " holds samples of 2 to 16 bits, the image has " + Bits(format));
}

}  // namespace

Status CheckRoom(std::string_view transfer_syntax, const FrameFormat& format) {
  const TransferSyntax* const syntax = FindTransferSyntax(transfer_syntax);
  if (syntax == nullptr || !syntax->can_encode)
    return Unsupported("transfer syntax " + std::string(transfer_syntax) + " cannot be written");
  if (!syntax->encapsulated()) return Status::Ok();
  const std::string name(syntax->name);
  // (Double) Float Pixel Data are never encapsulated (PS3.5 A.4).
  if (format.is_float) return Unsupported(name + " holds integers, the image has floating point numbers");
  // Palette indices next to each other mean nothing alike: only lossless syntaxes may hold them (PS3.5 tables 8.2.1-1,
  // 8.2.3-1, 8.2.4-1), whether something would be lost or not.
  if (format.photometric == Photometric::kPaletteColor && !syntax->lossless_only)
    return Unsupported(name + " has no place for palette colour");
  switch (syntax->coding) {
    case Coding::kRle:
      if (std::max(1u, format.bits_allocated / 8u) * format.samples <= kMaxRleSegments) return Status::Ok();
      return Unsupported(name + " holds up to " + std::to_string(kMaxRleSegments) + " bytes a pixel");
    case Coding::kJpeg:
      HILUM_RETURN_IF_ERROR(RoomInJpegSides(format));
      return syntax->uid == "1.2.840.10008.1.2.4.51" ? RoomInJpegExtended(format) : RoomInJpegBaseline(format);
    case Coding::kJpegLossless:
      HILUM_RETURN_IF_ERROR(RoomInJpegSides(format));
      return RoomInSixteenBits(name, format);
    case Coding::kJpegLs:
      return RoomInSixteenBits(name, format);
    case Coding::kJpeg2000:
    case Coding::kHtj2k:
      if (LeastPrecision(format) <= 16 && format.bits_allocated <= 32) return Status::Ok();
      return Unsupported(name + " holds samples of up to 16 bits, the image has " + Bits(format));
    case Coding::kNative:
    case Coding::kDeflatedFrame:
    case Coding::kJpegXl:
      break;
  }
  return Status::Ok();
}

}  // namespace hilum::pixel
