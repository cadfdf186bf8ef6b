// How compressed Pixel Data that come as bulk data are laid out, where the metadata leave that to the codestream
// (PS3.18 10.5.2). Not thread-safe.
#pragma once

#include <cstdint>
#include <map>

#include "base/result.h"
#include "codecs/dicom/model.h"
#include "codecs/pixel/codestream.h"

namespace hilum::dicomweb {

class PixelDescriber {
 public:
  // `bulk` and what it finds outlive the describer.
  explicit PixelDescriber(const dicom::BulkFinder& bulk) : bulk_(bulk) {}

  // Adds what the Image Pixel Description Macro (PS3.3 table C.7-11c) lacks: of JPEG and JPEG 2000 the codestream of
  // the first frame tells it. Number of Frames and the attributes of lossy compression are added with it. What is there
  // stays, true or not. kInvalid where something is lacking and nothing tells it. Videos and native pixels are left as
  // they are.
  Status Describe(dicom::ModelDataSet* data_set);

 private:
  struct Told {
    Result<pixel::CodestreamDescription> codestream;  // of the first frame
    uint64_t bytes;                                   // of all frames
  };
  const Told& Of(const dicom::ModelBulk& bulk);

  const dicom::BulkFinder& bulk_;
  std::map<const dicom::ModelBulk*, Told> told_;  // any number of data sets may name one bulk: it is read once
};

}  // namespace hilum::dicomweb
