// Patient/[id]/$everything (R4 patient-operation-everything): the patient, with those who were merged into it or it was
// merged into, all of their compartments, and one step of references from there to what belongs to no patient
// (Practitioner, Organization, Location, Medication, ...).
#include <algorithm>
#include <iterator>
#include <map>

#include "fhir/interactions/bundle_text.h"
#include "fhir/interactions/includes.h"
#include "fhir/interactions/interactions.h"
#include "fhir/interactions/pages.h"
#include "fhir/interactions/plan.h"
#include "fhir/search/search_value.h"
#include "fhir/store/persons.h"

namespace hilum::fhir {
namespace {

constexpr std::string_view kPatient = "Patient";

// Types whose resources are in patients' compartments: those of this patient are found by it, those of others are
// none of its business.
std::vector<TypeId> TypesOfPatients(TypeId patient) {
  std::vector<TypeId> types = {patient};
  const Compartment* compartment = FindCompartment(patient);
  if (compartment == nullptr) return types;
  for (const CompartmentMember& member : MembersOf(*compartment)) {
    if (!CompartmentParams(member).empty() && member.resource != patient) types.push_back(member.resource);
  }
  return types;
}

// What the operation was asked for.
struct EverythingRequest {
  std::vector<Parameter> resources;  // search parameters that every resource must meet: _since
  std::vector<std::string> care;     // and the dates of the patient's that have one: start, end
  std::vector<TypeId> types;         // empty: all
  size_t count = 0;
  std::vector<Parameter> used;
  std::vector<Issue> ignored;
};

// Not thread-safe; one per request. The reader and options outlive it.
class EverythingRun {
 public:
  EverythingRun(const Interaction& request, const ResourceStore& store, ResourceReader& reader,
                const InteractionOptions& options, Bytes cursor_key, const SearchOptions& search_options)
      : request_(request),
        store_(store),
        reader_(reader),
        options_(options),
        cursor_key_(cursor_key),
        search_options_(search_options) {}

  Result<Answer> Run(const std::vector<Parameter>& parameters, TypeId patient, storage::Doc doc) {
    asked_.count = options_.max_count;
    for (const Parameter& parameter : parameters) HILUM_RETURN_IF_ERROR(Add(parameter));
    HILUM_ASSIGN_OR_RETURN(asked_.types, TypesNamed(asked_.used));
    HILUM_ASSIGN_OR_RETURN(Shape shape, ShapeOf(asked_.used));

    HILUM_ASSIGN_OR_RETURN(const std::vector<std::string> ids, FindPatients(patient, doc));
    HILUM_RETURN_IF_ERROR(FindMembers(patient, ids));
    HILUM_RETURN_IF_ERROR(FindReferred());
    HILUM_RETURN_IF_ERROR(Narrow());
    return Write(std::move(shape));
  }

 private:
  Status Add(const Parameter& parameter) {
    const auto& [name, value] = parameter;
    if (name == kCursorParameter) return Status::Ok();
    if (name == "_since") {
      HILUM_RETURN_IF_ERROR(CheckDate(name, value));
      asked_.resources.push_back({"_lastUpdated", "ge" + value});
    } else if (name == "start") {
      HILUM_RETURN_IF_ERROR(CheckDate(name, value));
      asked_.care.push_back("ge" + value);
    } else if (name == "end") {
      HILUM_RETURN_IF_ERROR(CheckDate(name, value));
      asked_.care.push_back("le" + value);
    } else if (name == "_count") {
      HILUM_ASSIGN_OR_RETURN(const size_t count, ParseCount(value, 1));
      asked_.count = std::min(count, options_.max_count);
    } else if (name != "_type" && name != "_summary" && name != "_elements" && name != "_pretty" && name != "_format") {
      const std::string reason = "$everything has no parameter '" + name.substr(0, 64) + "'";
      if (request_.prefer_handling.value_or(options_.handling) == Handling::kStrict) return Unsupported(reason);
      asked_.ignored.push_back(
          {.severity = Severity::kWarning, .type = IssueType::kNotSupported, .diagnostics = "ignored: " + reason});
      return Status::Ok();
    }
    asked_.used.push_back(parameter);
    return Status::Ok();
  }

  Status CheckDate(const std::string& name, const std::string& value) const {
    return AskedDate(value, Prefix::kEq, search_options_.default_offset_minutes, search_options_.now)
        .status()
        .WithContext(name + " of $everything");
  }

  // Ids of all Patients of the person.
  Result<std::vector<std::string>> FindPatients(TypeId patient, storage::Doc doc) {
    HILUM_ASSIGN_OR_RETURN(const Persons persons, Persons::Read(reader_));
    storage::Bitmap records = persons.RecordsOf(storage::Bitmap({doc}));
    std::vector<std::string> ids;
    for (const storage::Doc record : records.ToVector()) {
      HILUM_ASSIGN_OR_RETURN(auto version, reader_.Newest(patient, record));
      if (version) ids.push_back(std::move(version->id));
    }
    segments_.push_back({.type = patient, .docs = std::move(records)});
    return ids;
  }

  Status FindMembers(TypeId patient, const std::vector<std::string>& ids) {
    of_patients_ = TypesOfPatients(patient);
    for (const TypeId type : of_patients_) {
      if (type == patient) continue;
      storage::Bitmap docs;
      for (const std::string& id : ids) {
        HILUM_ASSIGN_OR_RETURN(const auto query, CompileCompartment(patient, id, type, reader_, search_options_));
        if (!query) break;
        HILUM_ASSIGN_OR_RETURN(const storage::Bitmap found,
                               reader_.index().Evaluate(reader_.CollectionOf(type), *query));
        docs |= found;
      }
      segments_.push_back({.type = type, .docs = std::move(docs)});
    }
    members_ = segments_.size();
    return Status::Ok();
  }

  bool IsOfPatients(TypeId type) const { return std::ranges::find(of_patients_, type) != of_patients_.end(); }

  Status FindReferred() {
    std::map<TypeId, storage::Bitmap> referred;
    for (size_t i = 0; i < members_; ++i) {
      const Segment& from = segments_[i];
      for (const ReferenceField& field : ReferenceFieldsOf(reader_, from.type)) {
        HILUM_RETURN_IF_ERROR(field.targets.empty() ? AddAnyReferred(from, field, &referred)
                                                    : AddReferred(from, field, &referred));
      }
    }
    for (const TypeId type : ResourceTypes()) {
      if (IsOfPatients(type)) continue;
      storage::Bitmap docs;
      if (const auto found = referred.find(type); found != referred.end()) {
        HILUM_ASSIGN_OR_RETURN(docs, reader_.index().Live(reader_.CollectionOf(type)));
        docs &= found->second;
      }
      segments_.push_back({.type = type, .docs = std::move(docs), .mode = "include"});
    }
    return Status::Ok();
  }

  Status AddReferred(const Segment& from, const ReferenceField& field, std::map<TypeId, storage::Bitmap>* referred) {
    for (const TypeId target : field.targets) {
      if (IsOfPatients(target)) continue;
      HILUM_ASSIGN_OR_RETURN(const storage::Bitmap docs,
                             reader_.index().Referees(reader_.CollectionOf(from.type), field.field,
                                                      reader_.CollectionOf(target), from.docs));
      if (!docs.empty()) (*referred)[target] |= docs;
    }
    return Status::Ok();
  }

  Status AddAnyReferred(const Segment& from, const ReferenceField& field, std::map<TypeId, storage::Bitmap>* referred) {
    for (const storage::Doc doc : from.docs.ToVector()) {
      HILUM_ASSIGN_OR_RETURN(const auto references,
                             reader_.index().References(reader_.CollectionOf(from.type), field.field, doc));
      for (const storage::ReferenceValue& reference : references) {
        if (!reference.target) continue;
        const auto target = reader_.schema().TypeOfCollection(reference.target->collection);
        if (target && !IsOfPatients(*target)) (*referred)[*target].Add(reference.target->doc);
      }
    }
    return Status::Ok();
  }

  // Leaves of each segment what _type, _since, start and end leave.
  Status Narrow() {
    for (size_t i = 0; i < segments_.size(); ++i) {
      Segment& segment = segments_[i];
      if (segment.docs.empty()) continue;
      if (!asked_.types.empty() && std::ranges::find(asked_.types, segment.type) == asked_.types.end()) {
        segment.docs = storage::Bitmap();
        continue;
      }
      HILUM_RETURN_IF_ERROR(KeepThose(asked_.resources, &segment));
      const SearchParam* date = i < members_ ? UsualDateParam(segment.type) : nullptr;
      if (date == nullptr || asked_.care.empty()) continue;
      // Care without a date may be of any time.
      Segment undated = segment;
      std::vector<Parameter> parameters;
      for (const std::string& care : asked_.care) parameters.push_back({std::string(date->code), care});
      HILUM_RETURN_IF_ERROR(KeepThose(parameters, &segment));
      HILUM_RETURN_IF_ERROR(KeepThose({{std::string(date->code) + ":missing", "true"}}, &undated));
      segment.docs |= undated.docs;
    }
    return Status::Ok();
  }

  Status KeepThose(const std::vector<Parameter>& parameters, Segment* segment) {
    if (parameters.empty()) return Status::Ok();
    HILUM_ASSIGN_OR_RETURN(const SearchRequest search,
                           CompileSearch({segment->type}, parameters, Handling::kStrict, {}, reader_, search_options_));
    HILUM_ASSIGN_OR_RETURN(const storage::Bitmap docs,
                           reader_.index().Evaluate(reader_.CollectionOf(segment->type), search.searches[0].query));
    segment->docs &= docs;
    return Status::Ok();
  }

  Result<Answer> Write(Shape shape) {
    const auto cursor = ValueOf(request_.query, kCursorParameter);
    const CursorSeal seal{.fingerprint = Fingerprint(UrlWith({.path = request_.path}, asked_.used)),
                          .key = cursor_key_};
    HILUM_ASSIGN_OR_RETURN(ResultPage page, ReadPage(store_, reader_, segments_, asked_.count, cursor, seal));
    BundleText bundle("searchset", request_.base_url, std::move(shape));
    HILUM_ASSIGN_OR_RETURN(const size_t written, bundle.AddResults(reader_, page.rows, options_.max_page_bytes));
    if (written < page.rows.size()) {
      HILUM_ASSIGN_OR_RETURN(page, ReadPage(store_, reader_, segments_, written, cursor, seal));
    }
    uint64_t total = 0;
    for (size_t i = 0; i < members_; ++i) total += segments_[i].docs.Count();
    bundle.SetTotal(total);

    const auto link_to = [&](const std::optional<std::string>& to) {
      std::vector<Parameter> parameters = asked_.used;
      if (to) parameters.push_back({std::string(kCursorParameter), *to});
      return UrlWith(request_, parameters);
    };
    bundle.AddLink("self", link_to(cursor));
    if (page.next) bundle.AddLink("next", link_to(page.next));
    if (!asked_.ignored.empty()) bundle.AddOutcome(asked_.ignored);
    return bundle.Finish();
  }

  const Interaction& request_;
  const ResourceStore& store_;
  ResourceReader& reader_;
  const InteractionOptions& options_;
  const Bytes cursor_key_;
  const SearchOptions& search_options_;

  EverythingRequest asked_;
  std::vector<TypeId> of_patients_;
  // The patient, its compartment, then what those refer to. Of types that nothing was found of, too: a cursor may lead
  // there from when something was.
  std::vector<Segment> segments_;
  size_t members_ = 0;  // segments that are the patient's own
};

}  // namespace

Answer Interactions::Everything(const Interaction& request, const std::string& patient_id) {
  std::vector<Parameter> parameters = request.query;
  if (!request.body.empty()) {
    const std::variant<Checked, Answer> sent = CheckParameters(request.body);
    if (const auto* refusal = std::get_if<Answer>(&sent)) return *refusal;
    std::ranges::move(ParametersIn(std::get<Checked>(sent).document.root()), std::back_inserter(parameters));
  }
  const auto reader = store_.Read();
  const auto patient = FindResourceType(kPatient);
  if (!patient) return ErrorAnswer(Unsupported("this release of FHIR has no Patient"));
  const auto head = reader->FindHead(*patient, patient_id);
  if (!head.ok()) return ErrorAnswer(head.status());
  if (!*head || (*head)->version == 0) return ErrorAnswer(NotFound("no Patient has this id"));
  if ((*head)->deleted)
    return OutcomeAnswer(410, {{.type = IssueType::kDeleted, .diagnostics = "the patient has been deleted"}});

  SearchOptions search_options = SearchOptionsOf(request);
  size_t steps_left = options_.max_steps;  // its parameters are searches of each type
  if (search_options.steps_left == nullptr) search_options.steps_left = &steps_left;
  EverythingRun run(request, store_, *reader, options_, cursor_key_, search_options);
  auto answer = run.Run(parameters, *patient, (*head)->doc);
  return answer.ok() ? *std::move(answer) : ErrorAnswer(answer.status());
}

}  // namespace hilum::fhir
