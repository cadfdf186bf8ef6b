// Resources against the R4 element trees: names, JSON types, cardinalities, choices, formats, required bindings,
// reference targets, extensions, contained resources, narratives. Not: invariants, profiles and terminology beyond the
// bindings in definitions.h.
//
// The same pass types the tree: it finds out for every JSON value which property of the definitions it is, so that
// search extraction (fhir/search) compares numbers instead of names. Pure, thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "fhir/definitions/definitions.h"
#include "fhir/json/document.h"
#include "fhir/validate/issue.h"

namespace hilum::fhir {

struct ValidateOptions {
  size_t max_issues = 50;     // the rest is left out
  bool check_targets = true;  // reference target types, and that each contained resource can be referred to
  bool check_narrative = true;
  bool check_required = true;  // that no element lacks what FHIR demands of it, nor an id the value it is of
};

// One property for each node of the document (json::Value::index()); kNoProperty for `resourceType`, primitive
// extensions' carriers (`_name`) and what was not valid. An array and its items have the same.
using Typing = std::vector<PropertyId>;

struct Validation {
  std::vector<Issue> issues;  // in the order of the text
  Typing typing;
  bool ok() const;  // no error among the issues
};

// `resource`: the root of a document, or a resource in it. Resources inside (contained, Bundle entries, Parameters) are
// validated too.
Validation Validate(json::Value resource, const ValidateOptions& options = {});

// Where the type of a resource is said. nullopt when it is missing or unknown.
std::optional<TypeId> ResourceTypeOf(json::Value resource);

// What a resource contains, by id: whom "#id" leads to. Of several with one id the first.
using ContainedById = std::map<std::string_view, json::Value>;
ContainedById ContainedIn(json::Value resource);

}  // namespace hilum::fhir
