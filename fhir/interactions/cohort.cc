// Cohorts (docs/cohorts.md): Group/$cohort counts patients and images and saves the patients as a Group, which
// Group/[id]/$cohort refreshes and Group/[id]/$cohort-list lists.
#include "fhir/cohort/cohort.h"

#include <algorithm>

#include "fhir/cohort/images.h"
#include "fhir/interactions/parameters_text.h"
#include "fhir/interactions/plan.h"
#include "fhir/interactions/shape.h"
#include "fhir/json/edits.h"
#include "fhir/validate/date_time.h"
#include "fhir/validate/reference.h"

namespace hilum::fhir {
namespace {

using storage::Bitmap;
using storage::Doc;

// A Group has to be read, validated and sent as one resource.
constexpr uint64_t kMaxMembers = 100'000;
constexpr size_t kMaxListedChanges = 1000;
// In a Group: the extension that says where its definition is, a contained Parameters resource.
constexpr std::string_view kDefinitionUrl = "urn:hilum:cohort-definition";
constexpr std::string_view kDefinitionId = "cohort";

TypeId TypeNamed(std::string_view name) {
  return FindResourceType(name).value_or(kNoType);
}

// -- what was asked ---------------------------------------------------------------------------------------------------

struct Asked {
  CohortDefinition definition;
  bool save = false;
  std::string name;  // of the Group
};

Status AddOption(std::string_view name, std::string_view value, Asked* asked) {
  if (name == "name") {
    asked->name = value;
  } else if (name == "save") {
    if (value != "true" && value != "false") return Invalid("save takes true or false");
    asked->save = value == "true";
  } else if (name != "include" && name != "exclude") {
    return Invalid("'" + std::string(name.substr(0, 64)) +
                   "' is no parameter of $cohort; there are include, exclude, save and name");
  }
  return Status::Ok();
}

Result<Asked> ReadQuery(const std::vector<Parameter>& query) {
  Asked asked;
  HILUM_ASSIGN_OR_RETURN(asked.definition, ReadCohortDefinition(query));
  for (const auto& [name, value] : query) {
    if (name != "_format" && name != "_pretty") HILUM_RETURN_IF_ERROR(AddOption(name, value, &asked));
  }
  return asked;
}

Result<Asked> ReadParameters(json::Value parameters) {
  Asked asked;
  HILUM_ASSIGN_OR_RETURN(asked.definition, ReadCohortDefinition(parameters));
  for (const auto& [name, value] : ParametersIn(parameters)) HILUM_RETURN_IF_ERROR(AddOption(name, value, &asked));
  return asked;
}

// -- what is answered -------------------------------------------------------------------------------------------------

// A cohort that was found, with everything that can be told of it. Not thread-safe; one per request.
class Finding {
 public:
  // `reader`: the view it is found in. Its searches share `max_steps`, unless the options have those of a Bundle.
  Finding(ResourceStore& store, std::unique_ptr<ResourceReader> reader, CohortDefinition definition,
          const SearchOptions& options, size_t max_steps)
      : definition_(std::move(definition)),
        reader_(std::move(reader)),
        catalogue_(store.store().Read()),
        options_(options),
        steps_left_(max_steps) {
    if (options_.steps_left == nullptr) options_.steps_left = &steps_left_;
  }

  Status Run(const std::optional<Bitmap>& among) {
    CohortRun run(definition_, *reader_, options_);
    HILUM_ASSIGN_OR_RETURN(cohort_, run.Run(among));
    return Status::Ok();
  }

  Status Report(ParametersText* out) {
    HILUM_ASSIGN_OR_RETURN(const ImageCounts images, CountImages(*reader_, catalogue_, cohort_.studies));
    out->AddCount("patients", cohort_.patients.Count());
    out->AddCount("studies", images.studies);
    out->AddCount("series", images.series);
    out->AddCount("instances", images.instances);
    ParametersText all;
    all.AddText("criterion", "all patients");
    all.AddCount("remaining", cohort_.population);
    out->AddParts("attrition", all);
    for (size_t i = 0; i < cohort_.steps.size(); ++i) {
      const CohortStep& step = definition_.steps[i];
      ParametersText parts;
      parts.AddText("criterion", LabelOf(step));
      parts.Add("kind", "valueCode", step.exclude ? "\"exclude\"" : "\"include\"");
      parts.AddCount("resources", cohort_.steps[i].resources);
      parts.AddCount("removed", cohort_.steps[i].removed);
      parts.AddCount("remaining", cohort_.steps[i].remaining);
      out->AddParts("attrition", parts);
    }
    return Status::Ok();
  }

  // "Patient/1" of each of the first `limit` documents; the newest version tells the id of deleted ones, too.
  Result<std::vector<std::string>> References(const Bitmap& patients, size_t limit) {
    std::vector<std::string> references;
    for (const Doc doc : patients.ToVector()) {
      if (references.size() == limit) break;
      HILUM_ASSIGN_OR_RETURN(const auto version, reader_->Newest(TypeNamed("Patient"), doc));
      if (version) references.push_back("Patient/" + version->id);
    }
    return references;
  }

  // The elements of a Group that follow from the cohort: ,"quantity":...,"member":[...]
  Result<std::string> MembersText() {
    const uint64_t count = cohort_.patients.Count();
    if (count > kMaxMembers) {
      return LimitExceeded("the cohort has " + std::to_string(count) + " patients, and a Group that is saved at most " +
                           std::to_string(kMaxMembers) + "; make it smaller by more criteria");
    }
    HILUM_ASSIGN_OR_RETURN(const std::vector<std::string> references, References(cohort_.patients, kMaxMembers));
    std::string text = ",\"quantity\":" + std::to_string(references.size());
    for (const std::string& reference : references) {
      text.append(&reference == &references.front() ? ",\"member\":[" : ",").append("{\"entity\":{\"reference\":");
      text.append(json::Quoted(reference)).append("}}");
    }
    return references.empty() ? text : text + "]";
  }

  const Cohort& cohort() const { return cohort_; }
  // For what comes after it; the last call.
  std::unique_ptr<ResourceReader> TakeReader() { return std::move(reader_); }

 private:
  const CohortDefinition definition_;
  std::unique_ptr<ResourceReader> reader_;
  const storage::CatalogueReader catalogue_;
  SearchOptions options_;
  size_t steps_left_;
  fhir::Cohort cohort_;
};

Answer Parametrized(const ParametersText& parameters, const Interaction& request) {
  auto body = Shaped(parameters.Finish(), request);
  return body.ok() ? Answer{.body = *std::move(body)} : ErrorAnswer(body.status());
}

// -- Groups -----------------------------------------------------------------------------------------------------------

std::string GroupHead(const CohortDefinition& definition, const std::string& name) {
  std::string text = R"({"resourceType":"Group","contained":[{"resourceType":"Parameters","id":")";
  text.append(kDefinitionId).append("\",\"parameter\":[").append(CohortParameters(definition));
  text.append("]}],\"extension\":[{\"url\":\"").append(kDefinitionUrl);
  text.append("\",\"valueReference\":{\"reference\":\"#").append(kDefinitionId);
  text.append(R"("}}],"type":"person","actual":true)");
  if (!name.empty()) text.append(",\"name\":").append(json::Quoted(name));
  return text;
}

// The group with other members; everything else stays.
std::string WithMembers(json::Value group, const std::string& members) {
  std::string text;
  for (const json::Value property : group.children()) {
    if (property.key() == "member" || property.key() == "quantity") continue;
    text.append(text.empty() ? "{\"" : ",\"").append(property.key()).append("\":").append(property.raw());
  }
  return text + members + "}";
}

// nullopt when the Group was not made by $cohort.
Result<std::optional<CohortDefinition>> DefinitionOf(json::Value group) {
  std::string_view reference;
  if (const json::MaybeValue extensions = json::Find(group, "extension")) {
    for (const json::Value extension : extensions->children()) {
      if (json::Find(extension, "url").TextOr("") == kDefinitionUrl)
        reference = json::Find(extension, "valueReference")["reference"].TextOr("");
    }
  }
  const json::MaybeValue contained = json::Find(group, "contained");
  if (!reference.starts_with('#') || !contained) return std::optional<CohortDefinition>();
  for (const json::Value resource : contained->children()) {
    if (json::Find(resource, "id").TextOr("") != reference.substr(1)) continue;
    auto definition = ReadCohortDefinition(resource);
    if (!definition.ok()) return definition.status().WithContext("the definition in the Group");
    return std::optional(*std::move(definition));
  }
  return std::optional<CohortDefinition>();
}

// Of a Group.member: whether it says who was one (R4 Group.member.inactive, period).
bool HasLeft(json::Value member, int64_t now_micros, int default_offset_minutes) {
  const json::MaybeValue inactive = json::Find(member, "inactive");
  if (inactive && inactive->kind() == json::Kind::kTrue) return true;
  const auto end = ParseDateTime(json::Find(member, "period")["end"].TextOr(""), DateTimeForm::kDateTime);
  return end && RangeOf(*end, default_offset_minutes).high <= now_micros;
}

// Takes those who left out of the Patients whom the Group refers to. Who left and came back is in.
Status LeaveOutFormer(const ResourceStore& store, ResourceReader& reader, json::Value group, Bitmap* members) {
  const json::MaybeValue list = json::Find(group, "member");
  if (!list) return Status::Ok();
  const int64_t now = store.clock().Now().count();
  const auto has_left = [&](json::Value member) {
    return HasLeft(member, now, store.options().default_offset_minutes);
  };
  const auto all = list->children();
  if (std::none_of(all.begin(), all.end(), has_left)) return Status::Ok();
  Bitmap left, here;
  for (const json::Value member : all) {
    const ReferenceText patient = ParseReference(json::Find(member, "entity")["reference"].TextOr(""));
    if (patient.type != TypeNamed("Patient")) continue;
    HILUM_ASSIGN_OR_RETURN(const auto doc, reader.FindDoc(patient.type, patient.id));
    if (doc) (has_left(member) ? left : here).Add(*doc);
  }
  left -= here;
  *members -= left;
  return Status::Ok();
}

// A Group as it is stored, and the Patients who are in it now.
struct StoredGroup {
  Version version;
  json::Document document;
  Bitmap members;
  std::optional<CohortDefinition> definition;  // when $cohort made it
};

// An answer when there is none.
std::variant<StoredGroup, Answer> FindGroup(const ResourceStore& store, ResourceReader& reader, const std::string& id) {
  const TypeId type = TypeNamed("Group");
  const auto head = reader.FindHead(type, id);
  if (!head.ok()) return ErrorAnswer(head.status());
  if (!*head || (*head)->version == 0) return ErrorAnswer(NotFound("no Group has this id"));
  if ((*head)->deleted)
    return OutcomeAnswer(410, {{.type = IssueType::kDeleted, .diagnostics = "the Group has been deleted"}});
  auto version = reader.Newest(type, (*head)->doc);
  if (!version.ok()) return ErrorAnswer(version.status());
  auto document = json::Document::Parse((*version)->bytes);
  if (!document.ok()) return ErrorAnswer(Corruption("a stored Group cannot be read: run hilum verify"));
  const auto member = reader.schema().FieldOfParam(type, "member");
  if (!member) return ErrorAnswer(Unsupported("this release of FHIR does not search Groups by member"));
  auto members = reader.index().Referees(reader.CollectionOf(type), *member, reader.CollectionOf(TypeNamed("Patient")),
                                         Bitmap({(*head)->doc}));
  if (!members.ok()) return ErrorAnswer(members.status());
  const Status status = LeaveOutFormer(store, reader, document->root(), &*members);
  if (!status.ok()) return ErrorAnswer(status);
  auto definition = DefinitionOf(document->root());
  if (!definition.ok()) return ErrorAnswer(definition.status());
  return StoredGroup{*std::move(*version), *std::move(document), *std::move(members), *std::move(definition)};
}

Status ReportChanges(Finding& finding, const Bitmap& before, ParametersText* out) {
  const auto report = [&](const std::string& what, Bitmap changed, const Bitmap& without) -> Status {
    changed -= without;
    out->AddCount(what, changed.Count());
    HILUM_ASSIGN_OR_RETURN(const auto references, finding.References(changed, kMaxListedChanges));
    for (const std::string& reference : references) out->AddReference(what + "-patient", reference);
    return Status::Ok();
  };
  HILUM_RETURN_IF_ERROR(report("added", finding.cohort().patients, before));
  return report("removed", before, finding.cohort().patients);
}

Result<storage::Level> LevelOf(const std::string& name) {
  if (name == "patient") return storage::Level::kPatient;
  if (name == "study") return storage::Level::kStudy;
  if (name == "series") return storage::Level::kSeries;
  if (name == "instance") return storage::Level::kInstance;
  return Invalid("level takes patient, study, series or instance");
}

Result<ListFormat> FormatOf(std::string_view name) {
  if (name == "ndjson" || name == "application/x-ndjson") return ListFormat::kNdjson;
  if (name == "csv" || name == "text/csv") return ListFormat::kCsv;
  return Invalid("_format of a list takes ndjson or csv");
}

}  // namespace

Answer Interactions::Cohort(const Interaction& request) {
  std::optional<Checked> body;
  if (!request.body.empty()) {
    std::variant<Checked, Answer> checked = CheckParameters(request.body);
    if (auto* refusal = std::get_if<Answer>(&checked)) return std::move(*refusal);
    body = std::get<Checked>(std::move(checked));
  }
  const Result<Asked> asked = body ? ReadParameters(body->document.root()) : ReadQuery(request.query);
  if (!asked.ok()) return ErrorAnswer(asked.status());
  if (asked->save && request.method != "POST") return ErrorAnswer(Invalid("a cohort is saved by POST"));

  Finding finding(store_, store_.Read(), asked->definition, SearchOptionsOf(request), options_.max_steps);
  ParametersText parameters;
  Status status = finding.Run(std::nullopt);
  if (status.ok()) status = finding.Report(&parameters);
  if (!status.ok()) return ErrorAnswer(status);
  if (!asked->save) return Parametrized(parameters, request);

  const auto members = finding.MembersText();
  if (!members.ok()) return ErrorAnswer(members.status());
  const Answer made = Create({.method = "POST",
                              .path = {"Group"},
                              .body = GroupHead(asked->definition, asked->name) + *members + "}",
                              .base_url = request.base_url},
                             TypeNamed("Group"));
  if (made.status != 201) return made;
  const auto group = json::Document::Parse(made.body);
  if (!group.ok()) return ErrorAnswer(group.status());
  parameters.AddReference("group", "Group/" + std::string(json::Find(group->root(), "id").TextOr("")));
  Answer answer = Parametrized(parameters, request);
  answer.status = 201;
  answer.location = made.location;
  return answer;
}

Answer Interactions::SavedCohort(const Interaction& request, const std::string& id) {
  return Retrying([&]() -> std::optional<Answer> {
    auto reader = store_.Read();
    auto found = FindGroup(store_, *reader, id);
    if (const auto* refusal = std::get_if<Answer>(&found)) return *refusal;
    auto& group = std::get<StoredGroup>(found);
    if (!group.definition) {
      return OutcomeAnswer(422, {{.type = IssueType::kNotSupported,
                                  .diagnostics = "this Group has no definition of a cohort; POST Group/$cohort with "
                                                 "save=true makes one that has"}});
    }
    Finding finding(store_, std::move(reader), *std::move(group.definition), SearchOptionsOf(request),
                    options_.max_steps);
    ParametersText parameters;
    Status status = finding.Run(std::nullopt);
    if (status.ok()) status = finding.Report(&parameters);
    if (status.ok()) status = ReportChanges(finding, group.members, &parameters);
    if (!status.ok()) return ErrorAnswer(status);
    parameters.AddReference("group", "Group/" + id);
    if (request.method != "POST" || finding.cohort().patients == group.members)
      return Parametrized(parameters, request);

    const auto members = finding.MembersText();
    if (!members.ok()) return ErrorAnswer(members.status());
    const Answer written = Update({.method = "PUT",
                                   .path = {"Group", id},
                                   .body = WithMembers(group.document.root(), *members),
                                   .if_match = "W/\"" + std::to_string(group.version.number) + "\"",
                                   .base_url = request.base_url},
                                  TypeNamed("Group"), id);
    // Somebody changed it meanwhile: what they wrote stays, and is refreshed.
    if (written.status == 412) return std::nullopt;
    if (written.status != 200) return written;
    Answer answer = Parametrized(parameters, request);
    answer.location = written.location;
    return answer;
  });
}

Answer Interactions::ListCohort(const Interaction& request, const std::string& id) {
  const auto level = LevelOf(ValueOf(request.query, "level").value_or("patient"));
  if (!level.ok()) return ErrorAnswer(level.status());
  const auto format = FormatOf(ValueOf(request.query, "_format").value_or("ndjson"));
  if (!format.ok()) return ErrorAnswer(format.status());
  auto reader = store_.Read();
  auto found = FindGroup(store_, *reader, id);
  if (const auto* refusal = std::get_if<Answer>(&found)) return *refusal;
  auto& group = std::get<StoredGroup>(found);
  // Of a Group that was not made by $cohort: all studies.
  if (!group.definition) group.definition = CohortDefinition{.steps = {{.any = {{.search = "Patient"}}}}};
  Finding finding(store_, std::move(reader), *std::move(group.definition), SearchOptionsOf(request),
                  options_.max_steps);
  const Status status = finding.Run(group.members);
  if (!status.ok()) return ErrorAnswer(status);

  ListOptions options{
      .level = *level, .format = *format, .fhir_url = request.base_url, .images_url = request.images_url};
  auto list = std::make_shared<CohortList>(finding.TakeReader(), store_.store(), std::move(options), group.members,
                                           finding.cohort().studies);
  return {.content_type = *format == ListFormat::kCsv ? "text/csv; charset=utf-8" : "application/x-ndjson",
          .more = [list] { return list->Next(); }};
}

}  // namespace hilum::fhir
