#include <time.h>

#include "base/text.h"
#include "fhir/interactions/interactions.h"
#include "fhir/interactions/shape.h"
#include "fhir/validate/date_time.h"

namespace hilum::fhir {
namespace {

// Microseconds since 1970, of the last that an IMF-fixdate (RFC 9110 5.6.7) or an instant of FHIR stands for; nullopt
// for anything else, which is then ignored (13.1.3).
std::optional<int64_t> ParseSince(const std::string& text) {
  tm parts{};
  const char* end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end != nullptr && *end == '\0') return (timegm(&parts) + 1) * 1'000'000 - 1;
  const auto instant = ParseDateTime(text, DateTimeForm::kInstant);
  return instant ? std::optional(RangeOf(*instant, 0).high - 1) : std::nullopt;
}

bool IsUnchanged(const Version& version, const Interaction& request) {
  if (!request.if_none_match.empty())
    return request.if_none_match == "*" || NamesVersion(request.if_none_match, version.number);
  if (request.if_modified_since.empty()) return false;
  const auto since = ParseSince(request.if_modified_since);
  return since && version.updated_micros <= *since;
}

Answer Absent(TypeId type) {
  return ErrorAnswer(NotFound("no " + std::string(TypeOf(type).name) + " has this id"));
}

Answer Gone(const Version& version) {
  Answer answer = OutcomeAnswer(410, {{.type = IssueType::kDeleted,
                                       .diagnostics = "the resource has been deleted by version " +
                                                      std::to_string(version.number) + "; its history has the rest"}});
  answer.version = version.number;
  answer.updated_micros = version.updated_micros;
  return answer;
}

Answer Deliver(ResourceReader& reader, Version version, const Interaction& request) {
  if (version.deleted()) return Gone(version);
  Answer answer{.version = version.number, .updated_micros = version.updated_micros};
  if (IsUnchanged(version, request)) {
    answer.status = 304;
    return answer;
  }
  const auto shape = ShapeOf(request.query);
  if (!shape.ok()) return ErrorAnswer(shape.status());
  if (FormFor(*shape) == Form::kWhole) {
    if (const Status status = reader.Complete(&version); !status.ok()) return ErrorAnswer(status);
  }
  auto body = Shaped(version.bytes, request);
  if (!body.ok()) return ErrorAnswer(body.status());
  answer.body = *std::move(body);
  return answer;
}

}  // namespace

Answer Interactions::Read(const Interaction& request, TypeId type, const std::string& id) {
  const auto reader = store_.Read();
  const auto head = reader->FindHead(type, id);
  if (!head.ok()) return ErrorAnswer(head.status());
  if (!*head || (*head)->version == 0) return Absent(type);
  auto version = reader->At(type, (*head)->doc, (*head)->version, Form::kStored);
  if (!version.ok()) return ErrorAnswer(version.status());
  if (!*version) return ErrorAnswer(Corruption("the newest version of the resource is missing; run hilum verify"));
  return Deliver(*reader, **std::move(version), request);
}

Answer Interactions::ReadVersion(const Interaction& request, TypeId type, const std::string& id,
                                 const std::string& version) {
  const auto reader = store_.Read();
  const auto head = reader->FindHead(type, id);
  if (!head.ok()) return ErrorAnswer(head.status());
  if (!*head || (*head)->version == 0) return Absent(type);
  const auto number = ParseDecimal(version);
  if (!number) return ErrorAnswer(NotFound("the resource has no such version; its history lists those it has"));
  auto found = reader->At(type, (*head)->doc, *number, Form::kStored);
  if (!found.ok()) return ErrorAnswer(found.status());
  if (!*found) return ErrorAnswer(NotFound("the resource has no such version; its history lists those it has"));
  return Deliver(*reader, **std::move(found), request);
}

}  // namespace hilum::fhir
