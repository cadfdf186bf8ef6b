// What a data set says about its pixels, at the top level and in its functional groups. Internal to codecs/pixel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "codecs/dicom/reader.h"
#include "codecs/pixel/instance.h"

namespace hilum::pixel {

struct PixelAttributes {
  dicom::Layout layout;
  FrameFormat format;   // of whole numbers: the tag of the pixel data tells others
  uint32_t frames = 1;  // as declared
  ValueTransform own, shared;
  std::vector<ValueTransform> per_frame;
  bool inverse = false;
  double aspect = 1;
  std::vector<Overlay> overlays;
  std::optional<PaletteColor> palette;
  std::optional<PixelPadding> padding;
  Bytes icc_profile;  // part of the file, or of `inflated`
};

// `inflated`: the data set where it was deflated, else untouched. What makes no sense counts as not said; kInvalid and
// kLimit are of the file as a whole. Without `fragments` encapsulated pixel data are as long as what is left, and
// nothing of them is looked at.
Result<PixelAttributes> ReadPixelAttributes(Bytes file, const dicom::ReadLimits& limits, bool fragments,
                                            dicom::Inflated* inflated);

}  // namespace hilum::pixel
