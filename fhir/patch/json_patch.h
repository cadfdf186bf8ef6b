// JSON Patch (RFC 6902) on a JSON text. Values that no operation touches keep their bytes, numbers among them; objects
// and arrays on the way to a change are written anew without white space.
//
// Pure, thread-safe.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "fhir/json/document.h"

namespace hilum::fhir {

struct PatchLimits {
  size_t operations = 10'000;
  size_t copied_bytes = size_t{8} << 20;  // by all copy operations together
  size_t steps = 5'000'000;               // values looked at by all operations together
};

// All operations in order, or none. Errors name the operation (counted from 0) and its pointer, never a value:
// kInvalid when `patch` is no JSON Patch, names a place that does not exist, or takes the whole resource away;
// kConflict when a test does not hold; kLimit.
Result<std::string> ApplyJsonPatch(json::Value resource, Bytes patch, const PatchLimits& limits = {});

}  // namespace hilum::fhir
