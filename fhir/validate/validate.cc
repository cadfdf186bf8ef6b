#include "fhir/validate/validate.h"

#include <algorithm>

#include "fhir/validate/validator.h"

namespace hilum::fhir {

bool Validation::ok() const {
  return std::ranges::none_of(issues, [](const Issue& issue) { return issue.severity <= Severity::kError; });
}

Validation Validate(json::Value resource, const ValidateOptions& options) {
  Validation validation;
  validation.typing.assign(resource.document().nodes().size(), kNoProperty);
  Validator(options, &validation).CheckResource(resource, false);
  return validation;
}

std::optional<TypeId> ResourceTypeOf(json::Value resource) {
  return FindResourceType(json::Find(resource, "resourceType").TextOr(""));
}

}  // namespace hilum::fhir
