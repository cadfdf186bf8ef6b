// From stored values to grey levels (PS3.4 N.2.1). Internal to codecs/pixel.
#pragma once

#include <optional>
#include <utility>

#include "codecs/pixel/instance.h"
#include "codecs/pixel/render.h"

namespace hilum::pixel {

// Modality LUT or rescale, then VOI LUT or window, then inversion: stored value to 0 (black) ... 1 (white).
class GrayscalePipeline {
 public:
  // `low` and `high`: least and greatest stored value of the frame, for a window where none is stored or given.
  GrayscalePipeline(const ValueTransform& transform, const FrameFormat& format, const RenderOptions& options,
                    bool inverse, double low, double high);

  double Level(double stored) const;
  // REQUIRES: no table takes its place.
  const Window& window() const { return window_; }

 private:
  double Modality(double stored) const;
  // Of what Modality makes of the values between these.
  std::pair<double, double> ModalityRange(double low, double high) const;

  const ValueTransform& transform_;
  const bool inverse_;
  Window window_;
  const LookupTable* voi_lut_ = nullptr;
  int64_t modality_shift_ = 0, voi_shift_ = 0;  // of what is looked up
  const LookupTable* presentation_lut_ = nullptr;
};

// Where a value lies in a window: 0 to 1 (PS3.3 C.11.2.1.2, C.11.2.1.3).
double ApplyWindow(const Window& window, double value);

// Whether images of that format are stretched to the values that occur, where no window is stored or given. Those of
// few bits are made to be looked at as they are.
inline bool IsStretched(const FrameFormat& format) {
  return format.bits_stored > 8 || format.is_float;
}
// What such a frame is seen through then. REQUIRES: `transform` has no window and no VOI LUT.
Window StretchingWindow(const Image& image, const ValueTransform& transform,
                        const std::optional<PixelPadding>& padding);

// The picture of a grayscale frame, 8 or 16 bits. Padding is black, and does not count for a window that is not given.
Picture RenderGrayscale(const Image& image, const ValueTransform& transform, const RenderOptions& options, bool inverse,
                        const std::optional<PixelPadding>& padding);

// Stored value of a cell: the bits below High Bit, sign continued.
int64_t StoredValue(const FrameFormat& format, uint64_t cell);

}  // namespace hilum::pixel
