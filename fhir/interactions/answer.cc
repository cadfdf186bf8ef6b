#include "base/http_status.h"
#include "fhir/interactions/interaction.h"

namespace hilum::fhir {
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
