// Finds the patients of a cohort by bitmaps over the index: step by step, so that it can be told how many patients each
// step leaves and takes away. Patients who were merged are one person (fhir/store/persons.h): what is known of any of
// them counts for the one who stands for it. Not thread-safe; one for each request. The reader and the options outlive
// it.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "fhir/cohort/definition.h"
#include "fhir/cohort/events.h"
#include "fhir/store/persons.h"
#include "fhir/store/reader.h"

namespace hilum::fhir {

struct Cohort {
  struct Step {
    uint64_t resources = 0;  // that the searches of the step found, whoever they are of
    uint64_t removed = 0;    // patients
    uint64_t remaining = 0;
  };

  uint64_t population = 0;  // patients before the first step, each person once
  storage::Bitmap patients;
  // ImagingStudies of these patients: those that met a criterion the patients were included by, or all when no such
  // criterion was about ImagingStudies.
  storage::Bitmap studies;
  std::vector<Step> steps;  // of the definition, in order
};

class CohortRun {
 public:
  CohortRun(const CohortDefinition& definition, ResourceReader& reader, const SearchOptions& options)
      : definition_(definition), reader_(reader), options_(options) {}

  // Of all patients, or of those in `among`. Errors name the place of the criterion: kInvalid, kUnsupported, kLimit.
  // Call once.
  Result<Cohort> Run(const std::optional<storage::Bitmap>& among);

 private:
  // A criterion, ready to ask.
  struct Criterion {
    const CohortCriterion* source = nullptr;
    TypeId type = kNoType;
    storage::Query query;
    std::optional<storage::FieldId> patient;  // the reference to the patient; nullopt: it is the patient
    std::optional<storage::FieldId> date;     // nullopt: no relation needs it
    std::vector<size_t> anchors;              // criteria that the relation begins from
    std::optional<storage::Bitmap> found;
    std::optional<std::vector<Event>> events;  // those that have a date and meet the relation
  };
  struct Named {
    size_t first;  // criteria
    size_t end;
  };

  Status Compile();
  Result<Criterion> CompileCriterion(const CohortCriterion& source) const;
  Result<storage::FieldId> PatientField(TypeId type) const;
  Result<storage::FieldId> DateField(TypeId type, std::string_view code) const;
  Status ResolveRelations(const std::map<std::string_view, Named>& names);
  Status CheckCycles() const;

  // Patients who meet the criterion; those that are not candidates may be left out.
  Result<storage::Bitmap> Meet(Criterion& criterion, const storage::Bitmap& candidates);
  // Documents that the search found.
  Result<const storage::Bitmap*> Find(Criterion& criterion);
  // Those of them that may be of candidates.
  Result<storage::Bitmap> FindOf(Criterion& criterion, const storage::Bitmap& candidates);
  // Of candidates.
  Result<const std::vector<Event>*> Events(Criterion& criterion, const storage::Bitmap& candidates);
  // Those of `docs` that are of these persons.
  Result<storage::Bitmap> OfPatients(TypeId type, storage::FieldId patient, storage::Bitmap docs,
                                     const storage::Bitmap& survivors);
  using OfPatient = std::pair<storage::Doc, storage::Doc>;  // document, patient
  Result<std::vector<OfPatient>> Owners(const Criterion& criterion, const storage::Bitmap& docs,
                                        const storage::Bitmap& candidates);
  Result<storage::Bitmap> StudiesOf(const storage::Bitmap& patients);

  const CohortDefinition& definition_;
  ResourceReader& reader_;
  const SearchOptions& options_;
  Persons persons_;
  TypeId patient_ = kNoType;
  TypeId imaging_study_ = kNoType;
  std::vector<Criterion> criteria_;  // of all steps, in order
};

}  // namespace hilum::fhir
