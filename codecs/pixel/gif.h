// GIF89a, as it grows: one picture, or several shown one after the other. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "codecs/pixel/picture_file.h"

namespace hilum::pixel {

class GifWriter {
 public:
  // `repeats`: what is shown begins again at its end. kUnsupported for sides of more than 65,535 pixels.
  static Result<std::unique_ptr<GifWriter>> Begin(uint32_t width, uint32_t height, bool repeats);
  virtual ~GifWriter() = default;

  // The picture, shown for so many hundredths of a second. kInvalid for one of another size, or of 16 bits.
  virtual Status Add(const Picture& picture, uint16_t hundredths) = 0;
  virtual Status End() = 0;
  // What the file has grown by since the last call.
  virtual std::string TakeBytes() = 0;
};

}  // namespace hilum::pixel
