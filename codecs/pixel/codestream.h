// What a JPEG or JPEG 2000 codestream says of itself, to who knows nothing else of it (PS3.18 10.5.2). Headers are
// read, nothing is decoded. Pure functions, thread-safe; views are into what is given.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "codecs/pixel/image.h"

namespace hilum::pixel {

// The transfer syntax of its process; "" for what is neither, or of no process that DICOM has. Full progression stands
// for both progressive ones of JPEG.
std::string_view SyntaxOfCodestream(Bytes codestream);

// The codestream in a JP2 file: frames have no boxes around it (PS3.5 A.4.4). Anything else is given back.
Bytes WithoutBoxes(Bytes file);

struct CodestreamDescription {
  FrameFormat format;  // as the data set has to describe it
  bool lossy = false;  // for certain
};

// kInvalid for what is neither, or has a damaged header; kUnsupported for colours that no Photometric Interpretation
// has (CMYK, an alpha channel).
Result<CodestreamDescription> DescribeCodestream(Bytes codestream);

}  // namespace hilum::pixel
