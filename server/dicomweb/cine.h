// How fast the frames of an image follow one another (PS3.3 C.7.6.5). Pure, thread-safe.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "codecs/dicom/attributes.h"

namespace hilum::dicomweb {

class Pace {
 public:
  // As the data set recommends, or was acquired; ten frames a second where it says nothing.
  static Result<Pace> Of(Bytes file, const dicom::ReadLimits& limits);
  explicit Pace(double milliseconds);  // of a frame; from 20, below which browsers slow down, to a minute

  // How long the frame, counted from 0, is shown: what is rounded off one is made up for by the next.
  uint16_t Hundredths(uint32_t frame) const;

 private:
  double milliseconds_;
};

}  // namespace hilum::dicomweb
