// Bounded inflation of deflated data sets (PS3.5 A.5). Internal to codecs/dicom.
#pragma once

#include "codecs/dicom/reader.h"

namespace hilum::dicom {

// kInvalid for a damaged or unfinished stream, kLimit past either inflation limit, kUnavailable when the memory for all
// is used up. `out` grows with what was really inflated, never with a size the input claims.
Status Inflate(Bytes deflated, const ReadLimits& limits, Inflated* out);

}  // namespace hilum::dicom
