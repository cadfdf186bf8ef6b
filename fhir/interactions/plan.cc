#include "fhir/interactions/plan.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fhir/json/subset.h"
#include "fhir/patch/json_patch.h"
#include "fhir/search/study_uid.h"

namespace hilum::fhir {
namespace {

Plan Refused(Answer answer) {
  Plan plan;
  plan.answer = std::move(answer);
  return plan;
}

// What a client said, without what the server adds; white space says nothing.
std::string Content(json::Value resource) {
  json::Edits edits;
  json::ClearIdentity(resource, &edits);
  return json::Compact(edits.Apply(resource));
}

// Of what was made of several texts: its lines and columns are in none that the client knows.
Answer WithoutPositions(Answer answer) {
  for (Issue& issue : answer.issues) issue.position = {.line = 0, .column = 0};
  answer.body = OperationOutcome(answer.issues);
  return answer;
}

bool SaysTheSame(const Version& stored, json::Value resource) {
  const Result<json::Document> document = json::Document::Parse(stored.StoredBytes());
  return document.ok() && Content(document->root()) == Content(resource);
}

constexpr std::array kShapeAnswers = {std::string_view("_format"), std::string_view("_pretty"),
                                      std::string_view("_summary"), std::string_view("_elements")};

// Parameters about what a search answers with (R4 3.1.1.1.3), not about what it finds.
bool IsAboutResults(std::string_view name) {
  constexpr std::array kAboutPages = {std::string_view("_count"),        std::string_view("_total"),
                                      std::string_view("_sort"),         std::string_view("_include"),
                                      std::string_view("_revinclude"),   std::string_view("_contained"),
                                      std::string_view("_containedType")};
  const std::string_view base = name.substr(0, name.find(':'));
  return std::ranges::find(kAboutPages, base) != kAboutPages.end();
}

// `identifier=system|value` and nothing else is looked up without the index; but not the UID of a study, which may be
// written in two ways.
std::optional<storage::TokenValue> OnlyIdentifier(TypeId type, const std::vector<Parameter>& criteria) {
  if (criteria.size() != 1 || criteria[0].name != "identifier") return std::nullopt;
  const std::string& value = criteria[0].value;
  const size_t bar = value.find('|');
  if (bar == 0 || bar == std::string::npos || bar + 1 == value.size() ||
      value.find_first_of(",\\", 0) != std::string::npos || value.find('|', bar + 1) != std::string::npos) {
    return std::nullopt;
  }
  if (TypeOf(type).name == "ImagingStudy" && value.substr(0, bar) == kUidSystem) return std::nullopt;
  return storage::TokenValue{value.substr(0, bar), value.substr(bar + 1)};
}

}  // namespace

std::optional<Answer> CheckConditions(const std::optional<Version>& newest, const IfMatch& conditions) {
  const bool exists = newest && !newest->deleted();
  if (!conditions.match.empty() && conditions.match != "*") {
    if (!exists) return PreconditionFailed("If-Match names a version, but the resource does not exist");
    if (!NamesVersion(conditions.match, newest->number)) {
      return PreconditionFailed("the resource has version " + std::to_string(newest->number) +
                                " now, not the one that If-Match names; read it again");
    }
  }
  if (conditions.match == "*" && !exists) return PreconditionFailed("the resource does not exist");
  if (exists && conditions.none_match == "*") return PreconditionFailed("the resource exists already");
  if (exists && NamesVersion(conditions.none_match, newest->number)) {
    return PreconditionFailed("the resource has the version that If-None-Match excludes");
  }
  return std::nullopt;
}

bool AsksForMore(const std::vector<Parameter>& criteria) {
  return std::ranges::any_of(criteria, [](const Parameter& parameter) {
    return parameter.name.find('.') != std::string::npos || parameter.name.starts_with("_has") ||
           parameter.name.starts_with("dicom-") || parameter.name == "_list";
  });
}

Answer PreconditionFailed(std::string reason) {
  return OutcomeAnswer(412, {{.type = IssueType::kConflict, .diagnostics = std::move(reason)}});
}

Answer NothingToMatch() {
  return PreconditionFailed("If-Match names a version, but the condition matches no resource");
}

std::variant<Checked, Answer> Check(std::string body, TypeId type, const ValidateOptions& options) {
  Result<json::Document> document = json::Document::Parse(std::move(body));
  if (!document.ok()) return ErrorAnswer(document.status());
  // What is wrong with a resource that does not belong here is of no use to anybody.
  if (const auto found = ResourceTypeOf(document->root()); found && *found != type) {
    return OutcomeAnswer(
        400, {{.diagnostics = "the body is of type " + std::string(TypeOf(*found).name) + ", but the URL says " +
                              std::string(TypeOf(type).name) + "; send it to its own type"}});
  }
  Validation validation = Validate(document->root(), options);
  if (!validation.ok()) return OutcomeAnswer(400, validation.issues);
  return Checked{*std::move(document), std::move(validation.typing)};
}

std::variant<Checked, Answer> CheckParameters(std::string body) {
  return Check(std::move(body), FindResourceType("Parameters").value_or(kNoType));
}

Result<std::vector<Parameter>> CriteriaIn(TypeId type, std::string_view if_none_exist) {
  const size_t question = if_none_exist.find('?');
  const std::string_view before = if_none_exist.substr(0, question);
  if (question != if_none_exist.npos && (before.empty() || before == TypeOf(type).name))
    if_none_exist.remove_prefix(question + 1);
  return SplitQuery(if_none_exist, kMaxCriteria);
}

Result<storage::Query> CompileCondition(SearchCatalog& catalog, TypeId type, const std::vector<Parameter>& criteria,
                                        const SearchOptions& options) {
  // Who limits a deletion by _count must not lose everything.
  const auto stray = std::ranges::find_if(criteria, IsAboutResults, &Parameter::name);
  if (stray != criteria.end()) {
    return Invalid("a conditional interaction needs at least one search parameter, and takes nothing else; '" +
                   stray->name.substr(0, 64) + "' only says how results are answered");
  }
  HILUM_ASSIGN_OR_RETURN(SearchRequest search,
                         CompileSearch({type}, criteria, Handling::kStrict,
                                       {kShapeAnswers.begin(), kShapeAnswers.end()}, catalog, options));
  if (search.used.empty()) return Invalid("a conditional interaction needs at least one search parameter");
  return std::move(search.searches[0].query);
}

Result<Matches> FindMatches(ResourceReader& reader, TypeId type, const std::vector<Parameter>& criteria,
                            const SearchOptions& options) {
  Matches matches;
  matches.condition.type = type;
  if (auto identifier = OnlyIdentifier(type, criteria)) {
    HILUM_ASSIGN_OR_RETURN(matches.docs, reader.FindIdentifier(type, *identifier));
    matches.condition.identifier = std::move(identifier);
  } else {
    HILUM_ASSIGN_OR_RETURN(const storage::Query query, CompileCondition(reader, type, criteria, options));
    HILUM_ASSIGN_OR_RETURN(const storage::Bitmap found, reader.index().Evaluate(reader.CollectionOf(type), query));
    matches.docs = found.ToVector();
    matches.condition.other_types = AsksForMore(criteria);
  }
  matches.condition.found = matches.docs;
  HILUM_ASSIGN_OR_RETURN(matches.condition.sequence, reader.Sequence());
  return matches;
}

Result<Matches> Planner::Match(TypeId type, const std::vector<Parameter>& criteria) {
  HILUM_ASSIGN_OR_RETURN(Matches matches, FindMatches(reader_, type, criteria, search_options_));
  conditions_.push_back(matches.condition);
  return matches;
}

Result<std::optional<Version>> Planner::Find(TypeId type, std::string_view id) {
  HILUM_ASSIGN_OR_RETURN(const auto doc, reader_.FindDoc(type, id));
  if (!doc) return std::optional<Version>();
  return reader_.Newest(type, *doc);
}

// R4 3.1.0.4.3. Of an id that is taken while nothing matches only R5 speaks (3.1.0.5.3): written over, a resource that
// nobody asked for would be lost.
std::optional<Answer> Planner::CheckBodyId(TypeId type, std::string_view body_id, std::string_view match) {
  if (body_id.empty() || body_id == match) return std::nullopt;
  if (!match.empty())
    return OutcomeAnswer(400, {{.diagnostics = "the condition matches a resource with another id than the body"}});
  const auto newest = Find(type, body_id);
  if (!newest.ok()) return ErrorAnswer(newest.status());
  if (!*newest || (*newest)->deleted()) return std::nullopt;
  return OutcomeAnswer(409, {{.type = IssueType::kConflict,
                              .diagnostics = "the condition matches nothing, but the id in the body is that of another "
                                             "resource; leave it out, or update that resource by its URL"}});
}

Result<std::string> Planner::IdOf(TypeId type, storage::Doc doc) {
  HILUM_ASSIGN_OR_RETURN(const auto version, reader_.Newest(type, doc, Form::kStored));
  if (!version) return Corruption("a resource that was found has no version; run hilum verify");
  return version->id;
}

Result<Plan> Planner::Unchanged(TypeId type, storage::Doc doc) {
  HILUM_ASSIGN_OR_RETURN(auto version, reader_.Newest(type, doc));
  if (!version) return Corruption("a resource that was found has no version; run hilum verify");
  Plan plan{.type = type, .id = version->id};
  plan.answer =
      Answer{.body = std::move(version->bytes), .version = version->number, .updated_micros = version->updated_micros};
  return plan;
}

Plan Planner::Put(TypeId type, const std::string& id, json::Value resource, const Typing& typing, Method method,
                  const IfMatch& conditions) {
  const Result<std::optional<Version>> found = Find(type, id);
  if (!found.ok()) return Refused(ErrorAnswer(found.status()));
  const std::optional<Version>& newest = *found;
  const bool exists = newest && !newest->deleted();
  if (auto refusal = CheckConditions(newest, conditions)) return Refused(*std::move(refusal));
  if (exists && method == Method::kUpdate && json::IsSubset(resource)) {
    return Refused(OutcomeAnswer(
        422,
        {{.diagnostics = "the resource has the tag SUBSETTED: it is a part of one (_summary, _elements), and would "
                         "take the place of the whole; read it whole, change that and send it"}}));
  }
  const DerivedResources* const derived = store_.JudgeOf(type);
  if (derived == nullptr) return PutOver(newest, type, id, resource, typing, method, false);

  const Result<Judgement> judged = derived->JudgePut(reader_, planned_, id, exists ? &*newest : nullptr, resource);
  if (!judged.ok()) return Refused(ErrorAnswer(judged.status()));
  if (judged->status != 0) return Refused(OutcomeAnswer(judged->status, judged->issues));
  for (const storage::TokenValue& identifier : judged->sole_identifiers) {
    const auto others = reader_.FindIdentifier(type, identifier);
    if (!others.ok()) return Refused(ErrorAnswer(others.status()));
    conditions_.push_back({.type = type, .identifier = identifier, .found = *others});
  }
  if (judged->bytes.empty()) {
    Plan plan = PutOver(newest, type, id, resource, typing, method, false);
    if (plan.write && plan.write->before) plan.write->before->images = judged->former_images;
    return plan;
  }
  // Lacking what is derived.
  std::variant<Checked, Answer> shell = Check(judged->bytes, type, {.check_required = false});
  if (auto* refusal = std::get_if<Answer>(&shell)) return Refused(WithoutPositions(std::move(*refusal)));
  const Checked& checked = std::get<Checked>(shell);
  return PutOver(newest, type, id, checked.document.root(), checked.typing, method, true);
}

Plan Planner::PutOver(const std::optional<Version>& newest, TypeId type, const std::string& id, json::Value resource,
                      const Typing& typing, Method method, bool partial) {
  const bool exists = newest && !newest->deleted();
  if (exists && SaysTheSame(*newest, resource)) {
    Result<Plan> unchanged = Unchanged(type, newest->doc);
    return unchanged.ok() ? *std::move(unchanged) : Refused(ErrorAnswer(unchanged.status()));
  }
  Plan plan{.status = exists ? 200 : 201, .type = type, .id = id};
  Write write{.method = newest && !exists ? Method::kCreate : method,
              .type = type,
              .id = id,
              .seen_version = newest ? newest->number : 0};
  Result<PreparedVersion> after = store_.Prepare(resource, typing, id, write.seen_version + 1);
  if (!after.ok()) return Refused(ErrorAnswer(after.status()));
  after->partial = partial;
  if (partial) after->note = newest->note;
  plan.bytes = after->bytes;
  plan.updated_at = after->updated_at;
  if (partial) {  // what is derived stays as it is
    Version whole{.type = type, .doc = newest->doc, .id = id, .number = newest->number, .bytes = plan.bytes};
    whole.partial = true;
    if (const Status status = reader_.Complete(&whole); !status.ok()) return Refused(ErrorAnswer(status));
    if (whole.derived_at < plan.updated_at) plan.updated_at += whole.derived_size - whole.replaced.size();
    plan.bytes = std::move(whole.bytes);
  }
  write.after = *std::move(after);
  if (exists) {
    Result<PreparedValues> before = store_.PrepareStored(*newest);
    if (!before.ok()) return Refused(ErrorAnswer(before.status()));
    write.before = *std::move(before);
  }
  plan.write = std::move(write);
  return plan;
}

Plan Planner::PutRewritten(TypeId type, const std::string& id, json::Value resource, const Typing& typing,
                           Method method, const IfMatch& conditions, const Rewrite& rewrite) {
  const Result<json::Edits> edits = rewrite(resource, typing);
  if (!edits.ok()) return Refused(ErrorAnswer(edits.status()));
  if (edits->empty()) return Put(type, id, resource, typing, method, conditions);
  std::variant<Checked, Answer> rewritten = Check(edits->Apply(resource), type);
  if (auto* refusal = std::get_if<Answer>(&rewritten)) return Refused(WithoutPositions(std::move(*refusal)));
  const Checked& checked = std::get<Checked>(rewritten);
  return Put(type, id, checked.document.root(), checked.typing, method, conditions);
}

std::variant<Checked, Answer> Planner::Patched(TypeId type, const std::string& id, Bytes patch,
                                               const IfMatch& conditions) {
  const Result<std::optional<Version>> newest = Find(type, id);
  if (!newest.ok()) return ErrorAnswer(newest.status());
  if (!*newest) return ErrorAnswer(NotFound("there is no such resource to patch"));
  if ((*newest)->deleted())
    return OutcomeAnswer(410, {{.type = IssueType::kDeleted, .diagnostics = "the resource is deleted"}});
  // Whether the patch fits is of no use to a client that made it for another version (RFC 9110 13.2.1).
  if (auto refusal = CheckConditions(*newest, conditions)) return *std::move(refusal);
  const Result<json::Document> document = json::Document::Parse((*newest)->bytes);
  if (!document.ok()) return ErrorAnswer(Internal("a stored resource cannot be read"));
  Result<std::string> patched = ApplyJsonPatch(document->root(), patch);
  if (!patched.ok())
    return OutcomeAnswer(patched.status().code() == Code::kConflict ? 422 : 400, {IssueOf(patched.status())});
  std::variant<Checked, Answer> checked = Check(*std::move(patched), type);
  if (auto* refusal = std::get_if<Answer>(&checked)) {
    refusal->status = 422;
    return WithoutPositions(std::move(*refusal));
  }
  if (json::MaybeValue(std::get<Checked>(checked).document.root())["id"].TextOr("") != id)
    return OutcomeAnswer(422, {{.diagnostics = "a patch must leave the id as it is"}});
  return checked;
}

Plan Planner::Patch(TypeId type, const std::string& id, Bytes patch, const IfMatch& conditions,
                    const Rewrite& rewrite) {
  std::variant<Checked, Answer> patched = Patched(type, id, patch, conditions);
  if (auto* refusal = std::get_if<Answer>(&patched)) return Refused(std::move(*refusal));
  const Checked& resource = std::get<Checked>(patched);
  if (rewrite)
    return PutRewritten(type, id, resource.document.root(), resource.typing, Method::kPatch, conditions, rewrite);
  return Put(type, id, resource.document.root(), resource.typing, Method::kPatch, conditions);
}

Plan Planner::Remove(TypeId type, const std::string& id, const IfMatch& conditions) {
  const Result<std::optional<Version>> found = Find(type, id);
  if (!found.ok()) return Refused(ErrorAnswer(found.status()));
  const std::optional<Version>& newest = *found;
  if (auto refusal = CheckConditions(newest, conditions)) return Refused(*std::move(refusal));
  if (!newest || newest->deleted()) {
    Answer answer{.status = 204};
    if (newest) answer.version = newest->number;
    return Refused(std::move(answer));
  }
  std::optional<storage::Doc> former_images;
  if (const DerivedResources* derived = store_.JudgeOf(type)) {
    const Result<Judgement> judged = derived->JudgeDelete(reader_, *newest);
    if (!judged.ok()) return Refused(ErrorAnswer(judged.status()));
    if (judged->status != 0) return Refused(OutcomeAnswer(judged->status, judged->issues));
    former_images = judged->former_images;
  }
  Plan plan{.status = 204, .type = type, .id = id};
  Write write{.method = Method::kDelete, .type = type, .id = id, .seen_version = newest->number};
  Result<PreparedValues> before = store_.PrepareStored(*newest);
  if (!before.ok()) return Refused(ErrorAnswer(before.status()));
  write.before = *std::move(before);
  write.before->images = former_images;
  plan.write = std::move(write);
  return plan;
}

Answer Preferred(Answer answer, const Interaction& request, const std::vector<DanglingReference>& dangling) {
  if (answer.outcome() || answer.status >= 300 || answer.status == 204) return answer;
  for (const DanglingReference& reference : dangling) {
    answer.warnings.push_back({.severity = Severity::kWarning,
                               .type = IssueType::kNotFound,
                               .diagnostics = "reference to " + reference.target + ", which does not exist"});
  }
  const Return wanted = request.prefer_return.value_or(Return::kRepresentation);
  if (wanted == Return::kMinimal) {
    answer.body.clear();
  } else if (wanted == Return::kOutcome) {
    answer.issues = std::exchange(answer.warnings, {});
    if (answer.issues.empty()) answer.issues.push_back(IssueOf(Status()));
    answer.body = OperationOutcome(answer.issues);
  } else {
    Result<std::string> shaped = Shaped(answer.body, request);
    if (!shaped.ok()) return ErrorAnswer(shaped.status());
    answer.body = *std::move(shaped);
  }
  return answer;
}

std::string VersionUrl(const std::string& base_url, TypeId type, std::string_view id, uint64_t version) {
  return base_url + "/" + std::string(TypeOf(type).name) + "/" + std::string(id) + "/_history/" +
         std::to_string(version);
}

Answer WrittenAnswer(const Plan& plan, const Stamp& stamp, const Interaction& request) {
  Answer answer{.status = plan.status, .version = stamp.version, .updated_micros = stamp.updated_micros};
  if (plan.status == 204) return answer;
  answer.location = VersionUrl(request.base_url, plan.type, plan.id, stamp.version);
  if (plan.bytes.empty()) return answer;
  answer.body = plan.bytes;
  const std::string instant = Instant(stamp.updated_micros);
  answer.body.replace(plan.updated_at, instant.size(), instant);
  return answer;
}

}  // namespace hilum::fhir
