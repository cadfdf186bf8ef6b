// Why a resource was refused, in one line. Internal to pipelines/fhir_import. Pure functions, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "fhir/interactions/interactions.h"
#include "fhir/validate/issue.h"

namespace hilum {

// By the first error.
std::string ReasonOf(const std::vector<fhir::Issue>& issues);
// Of an OperationOutcome.
std::string ReasonOf(fhir::json::MaybeValue outcome);
std::string ReasonOf(const fhir::Answer& answer);

}  // namespace hilum
