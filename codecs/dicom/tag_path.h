// Attribute paths as clients write them. Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "codecs/dicom/attributes.h"

namespace hilum::dicom {

// "PatientName", "00100010", "RequestAttributesSequence.00400009" (PS3.18 8.3.4.1); nullopt for what is none.
std::optional<TagPath> ParseTagPath(std::string_view text);

// By keywords where there are some, else as "00291008".
std::string KeywordPath(const TagPath& path);

}  // namespace hilum::dicom
