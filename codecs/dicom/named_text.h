// Text in a character set with a name of the Internet ("charset=ISO-8859-1", RFC 2978), as HTTP and MIME label it, to
// UTF-8. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace hilum::dicom {

// Without a byte order mark. kInvalid for a name that is not known, and for bytes that mean nothing in the character
// set; kLimit when the result would be longer than `max_bytes`.
Result<std::string> ReadNamedText(std::string_view charset, Bytes text, uint64_t max_bytes);

}  // namespace hilum::dicom
