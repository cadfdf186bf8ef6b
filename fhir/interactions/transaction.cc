#include "fhir/interactions/transaction.h"

#include <algorithm>
#include <iterator>

#include "fhir/interactions/shape.h"
#include "fhir/json/edits.h"
#include "fhir/validate/primitives.h"
#include "fhir/validate/reference.h"
#include "fhir/validate/xhtml.h"

namespace hilum::fhir {
namespace {

Answer Blame(size_t place, Answer answer) {
  return AboutPlace("Bundle.entry[" + std::to_string(place) + "]", std::move(answer));
}

// Its target is found by a search.
bool IsConditional(const BundleEntry& entry) {
  return entry.request.method == "POST" ? !entry.request.if_none_exist.empty() : entry.request.path.size() == 1;
}

// Of a search that is written with the base of this server, or a slash, in front of its type.
std::string_view BelowBase(std::string_view text, std::string_view base) {
  if (text.starts_with(base) && text.substr(base.size()).starts_with('/')) return text.substr(base.size() + 1);
  return text.starts_with('/') ? text.substr(1) : text;
}

// All strings in a JSON text.
std::set<std::string, std::less<>> StringsIn(const std::string& text) {
  std::set<std::string, std::less<>> strings;
  const Result<json::Document> document = json::Document::Parse(text);
  if (!document.ok()) {
    document.status().IgnoreError();  // who applies the patch says so
    return strings;
  }
  for (uint32_t i = 0; i < document->nodes().size(); ++i) {
    const json::Value value(&*document, i);
    if (value.is_string()) strings.emplace(value.text());
  }
  return strings;
}

}  // namespace

Transaction::Transaction(ResourceStore& store, const Typing& typing, std::vector<BundleEntry> entries, size_t max_steps)
    : store_(store),
      typing_(typing),
      max_steps_(max_steps),
      entries_(std::move(entries)),
      deletes_(
          std::ranges::any_of(entries_, [](const BundleEntry& entry) { return entry.request.method == "DELETE"; })) {
  for (const BundleEntry& entry : entries_) {
    new_ids_.push_back(store_.NewId());
    const auto type = entry.request.path.empty() ? std::nullopt : FindResourceType(entry.request.path[0]);
    if (Writes(entry) && type) types_.insert(*type);
    if (Writes(entry) && !entry.full_url.empty()) full_urls_.insert(entry.full_url);
  }
}

// All entries came by one request.
std::string_view Transaction::RequestBase() const {
  return entries_.empty() ? std::string_view() : entries_.front().request.base_url;
}

SearchOptions Transaction::ConditionOptions() {
  SearchOptions options = store_.search_options();
  options.request_base = RequestBase();
  options.steps_left = &steps_left_;
  return options;
}

Transaction::Outcome Transaction::Attempt(const std::function<Answer(const Interaction&)>& read) {
  targets_.assign(entries_.size(), {});
  bodies_.clear();
  written_.clear();
  unmatched_.clear();
  links_.clear();
  conditional_.clear();
  referred_.clear();
  comparisons_ = 0;
  steps_left_ = max_steps_;
  const auto reader = store_.Read();
  Planner planner(store_, *reader, ConditionOptions());
  Outcome outcome;
  outcome.answers.resize(entries_.size());
  outcome.failure = FindTargets(*reader, planner);
  if (outcome.failure) return outcome;

  for (size_t i = 0; i < entries_.size(); ++i) {
    if (Writes(entries_[i])) continue;
    if (auto failure = TryRead(entries_[i].request, read)) {
      outcome.failure = Blame(i, *std::move(failure));
      return outcome;
    }
  }
  std::vector<Write> writes;
  writes.reserve(entries_.size());  // `planned` refers to them
  std::vector<std::pair<size_t, Plan>> written;
  std::optional<PlannedWrites> planned;
  for (const size_t i : OrderOfPlans()) {
    if (!planned && store_.JudgeOf(targets_[i].type) != nullptr) planner.JudgeWith(&planned.emplace(writes));
    Plan plan = PlanOne(i, *reader, planner);
    if (!plan.write) {
      if (plan.answer->status >= 300) {
        outcome.failure = Blame(i, *std::move(plan.answer));
        return outcome;
      }
      if (plan.answer->version) {
        plan.answer->location =
            VersionUrl(entries_[i].request.base_url, targets_[i].type, targets_[i].id, *plan.answer->version);
      }
      outcome.answers[i] = Preferred(*std::move(plan.answer), entries_[i].request, {});
      continue;
    }
    writes.push_back(*std::move(plan.write));
    plan.write.reset();
    if (entries_[i].request.prefer_return != Return::kRepresentation) plan.bytes.clear();
    written.emplace_back(i, std::move(plan));
  }
  std::vector<Condition> conditions = planner.TakeConditions();
  std::ranges::move(referred_, std::back_inserter(conditions));
  const Result<Committed> committed = store_.Commit(std::move(writes), std::move(conditions));
  if (!committed.ok()) {
    outcome.failure = ErrorAnswer(committed.status());
    return outcome;
  }
  outcome.outdated = committed->outdated;
  auto next = committed->dangling.begin();
  for (size_t w = 0; !outcome.outdated && w < written.size(); ++w) {
    const auto& [place, plan] = written[w];
    const Interaction& request = entries_[place].request;
    std::vector<DanglingReference> dangling;
    for (; next != committed->dangling.end() && next->write == w; ++next) dangling.push_back(*next);
    outcome.answers[place] = Preferred(WrittenAnswer(plan, committed->stamps[w], request), request, dangling);
  }
  for (size_t i = 0; !outcome.outdated && i < entries_.size(); ++i) {
    if (!targets_[i].same_as) continue;
    outcome.answers[i] = outcome.answers[*targets_[i].same_as];
    outcome.answers[i]->status = 200;
  }
  return outcome;
}

std::vector<size_t> Transaction::OrderOfTargets() const {
  const auto rank = [&](size_t place) {
    const BundleEntry& entry = entries_[place];
    return entry.request.method == "DELETE" ? 0 : BringsResource(entry) && IsConditional(entry) ? 2 : 1;
  };
  std::vector<size_t> places;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (Writes(entries_[i])) places.push_back(i);
  }
  std::ranges::stable_sort(places, {}, rank);
  return places;
}

std::vector<size_t> Transaction::OrderOfPlans() const {
  std::vector<size_t> places;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (Writes(entries_[i]) && !targets_[i].same_as) places.push_back(i);
  }
  std::ranges::stable_sort(places, {}, [&](size_t place) { return store_.JudgeOf(targets_[place].type) != nullptr; });
  return places;
}

std::optional<Answer> Transaction::FindTargets(ResourceReader& reader, Planner& planner) {
  for (const size_t i : OrderOfTargets()) {
    if (auto failure = FindTarget(i, reader, planner)) return Blame(i, *std::move(failure));
    const Target& target = targets_[i];
    const bool writes = !target.existing && !target.same_as && !target.id.empty();
    if (writes && !written_.emplace(LinkOf(target.type, target.id), i).second) {
      return Blame(i, ErrorAnswer(Invalid("the transaction writes " + LinkOf(target.type, target.id) +
                                          " more than once; a resource can be in it only once")));
    }
    NoteFullUrl(i);
  }
  return std::nullopt;
}

std::optional<Answer> Transaction::FindTarget(size_t place, ResourceReader& reader, Planner& planner) {
  const BundleEntry& entry = entries_[place];
  const std::vector<std::string>& path = entry.request.path;
  Target& target = targets_[place];
  const std::optional<TypeId> type = path.empty() ? std::nullopt : FindResourceType(path[0]);
  if (!type || path.size() > 2) return ErrorAnswer(Invalid("request.url must be Type, Type/id or Type?search"));
  target.type = *type;
  const bool has_body = BringsResource(entry);
  if (has_body) {
    if (!entry.resource) return ErrorAnswer(Invalid(entry.request.method + " needs a resource"));
    if (ResourceTypeOf(*entry.resource) != *type) {
      return ErrorAnswer(Invalid("the resource is not of the type that request.url names"));
    }
  }
  if (entry.request.method == "POST") {
    if (path.size() != 1) return ErrorAnswer(Invalid("POST takes only a type as request.url"));
    target.id = new_ids_[place];
    if (entry.request.if_none_exist.empty()) return std::nullopt;
    const auto criteria = CriteriaIn(*type, entry.request.if_none_exist);
    if (!criteria.ok()) return ErrorAnswer(criteria.status());
    return MatchTarget(place, *criteria, reader, planner);
  }
  if (path.size() == 2) {
    if (!IsId(path[1])) return ErrorAnswer(Invalid("a logical id is 1 to 64 letters, digits, '-' and '.'"));
    if (has_body && entry.resource["id"].TextOr("") != path[1]) {
      return ErrorAnswer(Invalid("the id of the resource must be the one in request.url"));
    }
    target.id = path[1];
    return std::nullopt;
  }
  const std::string_view body_id = entry.resource["id"].TextOr("");
  target.id = !has_body ? std::string() : body_id.empty() ? new_ids_[place] : std::string(body_id);
  return MatchTarget(place, entry.request.query, reader, planner);
}

std::optional<Answer> Transaction::MatchTarget(size_t place, const std::vector<Parameter>& criteria,
                                               ResourceReader& reader, Planner& planner) {
  Target& target = targets_[place];
  Result<Matches> matches = planner.Match(target.type, criteria);
  if (!matches.ok()) return ErrorAnswer(matches.status());
  if (entries_[place].request.method == "POST") {
    const Status status = LeaveOutDeleted(target.type, planner, &matches->docs);
    if (!status.ok()) return ErrorAnswer(status);
  }
  if (matches->docs.size() > 1) {
    return PreconditionFailed(
        "the condition matches more than one resource, and each entry of a transaction is about one; make it narrower" +
        std::string(entries_[place].request.method == "DELETE" ? ", or delete them by a request of its own" : ""));
  }
  Result<std::string> id =
      matches->docs.empty() ? Result<std::string>("") : planner.IdOf(target.type, matches->docs.front());
  if (!id.ok()) return ErrorAnswer(id.status());
  if (entries_[place].request.method == "PUT") {
    const std::string_view body_id = entries_[place].resource["id"].TextOr("");
    if (auto refusal = planner.CheckBodyId(target.type, body_id, *id)) return refusal;
  }
  if (matches->docs.empty())
    return BringsResource(entries_[place]) ? MatchPlanned(place, criteria, reader) : std::nullopt;
  target.id = *std::move(id);
  if (entries_[place].request.method == "POST") target.existing = matches->docs.front();
  return std::nullopt;
}

// Reads come last, when nothing can be taken back any more (R4 3.1.0.11.2): so they are tried before the commit.
std::optional<Answer> Transaction::TryRead(const Interaction& request,
                                           const std::function<Answer(const Interaction&)>& read) const {
  const std::vector<std::string>& path = request.path;
  const auto type = path.size() < 2 ? std::nullopt : FindResourceType(path[0]);
  const auto written = type ? written_.find(LinkOf(*type, path[1])) : written_.end();
  const bool deletes = written != written_.end() && entries_[written->second].request.method == "DELETE";
  if (deletes && path.size() == 2) {
    return OutcomeAnswer(410, {{.type = IssueType::kDeleted, .diagnostics = "the transaction deletes what it reads"}});
  }
  Answer answer = read(request);
  if (answer.status < 400) return std::nullopt;
  const bool will_be_there =
      written != written_.end() && !deletes && (answer.status == 404 || answer.status == 410) && path.size() < 4;
  if (!will_be_there) return answer;
  const auto shape = ShapeOf(request.query);
  return shape.ok() ? std::nullopt : std::optional(ErrorAnswer(shape.status()));
}

void Transaction::NoteFullUrl(size_t place) {
  const BundleEntry& entry = entries_[place];
  const Target& target = targets_[place];
  if (entry.full_url.empty()) return;
  if (entry.request.method == "DELETE") {
    links_[entry.full_url].clear();
    return;
  }
  if (!target.id.empty()) links_[entry.full_url] = LinkOf(target.type, target.id);
}

Plan Transaction::PlanOne(size_t place, ResourceReader& reader, Planner& planner) {
  const BundleEntry& entry = entries_[place];
  const Target& target = targets_[place];
  const auto refused = [](const Status& status) {
    Plan plan;
    plan.answer = ErrorAnswer(status);
    return plan;
  };
  if (target.existing) {
    Result<Plan> unchanged = planner.Unchanged(target.type, *target.existing);
    return unchanged.ok() ? *std::move(unchanged) : refused(unchanged.status());
  }
  const IfMatch conditions{.match = entry.request.if_match, .none_match = entry.request.if_none_match};
  if (entry.request.method == "DELETE") {
    if (!target.id.empty()) return planner.Remove(target.type, target.id, conditions);
    Plan plan;
    plan.answer = conditions.match.empty() ? Answer{.status = 204} : NothingToMatch();
    return plan;
  }
  if (entry.request.method == "PATCH") {
    if (target.id.empty()) return refused(NotFound("the condition matches no resource to patch"));
    const Result<std::string> patch = PatchIn(entry);
    if (!patch.ok()) return refused(patch.status());
    // What was there before is not the transaction's to resolve.
    const Texts brought = StringsIn(*patch);
    return planner.Patch(target.type, target.id, *patch, conditions, [&](json::Value resource, const Typing& typing) {
      return Rewrites(place, resource, typing, &brought, reader);
    });
  }
  const Method method = entry.request.method == "POST" ? Method::kCreate : Method::kUpdate;
  return planner.PutRewritten(
      target.type, target.id, *entry.resource, typing_, method, conditions,
      [&](json::Value resource, const Typing& typing) { return Rewrites(place, resource, typing, nullptr, reader); });
}

Result<std::optional<std::string>> Transaction::Resolve(size_t place, std::string_view text, ResourceReader& reader) {
  HILUM_ASSIGN_OR_RETURN(auto link, FindLink(place, text));
  if (link) return link;
  const ReferenceText parts = ParseReference(BelowBase(text, RequestBase()));
  if (parts.form != ReferenceText::Form::kConditional) return std::optional<std::string>();
  if (const auto known = conditional_.find(text); known != conditional_.end()) return std::optional(known->second);
  HILUM_ASSIGN_OR_RETURN(const auto criteria, SplitQuery(parts.query, kMaxCriteria));
  HILUM_ASSIGN_OR_RETURN(const auto found, FindReferred(parts.type, criteria, reader));
  if (found.size() != 1) {
    return Invalid("a conditional reference to a " + std::string(TypeOf(parts.type).name) + " matches " +
                   (found.empty() ? "no resource" : "more than one resource") + ", but it must match one");
  }
  conditional_.emplace(text, *found.begin());
  return std::optional(*found.begin());
}

std::string Transaction::FullUrlOf(size_t place, std::string_view text) const {
  const std::string_view base = ParseReference(entries_[place].full_url).base;
  const bool relative = ParseReference(text).form == ReferenceText::Form::kRelative;
  return relative && !base.empty() ? std::string(base).append("/").append(text) : std::string(text);
}

Result<std::optional<std::string>> Transaction::FindLink(size_t place, std::string_view text) const {
  size_t end = text.size();
  auto link = links_.find(FullUrlOf(place, text));
  if (link == links_.end() && text.starts_with("urn:")) {
    end = std::min({end, text.find('#'), text.find("/_history/")});
    link = links_.find(text.substr(0, end));
  }
  if (link == links_.end()) return std::optional<std::string>();
  if (link->second.empty()) {
    return Invalid(
        "a reference leads to the fullUrl of an entry that is a deletion (R4 3.1.0.11.2); leave one of them "
        "out");
  }
  return std::optional(link->second + std::string(text.substr(end)));
}

Result<std::optional<std::string>> Transaction::ResolveLinks(size_t place, std::string_view narrative) const {
  std::string out;
  size_t done = 0;
  for (const std::string_view text : LinksInXhtml(narrative)) {
    HILUM_ASSIGN_OR_RETURN(const auto link, FindLink(place, text));
    if (!link) continue;
    const auto at = static_cast<size_t>(text.data() - narrative.data());
    out.append(narrative.substr(done, at - done)).append(*link);
    done = at + text.size();
  }
  if (done == 0) return std::optional<std::string>();
  return std::optional(out.append(narrative.substr(done)));
}

Result<json::Edits> Transaction::Rewrites(size_t place, json::Value resource, const Typing& typing, const Texts* among,
                                          ResourceReader& reader) {
  json::Edits edits;
  for (const ReferenceSite& site : ReferencesIn(resource, typing)) {
    if (among != nullptr && !among->contains(site.text)) continue;
    if (site.narrative) {
      HILUM_ASSIGN_OR_RETURN(const auto text, ResolveLinks(place, site.text));
      if (text) edits.Replace(site.begin, site.end, json::Quoted(*text));
      continue;
    }
    HILUM_ASSIGN_OR_RETURN(const auto link, Resolve(place, site.text, reader));
    if (link) edits.Replace(site.begin, site.end, json::Quoted(*link));
  }
  return edits;
}

}  // namespace hilum::fhir
