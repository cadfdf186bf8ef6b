#include "server/fhir_rest/refusal.h"

#include "fhir/validate/issue.h"
#include "server/fhir_rest/negotiate.h"

namespace hilum::fhir_rest {
namespace {

fhir::IssueType TypeOf(int status) {
  switch (status) {
    case 408:
    case 503:
      return fhir::IssueType::kThrottled;
    case 414:
    case 431:
      return fhir::IssueType::kTooLong;
    case 500:
      return fhir::IssueType::kException;
    case 507:
      return fhir::IssueType::kNoStore;
    default:
      return fhir::IssueType::kStructure;
  }
}

}  // namespace

std::optional<http::ErrorBody> RefusalBody(std::string_view root, std::string_view path, int status,
                                           std::string_view reason) {
  if (!path.starts_with(root)) return std::nullopt;
  path.remove_prefix(root.size());
  if (!path.empty() && path[0] != '/') return std::nullopt;
  std::string diagnostics(reason);
  if (status == 414) diagnostics.append("; a search may be sent as a form of any length by POST to _search");
  const fhir::Issue issue{.type = TypeOf(status), .diagnostics = std::move(diagnostics)};
  return http::ErrorBody{.content_type = std::string(kFhirJson), .text = fhir::OperationOutcome({&issue, 1})};
}

}  // namespace hilum::fhir_rest
