// What a write comes to against one view of the store: settled already, or a Write to commit. Single interactions and
// transactions plan in the same way. Internal to fhir/interactions; not thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "fhir/interactions/interactions.h"
#include "fhir/json/edits.h"
#include "fhir/store/planned_writes.h"

namespace hilum::fhir {

// A resource that passed validation, with the document it lies in.
struct Checked {
  json::Document document;
  Typing typing;
};

// A body as a resource of `type`: refused with every finding.
std::variant<Checked, Answer> Check(std::string body, TypeId type, const ValidateOptions& options = {});
// What an operation is told: a resource of the type Parameters.
std::variant<Checked, Answer> CheckParameters(std::string body);

struct Plan {
  std::optional<Answer> answer;  // nothing to write: refused, or it is so already
  std::optional<Write> write;
  int status = 200;  // once it is written
  TypeId type = kNoType;
  std::string id;
  std::string bytes;      // of the new version, for the answer
  size_t updated_at = 0;  // where the time goes
};

struct IfMatch {
  std::string match;       // If-Match as sent; empty: none
  std::string none_match;  // If-None-Match
};

// 412 where the newest version of a resource, or that there is none, does not meet the conditions.
std::optional<Answer> CheckConditions(const std::optional<Version>& newest, const IfMatch& conditions);

class Planner {
 public:
  // All outlive it. `conditions`: how the searches of conditions are compiled.
  Planner(ResourceStore& store, ResourceReader& reader, const SearchOptions& conditions)
      : store_(store), reader_(reader), search_options_(conditions) {}
  Planner(ResourceStore& store, ResourceReader& reader) : Planner(store, reader, store.search_options()) {}

  // What is judged from now on (ResourceStore::JudgeOf) is judged as part of a commit that writes these, too.
  void JudgeWith(const PlannedWrites* planned) { planned_ = planned; }

  // The resource gets this content. REQUIRES: `typing` as for ResourceStore::Prepare.
  Plan Put(TypeId type, const std::string& id, json::Value resource, const Typing& typing, Method method,
           const IfMatch& conditions);
  // What has to change in a resource before it is written.
  using Rewrite = std::function<Result<json::Edits>(json::Value resource, const Typing& typing)>;
  Plan PutRewritten(TypeId type, const std::string& id, json::Value resource, const Typing& typing, Method method,
                    const IfMatch& conditions, const Rewrite& rewrite);
  Plan Remove(TypeId type, const std::string& id, const IfMatch& conditions);
  // The newest version of the resource after the patch, or why it cannot be done.
  std::variant<Checked, Answer> Patched(TypeId type, const std::string& id, Bytes patch, const IfMatch& conditions);
  // The patched resource, rewritten.
  Plan Patch(TypeId type, const std::string& id, Bytes patch, const IfMatch& conditions, const Rewrite& rewrite = {});
  // Notes the condition for the commit.
  Result<Matches> Match(TypeId type, const std::vector<Parameter>& criteria);
  // What is wrong with the id in the body of a conditional update that matches `match` (empty: nothing): it is another
  // one's.
  std::optional<Answer> CheckBodyId(TypeId type, std::string_view body_id, std::string_view match);
  // Id of a matched document.
  Result<std::string> IdOf(TypeId type, storage::Doc doc);
  // The newest version as the answer to a write that changes nothing.
  Result<Plan> Unchanged(TypeId type, storage::Doc doc);

  std::vector<Condition> TakeConditions() { return std::move(conditions_); }

 private:
  Result<std::optional<Version>> Find(TypeId type, std::string_view id);
  Plan PutOver(const std::optional<Version>& newest, TypeId type, const std::string& id, json::Value resource,
               const Typing& typing, Method method, bool partial);

  ResourceStore& store_;
  ResourceReader& reader_;
  const SearchOptions search_options_;
  const PlannedWrites* planned_ = nullptr;
  std::vector<Condition> conditions_;
};

inline constexpr size_t kMaxCriteria = 1000;  // parameters of one condition

// The search in If-None-Exist and Bundle.entry.request.ifNoneExist. Clients put the type in front of it, as the example
// of R4 itself (Bundle-xds).
Result<std::vector<Parameter>> CriteriaIn(TypeId type, std::string_view if_none_exist);
// Whether a condition looks at other resources than those it finds.
bool AsksForMore(const std::vector<Parameter>& criteria);
// What a condition asks for. kInvalid as for FindMatches.
Result<storage::Query> CompileCondition(SearchCatalog& catalog, TypeId type, const std::vector<Parameter>& criteria,
                                        const SearchOptions& options);
// What the client wants to see of what it wrote (Prefer: return). `dangling`: as in Committed, of this write.
Answer Preferred(Answer answer, const Interaction& request, const std::vector<DanglingReference>& dangling);
// The answer to a plan whose write got this stamp.
Answer WrittenAnswer(const Plan& plan, const Stamp& stamp, const Interaction& request);
// "https://host/fhir/Patient/1/_history/2"
std::string VersionUrl(const std::string& base_url, TypeId type, std::string_view id, uint64_t version);
// 412 with a reason.
Answer PreconditionFailed(std::string reason);
// 412: If-Match came with a condition that finds nothing (RFC 9110 13.1.1).
Answer NothingToMatch();

}  // namespace hilum::fhir
