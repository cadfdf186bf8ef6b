// Which Patients are one person: a Patient whom another one replaces (Patient.link of type replaced-by, through several
// merges in a row) and that other one, who stands for the person. Whoever is replaced by nobody that is there, or in a
// circle, stands alone. Immutable; a view of the reader's moment.
#pragma once

#include <map>
#include <optional>

#include "fhir/store/reader.h"

namespace hilum::fhir {

// So many merges in a row are followed; who is behind more of them is taken for a circle.
inline constexpr int kMaxMerges = 16;

class Persons {
 public:
  // Costs as much as there are Patients who were replaced.
  static Result<Persons> Read(ResourceReader& reader);

  // The Patient who stands for the person.
  storage::Doc SurvivorOf(storage::Doc patient) const;
  storage::Bitmap SurvivorsOf(const storage::Bitmap& patients) const;
  // All Patients of these persons.
  storage::Bitmap RecordsOf(const storage::Bitmap& patients) const;

  // Patients for whom another one stands.
  const storage::Bitmap& replaced() const { return replaced_; }

 private:
  std::map<storage::Doc, storage::Doc> survivors_;  // of those who are replaced
  storage::Bitmap replaced_;
};

// The field by which resources of a type lead to their patient; nullopt when they do not.
std::optional<storage::FieldId> PatientFieldOf(const ResourceReader& reader, TypeId type);

}  // namespace hilum::fhir
