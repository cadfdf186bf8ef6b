// Annotations burned into rendered pictures on request (PS3.18 8.3.5.1.1).
#pragma once

#include <string>
#include <vector>

#include "codecs/dicom/reader.h"
#include "codecs/pixel/text_painter.h"

namespace hilum::dicomweb {

// What is written where: who it is in the upper left corner, how it was made in the lower left one.
struct Annotation {
  std::vector<std::string> patient, technique;
};

// `frame`: from 0, told when the instance has several. Attributes that are missing are left out.
Result<Annotation> MakeAnnotation(Bytes file, bool patient, bool technique, uint32_t frame,
                                  const dicom::ReadLimits& limits);

// Letters are sized so that the longest line fits, as long as they can be read.
void Burn(const Annotation& annotation, pixel::TextPainter& painter, pixel::Picture* picture);

}  // namespace hilum::dicomweb
