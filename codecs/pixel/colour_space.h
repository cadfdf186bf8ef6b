// Colours from one space to another, by ICC profiles (PS3.18 8.3.5.1.5; ICC.1). Thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace hilum::pixel {

enum class ColourSpace : uint8_t { kSrgb, kAdobeRgb, kRommRgb, kDisplayP3 };

// An ICC profile of it: primaries and curves, a few hundred bytes.
std::string ProfileOf(ColourSpace space);

// `rgb`, interleaved samples of 8 bits, from the colours of an ICC profile to those of the space, perceptually.
// kInvalid for what is no profile of RGB that leads to colours; kLimit. The profile is read by a library of others: as
// a codec, a server calls it in a worker (FrameCodec::ConvertColours). REQUIRES: rgb.size() % 3 == 0.
Status ConvertColours(Bytes profile, ColourSpace space, std::span<char> rgb);

}  // namespace hilum::pixel
