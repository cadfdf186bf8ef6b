// Pictures, and the files they become (PS3.18 8.7.4). Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codecs/pixel/codec.h"

namespace hilum::pixel {

enum class PictureType : uint8_t { kJpeg, kPng, kGif, kJp2 };

// Of each PictureType, in their order; what a client that takes any gets is first.
inline constexpr std::array<std::string_view, 4> kPictureMediaTypes = {"image/jpeg", "image/png", "image/gif",
                                                                       "image/jp2"};

inline constexpr std::string_view MediaType(PictureType type) {
  return kPictureMediaTypes[static_cast<size_t>(type)];
}
std::optional<PictureType> PictureTypeOf(std::string_view media_type);

// Of pixels, that files of the type have here.
uint32_t LongestSide(PictureType type);

// Grey (channels 1) or RGB (3), rows from the top, interleaved; 16-bit samples little endian.
struct Picture {
  uint32_t width = 0, height = 0;
  uint8_t channels = 1;
  uint8_t bits = 8;
  std::string samples;
  std::string icc_profile;  // of RGB; empty: none
};

// The bytes of the file. Nothing is lost in PNG and JP2, nor in GIF of grey; GIF leaves 256 colours of RGB, and has no
// place for a profile. `codec` encodes JPEG 2000. kInvalid for 16 bits in anything but PNG; kUnsupported beyond
// LongestSide.
Result<std::string> EncodePicture(const Picture& picture, PictureType type, int jpeg_quality, FrameCodec& codec);

}  // namespace hilum::pixel
