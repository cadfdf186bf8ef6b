// What a data set says that cannot be right, although it can be stored: Warning Reason B007 of STOW-RS (PS3.18 I.2.2).
#pragma once

#include <string>
#include <vector>

#include "codecs/dicom/attributes.h"

namespace hilum {

// Adds a remark for each. Looks at nothing but what was read for the catalogue anyway; names attributes, never values
// that are not UIDs. Pure, thread-safe. REQUIRES: the file that `header` was read from is still there.
void AddRemarks(const dicom::Header& header, std::vector<std::string>* remarks);

}  // namespace hilum
