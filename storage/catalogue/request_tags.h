// Attributes that the catalogue keeps for who makes records of images.
#pragma once

#include "codecs/dicom/tag.h"

namespace hilum::storage {

// Of series, at the top of the data set and in items of the Request Attributes Sequence (PS3.3 C.4.13, table 10-9).
inline constexpr dicom::Tag kPlacerOrderNumber{0x0040, 0x2016}, kFillerOrderNumber{0x0040, 0x2017};
// Of studies; sequences of codes (PS3.3 C.7.2.1).
inline constexpr dicom::Tag kProcedureCodeSequence{0x0008, 0x1032}, kRequestedProcedureCodeSequence{0x0032, 0x1064};
// Of studies; the last two in items of the sequence (PS3.3 table 10-18).
inline constexpr dicom::Tag kIssuerOfPatientIdQualifiersSequence{0x0010, 0x0024}, kUniversalEntityId{0x0040, 0x0032},
    kUniversalEntityIdType{0x0040, 0x0033};
// Of series (PS3.3 C.7.3.1).
inline constexpr dicom::Tag kSeriesDate{0x0008, 0x0021}, kSeriesTime{0x0008, 0x0031}, kLaterality{0x0020, 0x0060};

}  // namespace hilum::storage
