// What a cohort is: an ordered list of criteria, each a FHIR search that patients must or must not have results of.
// Plain data, and its JSON: the criteria as parameters of Group/$cohort (docs/cohorts.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "fhir/json/document.h"
#include "fhir/search/query.h"

namespace hilum::fhir {

inline constexpr size_t kMaxCohortCriteria = 100;  // of all steps together

// When a criterion's resources happened, seen from those of another one.
struct CohortRelation {
  enum class When : uint8_t { kBefore, kAfter, kEither };
  std::string to;  // name of a step or of a criterion
  When when = When::kAfter;
  int64_t min_micros = 0;
  std::optional<int64_t> max_micros;  // nullopt: any distance
  bool operator==(const CohortRelation&) const = default;
};

// A patient meets it with at least `at_least` resources that the search finds and whose relation holds.
struct CohortCriterion {
  std::string name;    // empty: none
  std::string search;  // Type?parameter=value&..., percent-encoded as in a URL
  uint32_t at_least = 1;
  std::string
      date;  // code of the search parameter that says when a resource happened; empty: the usual one of its type
  std::optional<CohortRelation> relation;
  std::string place;  // in the request, for errors
};

// Leaves those of the patients who meet any of its criteria, or takes them away.
struct CohortStep {
  bool exclude = false;
  std::string name;                  // empty: none
  std::vector<CohortCriterion> any;  // at least one
  std::string place;
};

struct CohortDefinition {
  std::vector<CohortStep> steps;  // at least one
};

// Reads the parameters "include" and "exclude"; others are the caller's. Errors name the place. REQUIRES: a valid
// Parameters resource.
Result<CohortDefinition> ReadCohortDefinition(json::Value parameters);
// The short form of a query string: include=search and exclude=search, in order.
Result<CohortDefinition> ReadCohortDefinition(const std::vector<Parameter>& query);

// "{...},{...}": the items of Parameters.parameter that are read as this definition.
std::string CohortParameters(const CohortDefinition& definition);

// What people call a step: its name, or its search.
std::string LabelOf(const CohortStep& step);

}  // namespace hilum::fhir
