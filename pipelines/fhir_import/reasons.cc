#include "pipelines/fhir_import/reasons.h"

#include <algorithm>

namespace hilum {

using fhir::json::MaybeValue;

namespace {

std::string Describe(std::string_view diagnostics, std::string_view expression) {
  std::string text;
  if (!expression.empty()) text.append(expression).append(": ");
  return text.append(diagnostics);
}

}  // namespace

std::string ReasonOf(const std::vector<fhir::Issue>& issues) {
  const auto error = std::ranges::find_if(issues, [](const fhir::Issue& issue) {
    return issue.severity == fhir::Severity::kError || issue.severity == fhir::Severity::kFatal;
  });
  return error == issues.end() ? "not valid" : Describe(error->diagnostics, error->expression);
}

std::string ReasonOf(MaybeValue outcome) {
  const MaybeValue issues = outcome["issue"];
  if (!issues || !issues->is_array() || issues->empty()) return "refused without a reason";
  const MaybeValue issue = issues->At(0);
  const MaybeValue places = issue["expression"];
  const bool placed = places && places->is_array() && !places->empty();
  return Describe(issue["diagnostics"].TextOr("refused"), placed ? MaybeValue(places->At(0)).TextOr("") : "");
}

std::string ReasonOf(const fhir::Answer& answer) {
  const auto document = fhir::json::Document::Parse(answer.body);
  return document.ok() ? ReasonOf(MaybeValue(document->root())) : "refused with " + std::to_string(answer.status);
}

}  // namespace hilum
