#include "base/http_status.h"
#include "base/text.h"
#include "fhir/interactions/interaction.h"

namespace hilum::fhir {

bool NamesVersion(std::string_view tags, uint64_t version) {
  const std::string asked = std::to_string(version);
  while (!tags.empty()) {
    std::string_view tag = TakeUntil(&tags, ',');
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
    if (tag == asked) return true;
  }
  return false;
}

Answer OutcomeAnswer(int status, const std::vector<Issue>& issues) {
  return {.status = status, .body = OperationOutcome(issues), .issues = issues};
}

Answer AboutPlace(std::string_view place, Answer answer) {
  for (Issue& issue : answer.issues) issue.place = place;
  answer.body = OperationOutcome(answer.issues);
  return answer;
}

Answer ErrorAnswer(const Status& status) {
  return OutcomeAnswer(HttpStatusOf(status.code()), {IssueOf(status)});
}

}  // namespace hilum::fhir
