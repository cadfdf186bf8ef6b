// create, update, patch, delete, and their conditional forms (R4 3.1.0.4 to 3.1.0.8).
#include <algorithm>
#include <chrono>
#include <thread>

#include "fhir/interactions/plan.h"
#include "fhir/validate/primitives.h"

namespace hilum::fhir {
namespace {

constexpr int kAttempts = 100;

IfMatch ConditionsOf(const Interaction& request) {
  return {.match = request.if_match, .none_match = request.if_none_match};
}

Answer MultipleMatches(size_t found) {
  return OutcomeAnswer(412, {{.type = IssueType::kMultipleMatches,
                              .diagnostics = "the condition matches " + std::to_string(found) +
                                             " resources, but it must match one at most; make it narrower"}});
}

std::string_view BodyId(const Checked& checked) {
  return json::MaybeValue(checked.document.root())["id"].TextOr("");
}

// Commits what was planned; nothing when it was outdated.
std::optional<Answer> Carry(ResourceStore& store, Planner& planner, Plan plan, const Interaction& request) {
  if (!plan.write) return Preferred(*std::move(plan.answer), request, {});
  std::vector<Write> writes;
  writes.push_back(*std::move(plan.write));
  const Result<Committed> committed = store.Commit(std::move(writes), planner.TakeConditions());
  if (!committed.ok()) return ErrorAnswer(committed.status());
  if (committed->outdated) return std::nullopt;
  return Preferred(WrittenAnswer(plan, committed->stamps.front(), request), request, committed->dangling);
}

}  // namespace

Answer Interactions::Retrying(const std::function<std::optional<Answer>()>& attempt) {
  for (int i = 0; i < kAttempts; ++i) {
    if (auto answer = attempt()) return *std::move(answer);
    if (i > 3) std::this_thread::sleep_for(std::chrono::milliseconds(std::min(i, 20)));
  }
  return ErrorAnswer(Conflict("the resource is being changed by many clients at this moment; try again"));
}

Answer Interactions::Create(const Interaction& request, TypeId type) {
  const std::variant<Checked, Answer> body = Check(request.body, type);
  if (const auto* refusal = std::get_if<Answer>(&body)) return *refusal;
  const Checked& checked = std::get<Checked>(body);
  const std::string id = store_.NewId();
  return Retrying([&]() -> std::optional<Answer> {
    const auto reader = store_.Read();
    Planner planner(store_, *reader, SearchOptionsOf(request));
    if (!request.if_none_exist.empty()) {
      const auto criteria = CriteriaIn(type, request.if_none_exist);
      if (!criteria.ok()) return ErrorAnswer(criteria.status());
      const Result<Matches> matches = planner.Match(type, *criteria);
      if (!matches.ok()) return ErrorAnswer(matches.status());
      if (matches->docs.size() > 1) return MultipleMatches(matches->docs.size());
      if (matches->docs.size() == 1) {
        Result<Plan> unchanged = planner.Unchanged(type, matches->docs.front());
        if (!unchanged.ok()) return ErrorAnswer(unchanged.status());
        unchanged->answer->location =
            VersionUrl(request.base_url, type, unchanged->id, unchanged->answer->version.value_or(1));
        return Preferred(*std::move(unchanged->answer), request, {});
      }
    }
    return Carry(store_, planner, planner.Put(type, id, checked.document.root(), checked.typing, Method::kCreate, {}),
                 request);
  });
}

Answer Interactions::Update(const Interaction& request, TypeId type, const std::string& id) {
  if (!IsId(id)) return ErrorAnswer(Invalid("a logical id is 1 to 64 letters, digits, '-' and '.'"));
  const std::variant<Checked, Answer> body = Check(request.body, type);
  if (const auto* refusal = std::get_if<Answer>(&body)) return *refusal;
  const Checked& checked = std::get<Checked>(body);
  if (BodyId(checked) != id) {
    return OutcomeAnswer(400, {{.diagnostics = "the id in the body must be the one in the URL",
                                .expression = std::string(TypeOf(type).name) + ".id"}});
  }
  return Retrying([&]() -> std::optional<Answer> {
    const auto reader = store_.Read();
    Planner planner(store_, *reader, SearchOptionsOf(request));
    return Carry(store_, planner,
                 planner.Put(type, id, checked.document.root(), checked.typing, Method::kUpdate, ConditionsOf(request)),
                 request);
  });
}

Answer Interactions::Patch(const Interaction& request, TypeId type, const std::string& id) {
  return Retrying([&]() -> std::optional<Answer> {
    const auto reader = store_.Read();
    Planner planner(store_, *reader, SearchOptionsOf(request));
    return Carry(store_, planner, planner.Patch(type, id, request.body, ConditionsOf(request)), request);
  });
}

Answer Interactions::Delete(const Interaction& request, TypeId type, const std::string& id) {
  return Retrying([&]() -> std::optional<Answer> {
    const auto reader = store_.Read();
    Planner planner(store_, *reader, SearchOptionsOf(request));
    return Carry(store_, planner, planner.Remove(type, id, ConditionsOf(request)), request);
  });
}

Answer Interactions::ConditionalUpdate(const Interaction& request, TypeId type) {
  const std::variant<Checked, Answer> body = Check(request.body, type);
  if (const auto* refusal = std::get_if<Answer>(&body)) return *refusal;
  const Checked& checked = std::get<Checked>(body);
  const std::string body_id(BodyId(checked));
  const std::string new_id = body_id.empty() ? store_.NewId() : body_id;
  return Retrying([&]() -> std::optional<Answer> {
    const auto reader = store_.Read();
    Planner planner(store_, *reader, SearchOptionsOf(request));
    const Result<Matches> matches = planner.Match(type, request.query);
    if (!matches.ok()) return ErrorAnswer(matches.status());
    if (matches->docs.size() > 1) return MultipleMatches(matches->docs.size());
    Result<std::string> match =
        matches->docs.empty() ? Result<std::string>("") : planner.IdOf(type, matches->docs.front());
    if (!match.ok()) return ErrorAnswer(match.status());
    if (auto refusal = planner.CheckBodyId(type, body_id, *match)) return refusal;
    return Carry(store_, planner,
                 planner.Put(type, match->empty() ? new_id : *match, checked.document.root(), checked.typing,
                             Method::kUpdate, ConditionsOf(request)),
                 request);
  });
}

Answer Interactions::ConditionalPatch(const Interaction& request, TypeId type) {
  return Retrying([&]() -> std::optional<Answer> {
    const auto reader = store_.Read();
    Planner planner(store_, *reader, SearchOptionsOf(request));
    const Result<Matches> matches = planner.Match(type, request.query);
    if (!matches.ok()) return ErrorAnswer(matches.status());
    if (matches->docs.empty()) return ErrorAnswer(NotFound("the condition matches no resource"));
    if (matches->docs.size() > 1) return MultipleMatches(matches->docs.size());
    const Result<std::string> id = planner.IdOf(type, matches->docs.front());
    if (!id.ok()) return ErrorAnswer(id.status());
    return Carry(store_, planner, planner.Patch(type, *id, request.body, ConditionsOf(request)), request);
  });
}

Answer Interactions::ConditionalDelete(const Interaction& request, TypeId type) {
  return Retrying([&]() -> std::optional<Answer> {
    const auto reader = store_.Read();
    Planner planner(store_, *reader, SearchOptionsOf(request));
    const Result<Matches> matches = planner.Match(type, request.query);
    if (!matches.ok()) return ErrorAnswer(matches.status());
    if (matches->docs.size() > options_.max_conditional_deletes) {
      return OutcomeAnswer(412,
                           {{.type = IssueType::kTooCostly,
                             .diagnostics = "the condition matches " + std::to_string(matches->docs.size()) +
                                            " resources; at most " + std::to_string(options_.max_conditional_deletes) +
                                            " are deleted at once. Make it narrower"}});
    }
    if (matches->docs.empty() && !request.if_match.empty()) return NothingToMatch();
    std::vector<Write> writes;
    for (const storage::Doc doc : matches->docs) {
      const Result<std::string> id = planner.IdOf(type, doc);
      if (!id.ok()) return ErrorAnswer(id.status());
      Plan plan = planner.Remove(type, *id, ConditionsOf(request));
      if (!plan.write) return *std::move(plan.answer);
      writes.push_back(*std::move(plan.write));
    }
    if (writes.empty()) return Answer{.status = 204};
    const Result<Committed> committed = store_.Commit(std::move(writes), planner.TakeConditions());
    if (!committed.ok()) return ErrorAnswer(committed.status());
    if (committed->outdated) return std::nullopt;
    return Answer{.status = 204};
  });
}

}  // namespace hilum::fhir
