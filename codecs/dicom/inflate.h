// Bounded inflation of deflated data sets (PS3.5 A.5). Internal to codecs/dicom.
#pragma once

#include <string>

#include "codecs/dicom/reader.h"

namespace hilum::dicom {

// kInvalid for a damaged or unfinished stream, kLimit past either inflation limit. `out` grows with what was really
// inflated, never with a size the input claims.
Status Inflate(Bytes deflated, const ReadLimits& limits, std::string* out);

}  // namespace hilum::dicom
