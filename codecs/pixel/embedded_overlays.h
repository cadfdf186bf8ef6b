// Overlays in unused bits of the pixels (retired, PS3.5 8.1.2): encapsulated pixels have no place for them, so they
// move to Overlay Data (60xx,3000). Internal to codecs/pixel. Thread-safe once read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "codecs/pixel/codec.h"
#include "codecs/pixel/instance.h"

namespace hilum::pixel {

class EmbeddedOverlays {
 public:
  struct Plane {
    uint16_t group = 0x6000;
    unsigned bit = 0;  // of a cell
    std::string data;  // all frames, packed one behind the other; even length
  };

  // Decodes all frames where the instance has such overlays, otherwise nothing.
  static Result<EmbeddedOverlays> Read(const Instance& instance, const DecodeOptions& options, FrameCodec& codec);

  const std::vector<Plane>& planes() const { return planes_; }
  // The pixels without them: their bits continue the value.
  void RemoveFrom(Image* image) const;

 private:
  std::vector<Plane> planes_;
};

}  // namespace hilum::pixel
