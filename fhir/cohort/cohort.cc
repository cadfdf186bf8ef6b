#include "fhir/cohort/cohort.h"

#include <algorithm>
#include <functional>

#include "fhir/search/query.h"

namespace hilum::fhir {
namespace {

using storage::Bitmap;
using storage::Doc;

// Following the references of this many documents costs as much as looking up who refers to one patient.
constexpr uint64_t kDocsPerPatient = 250;

// Documents of at least `at_least` pairs with the same patient. Pairs ordered by patient, documents may repeat.
template <typename Items, typename Patient, typename Document>
Bitmap PatientsOf(const Items& items, uint32_t at_least, Patient patient, Document document) {
  std::vector<Doc> patients;
  for (auto item = items.begin(); item != items.end();) {
    const Doc of = patient(*item);
    uint32_t docs = 0;
    std::optional<Doc> last;
    for (; item != items.end() && patient(*item) == of; ++item) {
      docs += last != document(*item);
      last = document(*item);
    }
    if (docs >= at_least) patients.push_back(of);
  }
  return Bitmap(patients);
}

}  // namespace

Result<Cohort> CohortRun::Run(const std::optional<Bitmap>& among) {
  HILUM_RETURN_IF_ERROR(Compile());
  HILUM_ASSIGN_OR_RETURN(persons_, Persons::Read(reader_));
  Cohort cohort;
  HILUM_ASSIGN_OR_RETURN(cohort.patients, reader_.index().Live(reader_.CollectionOf(patient_)));
  cohort.patients -= persons_.replaced();
  if (among) cohort.patients &= persons_.SurvivorsOf(*among);
  cohort.population = cohort.patients.Count();

  auto criterion = criteria_.begin();
  for (const CohortStep& step : definition_.steps) {
    Cohort::Step outcome;
    Bitmap met;
    for (size_t i = 0; i < step.any.size(); ++i, ++criterion) {
      HILUM_ASSIGN_OR_RETURN(const Bitmap* found, Find(*criterion));
      outcome.resources += found->Count();
      HILUM_ASSIGN_OR_RETURN(const Bitmap patients, Meet(*criterion, cohort.patients));
      met |= patients;
    }
    const uint64_t before = cohort.patients.Count();
    step.exclude ? cohort.patients -= met : cohort.patients &= met;
    outcome.remaining = cohort.patients.Count();
    outcome.removed = before - outcome.remaining;
    cohort.steps.push_back(outcome);
  }
  HILUM_ASSIGN_OR_RETURN(cohort.studies, StudiesOf(cohort.patients));
  return cohort;
}

// -- compiling --------------------------------------------------------------------------------------------------------

Status CohortRun::Compile() {
  const auto patient = FindResourceType("Patient"), study = FindResourceType("ImagingStudy");
  if (!patient || !study) return Unsupported("this release of FHIR has no cohorts of patients");
  patient_ = *patient;
  imaging_study_ = *study;
  std::map<std::string_view, Named> names;
  for (const CohortStep& step : definition_.steps) {
    const size_t first = criteria_.size();
    for (const CohortCriterion& source : step.any) {
      auto criterion = CompileCriterion(source);
      if (!criterion.ok()) return criterion.status().WithContext(source.place);
      if (!source.name.empty()) names[source.name] = {criteria_.size(), criteria_.size() + 1};
      criteria_.push_back(*std::move(criterion));
    }
    if (!step.name.empty()) names[step.name] = {first, criteria_.size()};
  }
  HILUM_RETURN_IF_ERROR(ResolveRelations(names));
  return CheckCycles();
}

Result<CohortRun::Criterion> CohortRun::CompileCriterion(const CohortCriterion& source) const {
  const size_t question = std::min(source.search.find('?'), source.search.size());
  const std::string_view name = std::string_view(source.search).substr(0, question);
  const auto type = FindResourceType(name);
  if (!type) return Invalid(Quote(name) + " is no FHIR R4 resource type; a search is written Type?parameter=value");
  std::vector<Parameter> parameters;
  if (question < source.search.size()) {
    HILUM_ASSIGN_OR_RETURN(parameters, SplitQuery(std::string_view(source.search).substr(question + 1), 1000));
  }
  HILUM_ASSIGN_OR_RETURN(SearchRequest search,
                         CompileSearch({*type}, parameters, Handling::kStrict, {}, reader_, options_));
  if (!search.searches[0].sort.empty() || !search.includes.empty() || search.count || search.count_only)
    return Invalid("the search of a criterion takes conditions only: no _sort, _count, _summary and includes");

  Criterion criterion{.source = &source, .type = *type, .query = std::move(search.searches[0].query)};
  if (*type != patient_) {
    HILUM_ASSIGN_OR_RETURN(criterion.patient, PatientField(*type));
  }
  if (source.relation || !source.date.empty()) {
    HILUM_ASSIGN_OR_RETURN(criterion.date, DateField(*type, source.date));
  }
  return criterion;
}

Result<storage::FieldId> CohortRun::PatientField(TypeId type) const {
  if (const auto field = PatientFieldOf(reader_, type)) return *field;
  return Unsupported(std::string(TypeOf(type).name) +
                     " has no search parameter that leads to a patient; search for Patient with _has or a chain");
}

Result<storage::FieldId> CohortRun::DateField(TypeId type, std::string_view code) const {
  if (!code.empty()) {
    const SearchParam* param = FindSearchParam(type, code);
    if (param != nullptr && param->type == SearchType::kDate && param->field != kNoField)
      return reader_.FieldOf(type, param->field);
    const auto custom = reader_.FindCustom(type, code);
    if (custom && custom->type == SearchType::kDate && !custom->join) return custom->field;
    return Invalid(Quote(code) + " is no date parameter of " + std::string(TypeOf(type).name));
  }
  const SearchParam* usual = UsualDateParam(type);
  if (usual == nullptr) usual = FindSearchParam(type, "birthdate");
  if (usual != nullptr) return reader_.FieldOf(type, usual->field);
  return Invalid(std::string(TypeOf(type).name) + " has no usual date; name one of its date parameters as 'date'");
}

Status CohortRun::ResolveRelations(const std::map<std::string_view, Named>& names) {
  for (Criterion& criterion : criteria_) {
    if (!criterion.source->relation) continue;
    const auto named = names.find(criterion.source->relation->to);
    if (named == names.end())
      return Invalid(criterion.source->place + ": its relation is to a name that no criterion has");
    for (size_t i = named->second.first; i < named->second.end; ++i) {
      criterion.anchors.push_back(i);
      if (criteria_[i].date) continue;
      auto date = DateField(criteria_[i].type, "");
      if (!date.ok()) return date.status().WithContext(criteria_[i].source->place);
      criteria_[i].date = *date;
    }
  }
  return Status::Ok();
}

// Depth first; at most kMaxCohortCriteria deep.
Status CohortRun::CheckCycles() const {
  enum class State : uint8_t { kNew, kOpen, kDone };
  std::vector<State> states(criteria_.size(), State::kNew);
  const std::function<Status(size_t)> visit = [&](size_t place) -> Status {
    if (states[place] == State::kDone) return Status::Ok();
    if (states[place] == State::kOpen) {
      return Invalid(criteria_[place].source->place +
                     ": its relation leads back to itself; let one of the criteria be without a relation");
    }
    states[place] = State::kOpen;
    for (const size_t anchor : criteria_[place].anchors) HILUM_RETURN_IF_ERROR(visit(anchor));
    states[place] = State::kDone;
    return Status::Ok();
  };
  for (size_t place = 0; place < criteria_.size(); ++place) HILUM_RETURN_IF_ERROR(visit(place));
  return Status::Ok();
}

// -- evaluating -------------------------------------------------------------------------------------------------------

Result<const Bitmap*> CohortRun::Find(Criterion& criterion) {
  if (!criterion.found) {
    auto found = reader_.index().Evaluate(reader_.CollectionOf(criterion.type), criterion.query);
    if (!found.ok()) return found.status().WithContext(criterion.source->place);
    criterion.found = *std::move(found);
  }
  return &*criterion.found;
}

Result<Bitmap> CohortRun::FindOf(Criterion& criterion, const Bitmap& candidates) {
  HILUM_ASSIGN_OR_RETURN(const Bitmap* found, Find(criterion));
  Bitmap docs = *found;
  if (!criterion.patient) {
    docs &= persons_.RecordsOf(candidates);
  } else if (candidates.Count() * kDocsPerPatient < docs.Count()) {
    return OfPatients(criterion.type, *criterion.patient, std::move(docs), candidates);
  }
  return docs;
}

Result<Bitmap> CohortRun::OfPatients(TypeId type, storage::FieldId patient, Bitmap docs, const Bitmap& survivors) {
  const Bitmap patients = persons_.RecordsOf(survivors);
  const storage::CollectionId collection = reader_.CollectionOf(type), of = reader_.CollectionOf(patient_);
  if (patients.Count() * kDocsPerPatient < docs.Count()) {
    HILUM_ASSIGN_OR_RETURN(const Bitmap theirs, reader_.index().Referrers(collection, patient, of, patients));
    docs &= theirs;
    return docs;
  }
  std::vector<Doc> theirs;
  HILUM_RETURN_IF_ERROR(reader_.index().ForEachTarget(collection, patient, of, docs, [&](Doc doc, Doc owner) {
    if (patients.Contains(owner)) theirs.push_back(doc);
  }));
  return Bitmap(theirs);
}

Result<Bitmap> CohortRun::Meet(Criterion& criterion, const Bitmap& candidates) {
  const uint32_t at_least = criterion.source->at_least;
  if (criterion.source->relation) {
    HILUM_ASSIGN_OR_RETURN(const std::vector<Event>* events, Events(criterion, candidates));
    return PatientsOf(*events, at_least, std::mem_fn(&Event::patient), std::mem_fn(&Event::doc));
  }
  HILUM_ASSIGN_OR_RETURN(Bitmap docs, FindOf(criterion, candidates));
  if (!criterion.patient) return at_least == 1 ? persons_.SurvivorsOf(docs) : Bitmap();
  if (at_least == 1) {
    HILUM_ASSIGN_OR_RETURN(const Bitmap patients,
                           reader_.index().Referees(reader_.CollectionOf(criterion.type), *criterion.patient,
                                                    reader_.CollectionOf(patient_), docs));
    return persons_.SurvivorsOf(patients);
  }
  HILUM_ASSIGN_OR_RETURN(std::vector<OfPatient> owners, Owners(criterion, docs, candidates));
  std::ranges::sort(owners, {}, [](const OfPatient& each) { return std::pair(each.second, each.first); });
  return PatientsOf(owners, at_least, std::mem_fn(&OfPatient::second), std::mem_fn(&OfPatient::first));
}

Result<std::vector<CohortRun::OfPatient>> CohortRun::Owners(const Criterion& criterion, const Bitmap& docs,
                                                            const Bitmap& candidates) {
  std::vector<OfPatient> owners;
  if (!criterion.patient) {
    for (const Doc doc : docs.ToVector()) owners.emplace_back(doc, persons_.SurvivorOf(doc));
    return owners;
  }
  HILUM_RETURN_IF_ERROR(reader_.index().ForEachTarget(reader_.CollectionOf(criterion.type), *criterion.patient,
                                                      reader_.CollectionOf(patient_), docs, [&](Doc doc, Doc patient) {
                                                        const OfPatient owner(doc, persons_.SurvivorOf(patient));
                                                        if (!candidates.Contains(owner.second)) return;
                                                        // Images refer to several Patients of one person.
                                                        if (owners.empty() || owners.back() != owner)
                                                          owners.push_back(owner);
                                                      }));
  return owners;
}

Result<const std::vector<Event>*> CohortRun::Events(Criterion& criterion, const Bitmap& candidates) {
  // Candidates only become fewer: what was found for more of them serves.
  if (criterion.events) return &*criterion.events;
  HILUM_ASSIGN_OR_RETURN(const Bitmap docs, FindOf(criterion, candidates));
  HILUM_ASSIGN_OR_RETURN(const std::vector<OfPatient> owners, Owners(criterion, docs, candidates));
  std::vector<Doc> owned;
  for (const auto& [doc, patient] : owners) owned.push_back(doc);

  std::vector<Event> events;
  auto owner = owners.begin();
  HILUM_RETURN_IF_ERROR(reader_.index().ForEachDate(reader_.CollectionOf(criterion.type), *criterion.date,
                                                    Bitmap(owned), [&](Doc doc, const storage::DateValue& date) {
                                                      while (owner != owners.end() && owner->first < doc) ++owner;
                                                      for (auto each = owner;
                                                           each != owners.end() && each->first == doc; ++each) {
                                                        if (const auto event = EventOf(each->second, doc, date))
                                                          events.push_back(*event);
                                                      }
                                                    }));
  if (criterion.source->relation) {
    std::vector<Event> anchors;
    for (const size_t place : criterion.anchors) {
      HILUM_ASSIGN_OR_RETURN(const std::vector<Event>* some, Events(criteria_[place], candidates));
      anchors.insert(anchors.end(), some->begin(), some->end());
    }
    events = Related(std::move(events), std::move(anchors), *criterion.source->relation);
  }
  criterion.events = std::move(events);
  return &*criterion.events;
}

Result<Bitmap> CohortRun::StudiesOf(const Bitmap& patients) {
  bool asked = false;
  Bitmap met;
  auto criterion = criteria_.begin();
  for (const CohortStep& step : definition_.steps) {
    for (size_t i = 0; i < step.any.size(); ++i, ++criterion) {
      if (step.exclude || criterion->type != imaging_study_) continue;
      asked = true;
      if (!criterion->source->relation) {
        met |= *criterion->found;
        continue;
      }
      std::vector<Doc> docs;
      for (const Event& event : *criterion->events) docs.push_back(event.doc);
      met |= Bitmap(docs);
    }
  }
  if (!asked) {
    HILUM_ASSIGN_OR_RETURN(met, reader_.index().Live(reader_.CollectionOf(imaging_study_)));
  }
  HILUM_ASSIGN_OR_RETURN(const storage::FieldId patient, PatientField(imaging_study_));
  return OfPatients(imaging_study_, patient, std::move(met), patients);
}

}  // namespace hilum::fhir
