#include "fhir/interactions/interaction.h"

namespace hilum::fhir {
namespace {

int HttpStatusOf(Code code) {
  switch (code) {
    case Code::kOk:
      return 200;
    case Code::kInvalid:
    case Code::kUnsupported:
      return 400;
    case Code::kNotFound:
      return 404;
    case Code::kConflict:
      return 409;
    case Code::kLimit:
      return 413;
    case Code::kDiskFull:
      return 507;
    case Code::kUnavailable:
      return 503;
    case Code::kCancelled:
    case Code::kCorruption:
    case Code::kIo:
    case Code::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace

Answer OutcomeAnswer(int status, const std::vector<Issue>& issues) {
  return {.status = status, .body = OperationOutcome(issues), .outcome = true};
}

Answer ErrorAnswer(const Status& status) {
  return OutcomeAnswer(HttpStatusOf(status.code()), {IssueOf(status)});
}

}  // namespace hilum::fhir
