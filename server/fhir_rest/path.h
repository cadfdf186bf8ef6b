// URLs below the FHIR base (R4 http.html): their segments, what can be done with them and what that is called. Pure
// functions, thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hilum::fhir_rest {

// [base]/_async/id is where a request that was sent with respond-async tells its state.
inline constexpr std::string_view kAsyncPath = "_async";

// "/Patient/1/_history/2" -> {"Patient", "1", "_history", "2"}; a slash at the end does not count. `path` is still
// percent-encoded. kInvalid when a segment can be none of ours.
Result<std::vector<std::string>> ParsePath(std::string_view path);

// Methods for the Allow field, OPTIONS among them.
std::string AllowedMethods(const std::vector<std::string>& path);

// A name for metrics, one of a few: "read", "search-type", "operation", ...
std::string_view InteractionName(std::string_view method, const std::vector<std::string>& path);

}  // namespace hilum::fhir_rest
