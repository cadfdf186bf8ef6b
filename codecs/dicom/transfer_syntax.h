// Transfer syntaxes of uncompressed data sets (PS3.5 A.1, A.2, A.3, A.5), by their UIDs.
#pragma once

#include <string_view>

namespace hilum::dicom {

inline constexpr std::string_view kImplicitLittleEndian = "1.2.840.10008.1.2";
inline constexpr std::string_view kExplicitLittleEndian = "1.2.840.10008.1.2.1";
inline constexpr std::string_view kDeflatedExplicitLittleEndian = "1.2.840.10008.1.2.1.99";
inline constexpr std::string_view kExplicitBigEndian = "1.2.840.10008.1.2.2";  // retired in 2006

}  // namespace hilum::dicom
