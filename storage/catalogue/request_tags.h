// Attributes by which images name what was ordered and done, as the catalogue keeps them.
#pragma once

#include "codecs/dicom/tag.h"

namespace hilum::storage {

// Of series, at the top of the data set and in items of the Request Attributes Sequence (PS3.3 C.4.13, table 10-9).
inline constexpr dicom::Tag kPlacerOrderNumber{0x0040, 0x2016}, kFillerOrderNumber{0x0040, 0x2017};
// Of studies; sequences of codes (PS3.3 C.7.2.1).
inline constexpr dicom::Tag kProcedureCodeSequence{0x0008, 0x1032}, kRequestedProcedureCodeSequence{0x0032, 0x1064};

}  // namespace hilum::storage
