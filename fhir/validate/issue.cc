#include "fhir/validate/issue.h"

#include <cassert>

#include "base/json_text.h"
#include "base/utf8.h"

namespace hilum::fhir {
namespace {

IssueType IssueTypeOf(Code code) {
  switch (code) {
    case Code::kOk:
      return IssueType::kInformational;
    case Code::kInvalid:
      return IssueType::kInvalid;
    case Code::kNotFound:
      return IssueType::kNotFound;
    case Code::kConflict:
      return IssueType::kConflict;
    case Code::kUnsupported:
      return IssueType::kNotSupported;
    case Code::kLimit:
      return IssueType::kTooCostly;
    case Code::kDiskFull:
      return IssueType::kNoStore;
    case Code::kUnavailable:
      return IssueType::kThrottled;
    case Code::kCorruption:
    case Code::kIo:
    case Code::kCancelled:
    case Code::kInternal:
      return IssueType::kException;
  }
  return IssueType::kException;
}

void AppendMember(std::string* out, std::string_view name, std::string_view text) {
  if (out->back() != '{') out->push_back(',');
  AppendJsonString(name, out);
  out->push_back(':');
  AppendJsonString(text, out);
}

// Texts of clients are quoted, and those of URLs hold anything; strings of FHIR do not (R4 2.24.0.1).
std::string WithoutControls(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n')
      out += kReplacement;
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string_view SeverityCode(Severity severity) {
  constexpr std::string_view kCodes[] = {"fatal", "error", "warning", "information"};
  return kCodes[static_cast<size_t>(severity)];
}

std::string_view IssueTypeCode(IssueType type) {
  constexpr std::string_view kCodes[] = {
      "invalid",  "structure",  "required",      "value",     "invariant", "code-invalid",
      "too-long", "too-costly", "not-supported", "not-found", "duplicate", "multiple-matches",
      "deleted",  "conflict",   "exception",     "throttled", "no-store",  "informational"};
  return kCodes[static_cast<size_t>(type)];
}

Issue IssueOf(const Status& status) {
  return {.severity = status.ok() ? Severity::kInformation : Severity::kError,
          .type = IssueTypeOf(status.code()),
          .diagnostics = status.ok() ? "all ok" : status.message()};
}

std::string OperationOutcome(std::span<const Issue> issues) {
  assert(!issues.empty());
  std::string out = R"({"resourceType":"OperationOutcome","issue":[)";
  for (const Issue& issue : issues) {
    out += out.back() == '[' ? "{" : ",{";
    AppendMember(&out, "severity", SeverityCode(issue.severity));
    AppendMember(&out, "code", IssueTypeCode(issue.type));
    std::string diagnostics = issue.place.empty() ? issue.diagnostics : issue.place + ": " + issue.diagnostics;
    if (issue.position.line > 0) {
      diagnostics +=
          " (line " + std::to_string(issue.position.line) + ", column " + std::to_string(issue.position.column) + ")";
    }
    AppendMember(&out, "diagnostics", WithoutControls(diagnostics));
    if (!issue.expression.empty()) {
      out += ",\"expression\":[";
      AppendJsonString(issue.expression, &out);
      out += ']';
    }
    out += '}';
  }
  return out + "]}";
}

}  // namespace hilum::fhir
