// What users may write of an ImagingStudy.
#include "fhir/imaging/linker.h"

namespace hilum::fhir::imaging {
namespace {

std::optional<std::string> StudyUidIn(json::Value resource) {
  const json::MaybeValue list = json::Find(resource, "identifier");
  if (!list) return std::nullopt;
  constexpr std::string_view kOid = "urn:oid:";
  for (const json::Value item : list->children()) {
    const std::string_view value = json::Find(item, "value").TextOr("");
    if (json::Find(item, "system").TextOr("") == kUidSystem && value.starts_with(kOid))
      return std::string(value.substr(kOid.size()));
  }
  return std::nullopt;
}

Judgement Refused(int status, std::vector<Issue> issues) {
  return {.status = status, .issues = std::move(issues)};
}

}  // namespace

Result<Judgement> Linker::JudgePut(ResourceReader& reader, const std::string& id, const Version* newest,
                                   json::Value resource) const {
  if (newest == nullptr || !newest->partial) {
    const auto uid = StudyUidIn(resource);
    if (!uid) return Judgement();
    HILUM_ASSIGN_OR_RETURN(const auto link, ReadLink(reader.kv(), &reader.snapshot(), *uid));
    if (link && link->live && link->id != id) {
      return Refused(409, {{.type = IssueType::kDuplicate,
                            .diagnostics = "the images of this study are described by ImagingStudy/" + link->id +
                                           "; change that one",
                            .expression = std::string(kImagingStudy) + ".identifier"}});
    }
    return Judgement{.sole_identifier = storage::TokenValue{std::string(kUidSystem), UidIdentifier(*uid)}};
  }

  HILUM_ASSIGN_OR_RETURN(const auto uid,
                         reader.kv().Get(storage::Family::kResource, StudyUidKey(newest->doc), &reader.snapshot()));
  if (!uid) return Corruption("an ImagingStudy does not say which study it is of; run hilum verify");
  HILUM_ASSIGN_OR_RETURN(const auto study, FindStudy(reader.kv(), &reader.snapshot(), *uid));
  if (!study) return Judgement();  // deleted while nobody linked: it is the users' alone
  HILUM_ASSIGN_OR_RETURN(const json::Document whole, json::Document::Parse(newest->bytes));
  HILUM_ASSIGN_OR_RETURN(const auto link, ReadLink(reader.kv(), &reader.snapshot(), *uid));
  Linked linked = LinkedOf(whole.root(), link ? link->orders : std::vector<std::string>());
  linked.former_orders = linked.orders;
  const DerivedElements derived = ElementsOf(study->row, std::move(linked), shell_);
  auto issues = Contradictions(resource, derived, json::Find(whole.root(), kDerivedElement));
  if (!issues.empty()) return Refused(422, std::move(issues));
  json::Edits edits;
  MakeShell(resource, derived, &edits);
  return Judgement{.bytes = edits.Apply(resource)};
}

Judgement Linker::JudgeDelete(const Version& newest) const {
  if (!newest.partial) return {};
  return Refused(409, {{.type = IssueType::kConflict,
                        .diagnostics = "there are images of this study; delete the study over DICOMweb, and the "
                                       "ImagingStudy goes with them"}});
}

}  // namespace hilum::fhir::imaging
