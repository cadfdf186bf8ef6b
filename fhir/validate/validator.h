// The pass behind Validate(). Internal to fhir/validate.
#pragma once

#include <array>
#include <string>

#include "fhir/validate/validate.h"

namespace hilum::fhir {

// Elements of the largest type (a test holds it to that).
inline constexpr size_t kMaxElements = 128;

// Not thread-safe; one per call.
class Validator {
 public:
  Validator(const ValidateOptions& options, Validation* out) : options_(options), out_(*out) {}

  // `path` names the resource in issues: its own type at the root.
  void CheckResource(json::Value value, bool contained);

 private:
  // A link of the path to the value at hand, only spelled out for an issue.
  struct Place {
    Place* parent;
    std::string_view name;
    int index;  // in an array, -1 otherwise
  };
  // What was seen of each element of an object.
  using Seen = std::array<PropertyId, kMaxElements>;

  void CheckObject(json::Value object, TypeId type);
  // Both return whether something is missing that its primitive extensions must make up for.
  bool CheckProperty(json::Value value, const Property& property);
  bool CheckRepeated(json::Value array, const Property& property);
  void CheckItem(json::Value value, const Property& property);
  // Contained resources are referred to by their ids (R4 dom-3).
  void CheckContainedIds(json::Value array);
  // Both return whether something is missing that the value must make up for.
  bool CheckCarrier(json::Value value, const Property& property);
  bool CheckCarrierItem(json::Value value);
  // In every place of a primitive element is a value, or extensions, or both. `given`: the one that lacks something.
  void CheckPairs(json::Value object, json::Value given, bool carrier);
  void CheckMissing(json::Value object, const Type& type, const Seen& seen);
  void CheckCodes(json::Value value, const Property& property, const Element& element);
  void CheckCoded(json::Value concept_value, const Binding& binding);
  void CheckExtension(json::Value extension);
  void CheckReference(json::Value reference, const Property& property);
  // The resource that "#id" leads to, from where the pass is: contained in the one at hand, or that itself ("#").
  json::MaybeValue FindContained(std::string_view id);

  void Report(json::Value at, Severity severity, IssueType type, std::string diagnostics);
  void Error(json::Value at, IssueType type, std::string diagnostics) {
    Report(at, Severity::kError, type, std::move(diagnostics));
  }
  std::string Expression() const;

  const ValidateOptions options_;
  Validation& out_;
  Place* place_ = nullptr;
  bool contained_ = false;
  // The resource at hand, or the one that contains it.
  struct Container {
    json::MaybeValue resource;
    std::optional<ContainedById> contained;  // once it was asked for
  };
  Container container_;
};

}  // namespace hilum::fhir
