// What is wrong with a resource or a request, as FHIR says it. Plain data.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "fhir/json/document.h"

namespace hilum::fhir {

enum class Severity : uint8_t { kFatal, kError, kWarning, kInformation };

// Codes of http://hl7.org/fhir/issue-type that we use.
enum class IssueType : uint8_t {
  kInvalid,
  kStructure,
  kRequired,
  kValue,
  kInvariant,
  kCodeInvalid,
  kTooLong,
  kTooCostly,
  kNotSupported,
  kNotFound,
  kDuplicate,
  kMultipleMatches,
  kDeleted,
  kConflict,
  kException,
  kThrottled,
  kNoStore,
  kInformational,
};

std::string_view SeverityCode(Severity severity);
std::string_view IssueTypeCode(IssueType type);

struct Issue {
  Severity severity = Severity::kError;
  IssueType type = IssueType::kInvalid;
  std::string diagnostics;                             // what is wrong and what to do; never values of the resource
  std::string place;                                   // entry of a Bundle that it is about; empty when there is none
  std::string expression;                              // FHIRPath of the element; empty when there is none
  json::Position position = {.line = 0, .column = 0};  // line 0: unknown
};

// The error as an issue; kOk becomes "informational: all ok".
Issue IssueOf(const Status& status);

// An OperationOutcome resource in JSON. REQUIRES: !issues.empty().
std::string OperationOutcome(std::span<const Issue> issues);

}  // namespace hilum::fhir
