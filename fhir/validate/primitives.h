// The formats of the R4 primitive types (the regular expressions of the specification, by hand). Pure, thread-safe.
#pragma once

#include <string_view>

#include "fhir/definitions/definitions.h"
#include "fhir/json/document.h"

namespace hilum::fhir {

inline constexpr size_t kMaxStringSize = 1024 * 1024;  // R4 2.24.0.1: characters of string and markdown

// Why `value` is not of the primitive type, as a phrase ("must be ..."), or an empty view when it is. xhtml is only
// checked to be a string: see xhtml.h.
std::string_view CheckPrimitive(Primitive type, json::Value value);

// 1 to 64 letters, digits, '-' and '.'; not "." and "..", which clients take out of URLs (RFC 3986 5.2.4).
bool IsId(std::string_view text);

}  // namespace hilum::fhir
