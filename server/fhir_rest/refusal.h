// Answers of the HTTP layer to what never became a FHIR request, as OperationOutcomes (R4 http 3.1.0.1.6). Pure,
// thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "server/http/server.h"

namespace hilum::fhir_rest {

// nullopt when the path is not below `root`. `reason`: of the HTTP layer.
std::optional<http::ErrorBody> RefusalBody(std::string_view root, std::string_view path, int status,
                                           std::string_view reason);

}  // namespace hilum::fhir_rest
