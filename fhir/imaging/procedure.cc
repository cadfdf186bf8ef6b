#include "fhir/imaging/procedure.h"

#include <array>

#include "base/uid.h"
#include "fhir/imaging/images.h"
#include "fhir/json/document.h"
#include "fhir/json/edits.h"
#include "storage/catalogue/request_tags.h"

namespace hilum::fhir::imaging {
namespace {

// Coding Scheme Designators (PS3.16 table 8-1) and what FHIR calls the systems. SRT and the like have codes of their
// own, which are not those of SNOMED CT.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kSystems = {
    {{"DCM", kDicomCodes},
     {"SCT", "http://snomed.info/sct"},
     {"LN", "http://loinc.org"},
     {"RADLEX", "http://radlex.org"},
     {"C4", "http://www.ama-assn.org/go/cpt"}}};

// The first value of an attribute of an item in DICOM JSON (PS3.18 F.2).
std::string ValueOf(json::Value item, std::string_view tag) {
  const json::MaybeValue values = json::Find(item, tag)["Value"];
  if (!values || !values->is_array() || values->empty()) return {};
  return CleanText(json::MaybeValue(*values->children().begin()).TextOr(""));
}

std::string SystemOf(json::Value item) {
  const std::string scheme = ValueOf(item, "00080102");
  for (const auto& [designator, system] : kSystems) {
    if (designator == scheme) return std::string(system);
  }
  const std::string uid = ValueOf(item, "0008010C");
  return IsValidUid(uid) ? "urn:oid:" + uid : std::string();
}

// A CodeableConcept; empty when the item has no code.
std::string ConceptOf(json::Value item) {
  std::string code = CleanCode(ValueOf(item, "00080100"));
  if (code.empty()) code = CleanCode(ValueOf(item, "00080119"));  // Long Code Value
  if (code.empty()) return {};
  std::string coding = Coding(SystemOf(item), code);
  if (const std::string meaning = ValueOf(item, "00080104"); !meaning.empty())
    coding.insert(coding.size() - 1, ",\"display\":" + json::Quoted(meaning));
  return "{\"coding\":[" + coding + "]}";
}

std::string ConceptsOf(const storage::KeptAttribute* sequence) {
  if (sequence == nullptr) return {};
  const auto document = json::Document::Parse(sequence->json);
  if (!document.ok()) return {};
  const json::MaybeValue items = json::MaybeValue(document->root())["Value"];
  if (!items || !items->is_array()) return {};
  std::string list;
  for (const json::Value item : items->children()) {
    const std::string concept_json = item.is_object() ? ConceptOf(item) : std::string();
    if (!concept_json.empty()) list.append(list.empty() ? "[" : ",").append(concept_json);
  }
  return list.empty() ? list : list + "]";
}

}  // namespace

std::string ProcedureCodesOf(const storage::StudyRow& study) {
  std::string performed = ConceptsOf(storage::Find(study.attributes, storage::kProcedureCodeSequence));
  if (!performed.empty()) return performed;
  return ConceptsOf(storage::Find(study.attributes, storage::kRequestedProcedureCodeSequence));
}

}  // namespace hilum::fhir::imaging
