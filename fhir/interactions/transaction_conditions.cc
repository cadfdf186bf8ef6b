// Conditions of a transaction: whom they find, of what is stored and of what it writes itself.
#include <algorithm>

#include "fhir/interactions/transaction.h"
#include "fhir/validate/reference.h"

namespace hilum::fhir {
namespace {

// Of conditions with resources of the transaction; some seconds.
constexpr size_t kMaxComparisons = 30'000'000;
// Finding a stored resource takes as long as so many.
constexpr size_t kComparisonsPerLookup = 50;

}  // namespace

// References to entries whose targets are not found yet stay as they are.
class Transaction::View final : public PlannedView {
 public:
  View(Transaction& transaction, ResourceReader& reader) : transaction_(transaction), reader_(reader) {}

  Result<storage::ReferenceValue> Resolve(const storage::ReferenceValue& reference) override {
    if (reference.target) return reference;
    HILUM_ASSIGN_OR_RETURN(const auto link, transaction_.FindLink(reference.text));
    if (!link) return reference;
    const ReferenceText parts = ParseReference(*link);
    HILUM_ASSIGN_OR_RETURN(const auto doc, FindDoc(parts.type, parts.id));
    if (!doc) return storage::ReferenceValue{std::nullopt, *link};
    return storage::ReferenceValue{storage::ReferenceValue::Target{reader_.CollectionOf(parts.type), *doc}, ""};
  }

  Result<std::optional<Targets>> FindAll(storage::CollectionId collection, const storage::Query& query) override {
    Targets targets;
    HILUM_ASSIGN_OR_RETURN(targets.docs, reader_.index().Evaluate(collection, query));
    const auto type =
        std::ranges::find_if(ResourceTypes(), [&](TypeId each) { return reader_.CollectionOf(each) == collection; });
    if (type == ResourceTypes().end()) return std::optional(std::move(targets));
    Bodies* const bodies = transaction_.BodiesOf(*type);
    if (bodies == nullptr) return std::optional(std::move(targets));
    HILUM_ASSIGN_OR_RETURN(const PlannedResources* const planned, transaction_.PlannedOf(*bodies, reader_));
    HILUM_ASSIGN_OR_RETURN(const auto places, planned->Find(query, *this));
    if (!places) return std::optional<Targets>();
    const std::string prefix = LinkOf(*type, "");
    for (auto at = transaction_.written_.lower_bound(prefix);
         at != transaction_.written_.end() && at->first.starts_with(prefix); ++at) {
      HILUM_ASSIGN_OR_RETURN(const auto doc, FindDoc(*type, std::string_view(at->first).substr(prefix.size())));
      const bool found = places->contains(at->second);
      if (!doc && found) targets.links.insert(at->first);
      if (doc && found) targets.docs.Add(*doc);
      if (doc && !found && transaction_.entries_[at->second].request.method != "PATCH") targets.docs.Remove(*doc);
    }
    return std::optional(std::move(targets));
  }

  Result<std::optional<storage::Doc>> DocOf(size_t place) override {
    const Target& target = transaction_.targets_[place];
    if (target.id.empty() || target.existing || target.same_as) return std::optional<storage::Doc>();
    return FindDoc(target.type, target.id);
  }

  Status Spend(size_t comparisons) override {
    transaction_.comparisons_ += comparisons;
    if (transaction_.comparisons_ <= kMaxComparisons) return Status::Ok();
    return LimitExceeded(
        "the conditions of this transaction look at too many of its resources; let them name identifiers or other "
        "codes, or split it");
  }

 private:
  Result<std::optional<storage::Doc>> FindDoc(TypeId type, std::string_view id) {
    HILUM_RETURN_IF_ERROR(Spend(kComparisonsPerLookup));
    return reader_.FindDoc(type, id);
  }

  Transaction& transaction_;
  ResourceReader& reader_;
};

bool Transaction::IsDeleted(const std::string& link) const {
  const auto written = written_.find(link);
  return written != written_.end() && entries_[written->second].request.method == "DELETE";
}

Status Transaction::LeaveOutDeleted(TypeId type, Planner& planner, std::vector<storage::Doc>* docs) const {
  if (!deletes_) return Status::Ok();
  // Each entry deletes one at most, so that of more than these two are left.
  docs->resize(std::min(docs->size(), written_.size() + 2));
  std::vector<storage::Doc> left;
  for (const storage::Doc doc : *docs) {
    HILUM_ASSIGN_OR_RETURN(const std::string id, planner.IdOf(type, doc));
    if (!IsDeleted(LinkOf(type, id))) left.push_back(doc);
    if (left.size() == 2) break;
  }
  *docs = std::move(left);
  return Status::Ok();
}

std::optional<Answer> Transaction::MatchPlanned(size_t place, const std::vector<Parameter>& criteria,
                                                ResourceReader& reader) {
  const TypeId type = targets_[place].type;
  auto found = FindPlanned(type, criteria, place, reader);
  if (!found.ok()) return ErrorAnswer(found.status());
  PlannedResources::Places others = found->value_or(PlannedResources::Places());
  const auto [same, first] = unmatched_.emplace(LinkOf(type, JoinQuery(criteria)), place);
  if (!first) others.insert(same->second);

  std::set<size_t> creating;
  for (const size_t other : others) {
    const bool creates = entries_[other].request.method == "POST";
    const bool if_none_exists = creates && !entries_[other].request.if_none_exist.empty();
    // Of conditional creates the first makes the resource. What found a stored one writes nothing.
    if (if_none_exists && (other > place || targets_[other].existing)) continue;
    if (!creates || entries_[place].request.method != "POST") {
      return ErrorAnswer(Invalid("the condition matches what Bundle.entry[" + std::to_string(other) +
                                 "] writes; a resource can be in a transaction only once"));
    }
    creating.insert(targets_[other].same_as.value_or(other));
  }
  if (creating.size() > 1) return PreconditionFailed("the condition matches more than one resource");
  if (creating.empty()) return std::nullopt;
  targets_[place].same_as = *creating.begin();
  targets_[place].id = new_ids_[*creating.begin()];
  return std::nullopt;
}

Transaction::Bodies* Transaction::BodiesOf(TypeId type) {
  if (bodies_.empty()) {
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (!BringsResource(entries_[i]) || !entries_[i].resource) continue;
      if (const auto brought = ResourceTypeOf(*entries_[i].resource)) bodies_[*brought].places.push_back(i);
    }
  }
  const auto found = bodies_.find(type);
  return found == bodies_.end() ? nullptr : &found->second;
}

Result<const PlannedResources*> Transaction::PlannedOf(Bodies& bodies, ResourceReader& reader) {
  if (!bodies.resources) {
    PlannedResources resources;
    for (const size_t each : bodies.places) {
      HILUM_ASSIGN_OR_RETURN(auto values, Extract(*entries_[each].resource, typing_, reader, store_.search_options()));
      resources.Add(each, std::move(values));
    }
    bodies.resources = std::move(resources);
  }
  return &*bodies.resources;
}

Result<std::optional<PlannedResources::Places>> Transaction::FindPlanned(TypeId type,
                                                                         const std::vector<Parameter>& criteria,
                                                                         std::optional<size_t> place,
                                                                         ResourceReader& reader) {
  Bodies* const bodies = BodiesOf(type);
  const bool alone = bodies != nullptr && place && bodies->places == std::vector{*place};
  if (bodies == nullptr || alone) return std::optional(PlannedResources::Places());
  HILUM_ASSIGN_OR_RETURN(const PlannedResources* const planned, PlannedOf(*bodies, reader));
  HILUM_ASSIGN_OR_RETURN(const storage::Query query, CompileCondition(reader, type, criteria, ConditionOptions()));
  View view(*this, reader);
  HILUM_ASSIGN_OR_RETURN(auto places, planned->Find(query, view));
  if (places && place) places->erase(*place);
  return places;
}

Result<std::set<std::string>> Transaction::FindReferred(TypeId type, const std::vector<Parameter>& criteria,
                                                        ResourceReader& reader) {
  HILUM_ASSIGN_OR_RETURN(Matches matches, FindMatches(reader, type, criteria, ConditionOptions()));
  HILUM_ASSIGN_OR_RETURN(const auto planned, FindPlanned(type, criteria, std::nullopt, reader));
  // An entry changes one of them at most, so that of more than these two are left.
  matches.docs.resize(std::min(matches.docs.size(), entries_.size() + 2));
  std::set<std::string> links;
  for (const storage::Doc doc : matches.docs) {
    HILUM_ASSIGN_OR_RETURN(const auto version, reader.Newest(type, doc, Form::kStored));
    if (!version) return Corruption("a resource that was found has no version; run hilum verify");
    std::string link = LinkOf(type, version->id);
    const auto written = written_.find(link);
    const bool outdated = written != written_.end() && (entries_[written->second].request.method == "DELETE" ||
                                                        (planned && BringsResource(entries_[written->second])));
    if (!outdated) links.insert(std::move(link));
    if (links.size() > 1 && !planned) break;
  }
  for (const size_t place : planned.value_or(PlannedResources::Places())) {
    const Target& target = targets_[place];
    if (!target.existing && !target.same_as) links.insert(LinkOf(target.type, target.id));
  }
  return links;
}

}  // namespace hilum::fhir
