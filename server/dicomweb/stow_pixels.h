// How compressed Pixel Data that come as bulk data are laid out, where the metadata leave that to the codestream
// (PS3.18 10.5.2). Pure, thread-safe.
#pragma once

#include "base/result.h"
#include "codecs/dicom/model.h"

namespace hilum::dicomweb {

// Adds what the Image Pixel Description Macro (PS3.3 table C.7-11c) lacks: of JPEG and JPEG 2000 the codestream of the
// first frame tells it. Number of Frames and the attributes of lossy compression are added with it. What is there
// stays, true or not. kInvalid where something is lacking and nothing tells it. Videos and native pixels are left as
// they are.
Status DescribePixels(const dicom::BulkFinder& bulk, dicom::ModelDataSet* data_set);

}  // namespace hilum::dicomweb
