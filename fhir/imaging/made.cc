#include "fhir/imaging/made.h"

#include <algorithm>

#include "fhir/imaging/demographics.h"
#include "fhir/imaging/resolver.h"
#include "fhir/imaging/rows.h"
#include "fhir/store/persons.h"

namespace hilum::fhir::imaging {
namespace {

constexpr std::string_view kOriginSystem = "urn:hilum:origin";

// Of a Patient.link that the server put there.
constexpr std::string_view kYieldsExtension = "urn:hilum:yields";

// Looked at on the writer thread, so that what users write does not decide how long that takes: identifiers of one
// Patient, by which it is looked for whom it yields to.
constexpr size_t kMaxIdentifiers = 16;

}  // namespace

bool IsMadeOfImages(json::Value patient) {
  const json::MaybeValue tags = json::MaybeValue(patient)["meta"]["tag"];
  if (!tags) return false;
  const auto list = tags->children();
  return std::any_of(list.begin(), list.end(), [](json::Value tag) {
    return json::Find(tag, "system").TextOr("") == kOriginSystem && json::Find(tag, "code").TextOr("") == "images";
  });
}

bool IsYield(json::Value link) {
  const json::MaybeValue extensions = json::Find(link, "extension");
  if (!extensions || !extensions->is_array()) return false;
  const auto list = extensions->children();
  return std::any_of(list.begin(), list.end(),
                     [](json::Value extension) { return json::Find(extension, "url").TextOr("") == kYieldsExtension; });
}

Result<std::vector<MadePatient>> Resolver::MadeFor(const Records& records, const storage::StudyRow& study) const {
  Resolution out;
  const PatientIdentifier identifier = IdentifierOf(study);
  if (!identifier.token.code.empty()) HILUM_RETURN_IF_ERROR(WithIdentifier(records, identifier, &out).status());
  return std::move(out.made);
}

Result<std::optional<std::string>> Resolver::YieldsTo(const Records& records, const std::string& made,
                                                      Resolution* out) const {
  std::optional<std::string> first;
  std::string at = made;
  for (int merges = 0; merges <= kMaxMerges; ++merges) {
    HILUM_ASSIGN_OR_RETURN(const auto next, SuccessorOf(records, at, out));
    if (!next) return first;
    if (next->id == made) return std::optional<std::string>();
    if (!first) first = next->id;
    HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(next->bytes));
    if (!IsMadeOfImages(document.root())) return first;
    at = next->id;
  }
  return std::optional<std::string>();
}

std::vector<Resolver::PatientIdentifier> Resolver::IdentifiersOf(json::Value made) {
  std::vector<PatientIdentifier> list;
  const json::MaybeValue identifiers = json::Find(made, "identifier");
  if (!identifiers) return list;
  for (const json::Value item : identifiers->children()) {
    PatientIdentifier identifier{.token = {std::string(json::Find(item, "system").TextOr("")),
                                           std::string(json::Find(item, "value").TextOr(""))},
                                 .assigner = std::string(json::Find(item, "assigner")["display"].TextOr(""))};
    if (!identifier.token.code.empty()) list.push_back(std::move(identifier));
    if (list.size() == kMaxIdentifiers) break;
  }
  return list;
}

Result<std::optional<Version>> Resolver::SuccessorOf(const Records& records, const std::string& made,
                                                     Resolution* out) const {
  std::optional<Version> successor;
  HILUM_ASSIGN_OR_RETURN(const auto patient, records.current(patient_, made));
  if (!patient) return successor;
  HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(patient->bytes));
  for (const PatientIdentifier& identifier : IdentifiersOf(document.root())) {
    out->watches.push_back(WatchOf(patient_, identifier.token));
    HILUM_ASSIGN_OR_RETURN(const auto ids, records.with_identifier(patient_, identifier.token, kMaxNamesakes + 1));
    if (ids.size() > kMaxNamesakes) return std::optional<Version>();
    for (const std::string& id : ids) {
      if (id == made) continue;
      HILUM_ASSIGN_OR_RETURN(const auto other, records.current(patient_, id));
      if (!other) continue;
      HILUM_ASSIGN_OR_RETURN(const json::Document others, json::Document::Parse(other->bytes));
      if (!identifier.IsIn(others.root()) || IsMadeOfImages(others.root())) continue;
      std::vector<std::string> replaced;
      HILUM_ASSIGN_OR_RETURN(auto survivor, Survivor(records, id, &replaced, out, Merges::kOfUsers));
      if (!survivor || (successor && successor->id != survivor->id)) return std::optional<Version>();
      successor = std::move(survivor);
    }
  }
  return successor;
}

void Resolver::Yield(json::Value patient, const std::optional<std::string>& to, json::Edits* edits) {
  std::string others;
  const json::MaybeValue links = json::Find(patient, "link");
  bool is_so = !to;
  if (links) {
    for (const json::Value link : links->children()) {
      if (IsYield(link)) {
        is_so = to && json::Find(link, "other")["reference"].TextOr("") == "Patient/" + *to;
      } else {
        others.append(others.empty() ? "" : ",").append(link.raw());
      }
    }
  }
  if (is_so) return;
  if (to) {
    others.append(others.empty() ? "" : ",").append(R"({"extension":[{"url":")").append(kYieldsExtension);
    others.append(R"(","valueBoolean":true}],"other":)").append(ReferenceTo("Patient", *to));
    others.append(R"(,"type":"replaced-by"})");
  }
  if (links && others.empty()) {
    constexpr std::string_view kLink[] = {"link"};
    json::RemoveProperties(patient, kLink, edits);
  } else if (links) {
    edits->Replace(links->begin(), links->end(), "[" + others + "]");
  } else {
    edits->Insert(patient.end() - 1, ",\"link\":[" + others + "]");
  }
}

std::string Resolver::MakePatient(const storage::StudyRow& study) const {
  constexpr std::string_view kMedicalRecord =
      R"("type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},)";
  constexpr std::string_view kFromImages = R"({"tag":[{"system":"urn:hilum:origin","code":"images"}]})";
  return PatientOf(study, IdentifierOf(study).Json(kMedicalRecord), std::string(kFromImages));
}

}  // namespace hilum::fhir::imaging
