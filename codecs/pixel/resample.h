// Scaling of pictures. Internal to codecs/pixel. Pure functions.
#pragma once

#include "codecs/pixel/render.h"

namespace hilum::pixel {

// Region of a picture; may lie between pixels.
struct Region {
  double x = 0, y = 0, width = 0, height = 0;
  bool mirror_x = false, mirror_y = false;
};

// `region` of the picture as width x height pixels: cubic convolution (Catmull-Rom), widened when it shrinks so that
// every pixel of the source counts. REQUIRES: the region lies inside the picture and is not empty.
Picture Resample(const Picture& picture, const Region& region, uint32_t width, uint32_t height);

// Bytes that Resample takes beside the pictures, of `rows` of the source and that many samples in a line of the result.
inline uint64_t ScalingMemory(uint64_t rows, uint64_t samples) {
  return rows * samples * sizeof(float);
}

}  // namespace hilum::pixel
