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

ContainedById ContainedIn(json::Value resource) {
  ContainedById by_id;
  const json::MaybeValue contained = json::Find(resource, "contained");
  if (!contained || !contained->is_array()) return by_id;
  for (const json::Value item : contained->children()) {
    const std::string_view id = json::Find(item, "id").TextOr("");
    if (!id.empty()) by_id.emplace(id, item);
  }
  return by_id;
}

}  // namespace hilum::fhir
