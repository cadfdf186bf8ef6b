// $meta (R4 resource-operation-meta) of one resource.
#include "fhir/interactions/interactions.h"
#include "fhir/interactions/shape.h"
#include "fhir/json/document.h"

namespace hilum::fhir {
namespace {

Answer Refused(std::string diagnostics) {
  return OutcomeAnswer(405, {{.type = IssueType::kNotSupported, .diagnostics = std::move(diagnostics)}});
}

Result<Answer> MetaOf(const Version& version, const Interaction& request) {
  HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(version.bytes));
  std::string text = R"({"resourceType":"Parameters","parameter":[{"name":"return")";
  if (const json::MaybeValue meta = json::Find(document.root(), "meta")) {
    text.append(",\"valueMeta\":").append(meta->raw());
  }
  text.append("}]}");
  HILUM_ASSIGN_OR_RETURN(std::string body, Shaped(text, request));
  return Answer{.body = std::move(body)};
}

}  // namespace

Answer Interactions::Meta(const Interaction& request, TypeId type, const std::string& id, std::string_view operation) {
  if (operation.starts_with('$')) operation.remove_prefix(1);
  if (operation != "meta") return Refused("meta is changed by an update or a patch of the resource");
  if (type == kNoType || id.empty()) return Refused("$meta is of one resource: [type]/[id]/$meta");
  const auto reader = store_.Read();
  const auto head = reader->FindHead(type, id);
  if (!head.ok()) return ErrorAnswer(head.status());
  if (!*head || (*head)->version == 0)
    return ErrorAnswer(NotFound("no " + std::string(TypeOf(type).name) + " has this id"));
  const auto version = reader->Newest(type, (*head)->doc);
  if (!version.ok()) return ErrorAnswer(version.status());
  if (!*version || (*version)->deleted())
    return OutcomeAnswer(410, {{.type = IssueType::kDeleted, .diagnostics = "the resource has been deleted"}});
  auto answer = MetaOf(**version, request);
  return answer.ok() ? *std::move(answer) : ErrorAnswer(answer.status());
}

}  // namespace hilum::fhir
