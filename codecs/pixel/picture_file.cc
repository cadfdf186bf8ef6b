#include "codecs/pixel/picture_file.h"

#include <spng.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "codecs/pixel/colour_profile.h"
#include "codecs/pixel/frame_codecs.h"
#include "codecs/pixel/gif.h"

namespace hilum::pixel {
namespace {

struct FreeContext {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};

Result<std::string> EncodePng(const Picture& picture) {
  const std::unique_ptr<spng_ctx, FreeContext> context(spng_ctx_new(SPNG_CTX_ENCODER));
  if (context == nullptr) return LimitExceeded("PNG: out of memory");
  spng_ihdr header{};
  header.width = picture.width;
  header.height = picture.height;
  header.bit_depth = picture.bits;
  header.color_type = picture.channels == 3 ? SPNG_COLOR_TYPE_TRUECOLOR : SPNG_COLOR_TYPE_GRAYSCALE;
  int error = spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1);
  // Most of the size for a fraction of the time.
  if (error == 0) error = spng_set_option(context.get(), SPNG_IMG_COMPRESSION_LEVEL, 3);
  if (error == 0) error = spng_set_ihdr(context.get(), &header);
  std::string profile = picture.icc_profile;
  if (error == 0 && !profile.empty()) {
    spng_iccp chunk{.profile_name = "ICC", .profile_len = profile.size(), .profile = profile.data()};
    error = spng_set_iccp(context.get(), &chunk);
  }
  if (error == 0) {
    error = spng_encode_image(context.get(), picture.samples.data(), picture.samples.size(), SPNG_FMT_PNG,
                              SPNG_ENCODE_FINALIZE);
  }
  size_t size = 0;
  const std::unique_ptr<void, decltype(&std::free)> file(
      error == 0 ? spng_get_png_buffer(context.get(), &size, &error) : nullptr, &std::free);
  if (file == nullptr) return Internal("PNG: " + std::string(spng_strerror(error)));
  return std::string(static_cast<const char*>(file.get()), size);
}

Image AsImage(const Picture& picture) {
  return {.format = {.rows = picture.height,
                     .columns = picture.width,
                     .samples = picture.channels,
                     .bits_allocated = 8,
                     .bits_stored = 8,
                     .high_bit = 7,
                     .photometric = picture.channels == 3 ? Photometric::kRgb : Photometric::kMonochrome2},
          .pixels = picture.samples};
}

Result<std::string> EncodeJpeg(const Picture& picture, int quality) {
  HILUM_ASSIGN_OR_RETURN(EncodedFrame encoded, EncodeJpeg8(AsImage(picture), std::clamp(quality, 1, 100)));
  AddProfile(picture.icc_profile, &encoded.bytes);
  return std::move(encoded.bytes);
}

Result<std::string> EncodeGif(const Picture& picture) {
  HILUM_ASSIGN_OR_RETURN(const auto gif, GifWriter::Begin(picture.width, picture.height, /*repeats=*/false));
  HILUM_RETURN_IF_ERROR(gif->Add(picture, 0));
  HILUM_RETURN_IF_ERROR(gif->End());
  return gif->TakeBytes();
}

void AppendBox(std::string_view type, std::string_view content, std::string* to) {
  AppendBe(to, static_cast<uint32_t>(8 + content.size()));
  to->append(type).append(content);
}

// ISO/IEC 15444-1 Annex I: what a viewer has to know before the codestream.
Result<std::string> EncodeJp2(const Picture& picture, FrameCodec& codec) {
  const Image image = AsImage(picture);
  std::string codestream;
  {
    HILUM_ASSIGN_OR_RETURN(const FrameTurn turn, codec.BeginFrame(image.format));
    HILUM_ASSIGN_OR_RETURN(EncodedFrame encoded, codec.Encode(image, "1.2.840.10008.1.2.4.90", {}));
    codestream = std::move(encoded.bytes);
  }
  if (codestream.size() > UINT32_MAX - 8) return LimitExceeded("JP2: the codestream is larger than its box");
  std::string size;
  AppendBe(&size, picture.height);
  AppendBe(&size, picture.width);
  AppendBe(&size, static_cast<uint16_t>(picture.channels));
  size += std::string_view("\x07\x07\0\0", 4);  // bits - 1, JPEG 2000, a known colour space, no rights
  std::string colours(1, picture.icc_profile.empty() ? 1 : 2);
  colours.append(2, '\0');
  if (picture.icc_profile.empty()) {
    AppendBe(&colours, uint32_t{picture.channels == 3 ? 16u : 17u});  // sRGB, or its grey
  } else {
    colours += picture.icc_profile;
  }
  std::string header;
  AppendBox("ihdr", size, &header);
  AppendBox("colr", colours, &header);

  std::string file;
  AppendBox("jP  ", "\r\n\x87\n", &file);
  AppendBox("ftyp", std::string_view("jp2 \0\0\0\0jp2 ", 12), &file);
  AppendBox("jp2h", header, &file);
  AppendBox("jp2c", codestream, &file);
  return file;
}

}  // namespace

std::optional<PictureType> PictureTypeOf(std::string_view media_type) {
  const auto* const found = std::ranges::find(kPictureMediaTypes, media_type);
  if (found == kPictureMediaTypes.end()) return std::nullopt;
  return static_cast<PictureType>(found - kPictureMediaTypes.begin());
}

uint32_t LongestSide(PictureType type) {
  switch (type) {
    case PictureType::kJpeg:
      return kLongestJpegSide;
    case PictureType::kPng:
      return INT32_MAX;  // PNG 11.2.2
    case PictureType::kGif:
    case PictureType::kJp2:  // a frame of a codec
      return UINT16_MAX;
  }
  return 0;
}

Result<std::string> EncodePicture(const Picture& picture, PictureType type, int jpeg_quality, FrameCodec& codec) {
  if (picture.bits != 8 && type != PictureType::kPng) return Invalid("render: 16 bits are for PNG");
  if (std::max(picture.width, picture.height) > LongestSide(type))
    return Unsupported("render: " + std::string(MediaType(type)) + " has sides of up to " +
                       std::to_string(LongestSide(type)) + " pixels; ask for a smaller viewport");
  switch (type) {
    case PictureType::kJpeg:
      return EncodeJpeg(picture, jpeg_quality);
    case PictureType::kPng:
      return EncodePng(picture);
    case PictureType::kGif:
      return EncodeGif(picture);
    case PictureType::kJp2:
      return EncodeJp2(picture, codec);
  }
  return Internal("render: no such type of picture");
}

}  // namespace hilum::pixel
