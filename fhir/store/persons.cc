#include "fhir/store/persons.h"

#include <algorithm>

namespace hilum::fhir {

using storage::Bitmap;
using storage::Doc;

Result<Persons> Persons::Read(ResourceReader& reader) {
  Persons persons;
  const auto patient = FindResourceType("Patient");
  const auto field = patient ? reader.schema().FieldOfParam(*patient, "replaced-by") : std::nullopt;
  if (!field) return persons;
  const storage::CollectionId collection = reader.CollectionOf(*patient);
  HILUM_ASSIGN_OR_RETURN(const Bitmap linked, reader.index().Evaluate(collection, {.node = storage::Present{*field}}));
  if (linked.empty()) return persons;

  std::map<Doc, Doc> next;
  HILUM_RETURN_IF_ERROR(reader.index().ForEachTarget(collection, *field, collection, linked,
                                                     [&](Doc doc, Doc other) { next.try_emplace(doc, other); }));
  HILUM_ASSIGN_OR_RETURN(const Bitmap live, reader.index().Live(collection));
  for (const auto& [doc, other] : next) {
    Doc survivor = other;
    int merges = 1;
    for (auto more = next.find(survivor); more != next.end() && merges <= kMaxMerges; more = next.find(survivor)) {
      survivor = more->second;
      ++merges;
    }
    if (merges > kMaxMerges || !live.Contains(survivor)) continue;
    persons.survivors_.emplace(doc, survivor);
    persons.replaced_.Add(doc);
  }
  return persons;
}

Doc Persons::SurvivorOf(Doc patient) const {
  const auto replaced = survivors_.find(patient);
  return replaced == survivors_.end() ? patient : replaced->second;
}

Bitmap Persons::SurvivorsOf(const Bitmap& patients) const {
  Bitmap survivors = patients;
  if (!survivors.Intersects(replaced_)) return survivors;
  survivors -= replaced_;
  for (const auto& [doc, survivor] : survivors_) {
    if (patients.Contains(doc)) survivors.Add(survivor);
  }
  return survivors;
}

Bitmap Persons::RecordsOf(const Bitmap& patients) const {
  if (survivors_.empty()) return patients;
  Bitmap records = SurvivorsOf(patients);
  const Bitmap survivors = records;
  for (const auto& [doc, survivor] : survivors_) {
    if (survivors.Contains(survivor)) records.Add(doc);
  }
  return records;
}

std::optional<storage::FieldId> PatientFieldOf(const ResourceReader& reader, TypeId type) {
  const auto patient = FindResourceType("Patient");
  if (!patient) return std::nullopt;
  for (const std::string_view code : {"patient", "subject"}) {
    const SearchParam* param = FindSearchParam(type, code);
    if (param == nullptr || param->type != SearchType::kReference || param->field == kNoField) continue;
    const auto targets = TypeList(param->targets);
    if (param->only == *patient || targets.empty() || std::ranges::find(targets, *patient) != targets.end())
      return reader.FieldOf(type, param->field);
  }
  return std::nullopt;
}

}  // namespace hilum::fhir
