#include "fhir/imaging/subject.h"

#include "fhir/json/edits.h"
#include "fhir/validate/primitives.h"

namespace hilum::fhir::imaging {
namespace {

constexpr std::string_view kPatient = "Patient";

// R4 extension-data-absent-reason.
constexpr std::string_view kUnknown =
    R"({"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"})";

// The Patient in an extension of `subject`. Users may write anything there: what cannot be the id of one is none.
std::optional<std::string> PatientIn(json::MaybeValue subject, std::string_view url) {
  const json::MaybeValue extensions = subject["extension"];
  if (!extensions || !extensions->is_array()) return std::nullopt;
  for (const json::Value extension : extensions->children()) {
    if (json::Find(extension, "url").TextOr("") != url) continue;
    std::string_view reference = json::Find(extension, "valueReference")["reference"].TextOr("");
    if (!reference.starts_with(kPatient)) continue;
    reference.remove_prefix(kPatient.size());
    if (reference.starts_with('/') && IsId(reference.substr(1))) return std::string(reference.substr(1));
  }
  return std::nullopt;
}

}  // namespace

std::string ReferenceTo(std::string_view type, std::string_view id) {
  return "{\"reference\":" + json::Quoted(std::string(type).append("/").append(id)) + "}";
}

std::string ReferenceExtension(std::string_view url, std::string_view type, std::string_view id) {
  return "{\"url\":" + json::Quoted(url) + ",\"valueReference\":" + ReferenceTo(type, id) + "}";
}

void Subject::AddReplaced(const std::vector<std::string>& patients) {
  for (const std::string& id : patients) extensions.push_back({kReplacedExtension, id});
}

std::string Subject::Json() const {
  std::string list;
  for (const Extension& extension : extensions)
    list.append(list.empty() ? "" : ",").append(ReferenceExtension(extension.url, kPatient, extension.patient));
  if (is_unknown) list.append(list.empty() ? "" : ",").append(kUnknown);
  std::string properties;
  const auto add = [&](std::string_view property) {
    properties.append(properties.empty() ? "" : ",").append(property);
  };
  if (!list.empty()) add("\"extension\":[" + list + "]");
  if (!patient.empty()) add("\"reference\":" + json::Quoted(std::string(kPatient).append("/").append(patient)));
  if (!is_unknown) add(R"("type":"Patient")");
  if (!identifier.empty()) add("\"identifier\":" + identifier);
  return "{" + properties + "}";
}

std::optional<std::string> ChosenPatient(json::MaybeValue subject) {
  return PatientIn(subject, kChoiceExtension);
}

std::optional<std::string> GivenPatient(json::MaybeValue subject) {
  return PatientIn(subject, kGivenExtension);
}

}  // namespace hilum::fhir::imaging
