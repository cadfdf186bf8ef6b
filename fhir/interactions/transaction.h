// A Bundle of type transaction: all of it or nothing (R4 3.1.0.11.2). One object for one request; attempts are repeated
// until what they saw still holds at the commit. Internal to fhir/interactions; not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fhir/interactions/plan.h"
#include "fhir/interactions/planned_resources.h"
#include "fhir/json/edits.h"

namespace hilum::fhir {

// Bundle.entry.request, and the resource.
struct BundleEntry {
  Interaction request;  // without a body
  std::string full_url;
  json::MaybeValue resource;
};

// The entries of a validated Bundle. kInvalid names the entry.
Result<std::vector<BundleEntry>> EntriesOf(json::Value bundle, const Interaction& request);
// The JSON Patch of a PATCH, which comes as a Binary (R4 http.html 3.1.0.11.2).
Result<std::string> PatchIn(const BundleEntry& entry);
// Bundle.entry[i] for an answer: response, and the resource if its body is one.
std::string ResponseEntry(const Answer& answer);

inline bool Writes(const BundleEntry& entry) {
  return entry.request.method != "GET" && entry.request.method != "HEAD";
}

inline bool BringsResource(const BundleEntry& entry) {
  return entry.request.method == "POST" || entry.request.method == "PUT";
}

inline std::string LinkOf(TypeId type, std::string_view id) {
  return std::string(TypeOf(type).name).append("/").append(id);
}

class Transaction {
 public:
  // Both outlive it. `typing`: of the Bundle.
  Transaction(ResourceStore& store, const Typing& typing, std::vector<BundleEntry> entries, size_t max_steps);

  // Answers of the entries that write, by place; nullopt for those that read. They mean nothing when the attempt was
  // outdated (attempt it again), nor when the transaction failed: `failure` is its answer then.
  struct Outcome {
    bool outdated = false;
    std::optional<Answer> failure;
    std::vector<std::optional<Answer>> answers;
  };
  // `read` answers an interaction that reads. What fails now, and not for want of what is written, fails all of it.
  Outcome Attempt(const std::function<Answer(const Interaction&)>& read);

 private:
  struct Target {
    TypeId type = kNoType;
    std::string id;
    std::optional<storage::Doc> existing;  // of a conditional create that finds something: nothing is written
    std::optional<size_t> same_as;         // likewise, when another entry creates what it asks for
    std::optional<storage::Doc> doc;       // once it was looked for
  };
  // The entries of one type after which a resource says something else.
  struct Bodies {
    std::vector<size_t> places;
    std::optional<PlannedResources> resources;
  };
  class View;          // what is stored as it will be, for its conditions
  class EntryCatalog;  // the catalogue as an entry sees it

  std::string_view RequestBase() const;
  SearchOptions ConditionOptions();
  // Places of the entries that write, in the order in which their targets are found: those whose targets do not depend
  // on others first.
  std::vector<size_t> OrderOfTargets() const;
  // Places of the entries that write, in the order in which they are planned and written: those that are judged last,
  // when it is known what else the transaction writes.
  std::vector<size_t> OrderOfPlans() const;
  std::optional<Answer> FindTargets(ResourceReader& reader, Planner& planner);
  std::optional<Answer> FindTarget(size_t place, ResourceReader& reader, Planner& planner);
  std::optional<Answer> MatchTarget(size_t place, const std::vector<Parameter>& criteria, ResourceReader& reader,
                                    Planner& planner);
  std::optional<Answer> TryRead(const Interaction& request,
                                const std::function<Answer(const Interaction&)>& read) const;
  // The condition of the entry matches nothing that is stored: what it matches in the transaction itself. Identities
  // that overlap fail it (R4 3.1.0.11.2); conditional creates share what one of them makes.
  std::optional<Answer> MatchPlanned(size_t place, const std::vector<Parameter>& criteria, ResourceReader& reader);
  // A deletion comes before everything else (R4 3.1.0.11.2): what it takes is not there any more for a create.
  Status LeaveOutDeleted(TypeId type, Planner& planner, std::vector<storage::Doc>* docs) const;
  bool IsDeleted(const std::string& link) const;
  // nullptr when there are none of the type.
  Bodies* BodiesOf(TypeId type);
  // What they will say; nullptr when there are none of the type.
  Result<const PlannedResources*> PlannedOf(TypeId type, ResourceReader& reader);
  // What a patch makes; nullopt when it cannot be done, which is said when the entry is planned.
  Result<std::optional<storage::DocumentValues>> PatchedValues(size_t place, ResourceReader& reader);
  // The places of the entries besides `place` whose resources match.
  Result<PlannedResources::Places> FindPlanned(TypeId type, const std::vector<Parameter>& criteria,
                                               std::optional<size_t> place, ResourceReader& reader);
  void NoteFullUrl(size_t place);
  Plan PlanOne(size_t place, ResourceReader& reader, Planner& planner);
  // Of what is stored, those whom a condition finds by what will be there. Notes the condition for the commit.
  Result<std::vector<storage::Doc>> FindStored(TypeId type, const std::vector<Parameter>& criteria,
                                               ResourceReader& reader);
  // Type/id of what a conditional reference leads to once the transaction is done: R4 3.1.0.11.2 resolves them last.
  Result<std::set<std::string>> FindReferred(TypeId type, const std::vector<Parameter>& criteria,
                                             ResourceReader& reader);
  // The new text of a reference in the entry; nullopt when it stays as it is.
  Result<std::optional<std::string>> Resolve(size_t place, std::string_view text, ResourceReader& reader);
  // The same of a whole narrative.
  Result<std::optional<std::string>> ResolveLinks(size_t place, std::string_view narrative) const;
  // A reference of the entry as a fullUrl would say it: a relative one is below the base of the entry's own fullUrl (R4
  // bundle.html#references). Without such a base it means a resource of this server, and no entry.
  std::string FullUrlOf(size_t place, std::string_view text) const;
  // Where a reference of the entry leads that begins with a fullUrl: "Patient/1#part", "Patient/1/_history/1". kInvalid
  // when the entry it leads to is a deletion.
  Result<std::optional<std::string>> FindLink(size_t place, std::string_view text) const;
  using Texts = std::set<std::string, std::less<>>;
  // Of the references of the entry that are `among` these texts (nullptr: of all).
  Result<json::Edits> Rewrites(size_t place, json::Value resource, const Typing& typing, const Texts* among,
                               ResourceReader& reader);

  ResourceStore& store_;
  const Typing& typing_;
  const size_t max_steps_;  // of all conditions of an attempt (SearchOptions::steps_left)
  const std::vector<BundleEntry> entries_;
  const bool deletes_;  // some entry does
  std::set<std::string, std::less<>> full_urls_;
  std::vector<std::string> new_ids_;  // for entries that make a resource; the same in every attempt
  std::set<TypeId> types_;            // of what it writes
  std::map<TypeId, Bodies> bodies_;   // empty until a condition needs it
  std::vector<Target> targets_;
  std::map<std::string, size_t, std::less<>> written_;     // Type/id -> place
  std::map<std::string, size_t, std::less<>> unmatched_;   // conditions that no stored resource matches -> first place
  std::map<std::string, std::string, std::less<>> links_;  // fullUrl -> Type/id, of deletions empty
  std::map<std::string, std::string, std::less<>> conditional_;  // resolved conditional references
  std::vector<Condition> referred_;                              // by which searches
  size_t steps_left_ = 0;
  size_t comparisons_ = 0;  // what conditions cost so far
};

}  // namespace hilum::fhir
