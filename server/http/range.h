// The Range header field (RFC 9110 14.2), single ranges of bytes. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace hilum::http {

// {offset, length} inside a body of `total` bytes. nullopt when the field is to be ignored and the whole body sent:
// another unit, bad syntax, several ranges. kInvalid when no byte of the body lies in the range: answer 416 with
// `Content-Range: bytes */total`.
Result<std::optional<std::pair<uint64_t, uint64_t>>> ParseRange(std::string_view header, uint64_t total);

}  // namespace hilum::http
