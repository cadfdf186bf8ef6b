// Base64 (RFC 4648 4), as InlineBinary of DICOM and base64Binary of FHIR have it. Pure functions, thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace hilum {

void AppendBase64(Bytes bytes, std::string* out);
// Appends the bytes; white space between the digits is skipped. False for anything that is not whole base64 with its
// padding; then `out` may hold a beginning of it.
bool DecodeBase64(std::string_view text, std::string* out);

}  // namespace hilum
