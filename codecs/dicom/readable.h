// Values as people write them. Pure functions, thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "codecs/dicom/tag.h"

namespace hilum::dicom {

// One value without its padding, in UTF-8: of PN "Yamada Tarou  山田 太郎", its groups one after the other; of DA, TM
// and DT "1970-01-02", "12:13:14.5", "1970-01-02 12:13 +01:00", as exact as they are. What is in no such form stays as
// it is, and so do other VRs.
std::string Readable(Vr vr, std::string_view value);

}  // namespace hilum::dicom
