// Images made up for tests: the same for the same arguments.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>

#include "codecs/pixel/image.h"

namespace hilum::pixel::testing {

struct ImageSpec {
  uint32_t rows = 37, columns = 53;
  uint16_t bits_allocated = 16, bits_stored = 12;
  bool is_signed = false;
  uint16_t samples = 1;
  Photometric photometric = Photometric::kMonochrome2;
  double noise = 3;  // in grey levels
  uint32_t seed = 1;
};

inline FrameFormat FormatOf(const ImageSpec& spec) {
  return {.rows = spec.rows,
          .columns = spec.columns,
          .samples = spec.samples,
          .bits_allocated = spec.bits_allocated,
          .bits_stored = spec.bits_stored,
          .high_bit = static_cast<uint16_t>(spec.bits_stored - 1),
          .is_signed = spec.is_signed,
          .photometric = spec.photometric};
}

// Smooth waves with noise over the full range of the stored bits; single bits are a checkerboard of odd squares.
inline Image MakeImage(const ImageSpec& spec) {
  Image image{.format = FormatOf(spec)};
  image.pixels.assign(FrameBytes(image.format), '\0');
  std::mt19937 random(spec.seed);
  const double range = std::ldexp(1.0, spec.bits_stored);
  const double low = spec.is_signed ? -range / 2 : 0, high = low + range - 1;
  uint64_t index = 0;
  for (uint32_t y = 0; y < spec.rows; ++y) {
    for (uint32_t x = 0; x < spec.columns; ++x) {
      for (uint32_t s = 0; s < spec.samples; ++s, ++index) {
        if (spec.bits_allocated == 1) {
          if ((x / 5 + y / 3) % 2 != 0) image.pixels[index / 8] |= static_cast<char>(1 << index % 8);
          continue;
        }
        const double wave = 0.5 + 0.5 * std::sin(x * 0.11 + s) * std::cos(y * 0.07 - s);
        const double noise = spec.noise == 0 ? 0 : std::uniform_real_distribution(-spec.noise, spec.noise)(random);
        const auto value = static_cast<int64_t>(std::clamp(std::round(low + wave * (range - 1) + noise), low, high));
        std::memcpy(&image.pixels[index * spec.bits_allocated / 8], &value, spec.bits_allocated / 8);
      }
    }
  }
  return image;
}

// Greatest difference between samples of two interleaved images of one format.
inline double GreatestDifference(const Image& a, const Image& b) {
  const size_t size = a.format.bits_allocated / 8;
  double greatest = 0;
  for (size_t at = 0; at + size <= std::min(a.pixels.size(), b.pixels.size()); at += size) {
    const auto value = [&](const Image& image) -> double {
      int64_t v = 0;
      std::memcpy(&v, image.pixels.data() + at, size);
      const int shift = 64 - 8 * static_cast<int>(size);
      return image.format.is_signed
                 ? static_cast<double>(static_cast<int64_t>(static_cast<uint64_t>(v) << shift) >> shift)
                 : static_cast<double>(v);
    };
    greatest = std::max(greatest, std::abs(value(a) - value(b)));
  }
  return greatest;
}

}  // namespace hilum::pixel::testing
