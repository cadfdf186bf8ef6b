// Conditions of a transaction: whom they find, of what is stored and of what it writes itself.
#include <algorithm>
#include <limits>
#include <type_traits>

#include "fhir/interactions/transaction.h"
#include "fhir/validate/reference.h"

namespace hilum::fhir {
namespace {

using storage::Bitmap;
using storage::Doc;
using storage::Query;
using storage::ReferenceValue;

// Of conditions with resources of the transaction; some seconds.
constexpr size_t kMaxComparisons = 30'000'000;
// Finding a stored resource takes as long as so many.
constexpr size_t kComparisonsPerLookup = 50;
// Of what the first entry makes; the others count down from there. No store has so many.
constexpr storage::Doc kLastDoc = std::numeric_limits<storage::Doc>::max();

}  // namespace

// For the values of what an entry brings: a relative reference that a fullUrl answers stays text, which View::Resolve
// follows; it is not for the resource of that id here.
class Transaction::EntryCatalog final : public SearchCatalog {
 public:
  EntryCatalog(const Transaction& transaction, size_t place, ResourceReader& reader)
      : transaction_(transaction), place_(place), reader_(reader) {}

  storage::CollectionId CollectionOf(TypeId type) const override { return reader_.CollectionOf(type); }
  storage::FieldId FieldOf(TypeId type, uint16_t field) const override { return reader_.FieldOf(type, field); }
  Result<std::optional<Doc>> FindDoc(TypeId type, std::string_view id) override {
    if (transaction_.full_urls_.contains(transaction_.FullUrlOf(place_, LinkOf(type, id)))) return std::optional<Doc>();
    return reader_.FindDoc(type, id);
  }

 private:
  const Transaction& transaction_;
  const size_t place_;
  ResourceReader& reader_;
};

// References to entries whose targets are not found yet stay as they are. The catalogue of the store besides, in which
// what is new can be asked for.
class Transaction::View final : public PlannedView, public SearchCatalog {
 public:
  View(Transaction& transaction, ResourceReader& reader) : transaction_(transaction), reader_(reader) {}

  Result<ReferenceValue> Resolve(size_t place, const ReferenceValue& reference) override {
    if (reference.target) return reference;
    HILUM_ASSIGN_OR_RETURN(const auto link, transaction_.FindLink(place, reference.text));
    if (!link && !transaction_.written_.contains(reference.text)) return reference;
    const ReferenceText parts = ParseReference(link ? *link : reference.text);
    HILUM_ASSIGN_OR_RETURN(const auto doc, FindDoc(parts.type, parts.id));
    if (!doc) return ReferenceValue{std::nullopt, link ? *link : reference.text};
    return ReferenceValue{ReferenceValue::Target{reader_.CollectionOf(parts.type), *doc}, ""};
  }

  Result<Bitmap> FindAll(storage::CollectionId collection, const Query& query) override {
    HILUM_ASSIGN_OR_RETURN(Bitmap docs, FindStored(collection, query));
    const auto type = TypeOfDocs(collection);
    if (!type) return docs;
    HILUM_ASSIGN_OR_RETURN(const Bitmap written, Written(*type));
    docs -= written;
    HILUM_ASSIGN_OR_RETURN(const PlannedResources* const planned, transaction_.PlannedOf(*type, reader_));
    if (planned == nullptr) return docs;
    HILUM_ASSIGN_OR_RETURN(const auto places, planned->Find(query, *this));
    for (const size_t place : places) {
      HILUM_ASSIGN_OR_RETURN(const Doc doc, DocOf(place));
      if (written.Contains(doc)) docs.Add(doc);
    }
    return docs;
  }

  // Those that match, of what is stored, when links are followed that will be there.
  Result<Bitmap> FindStored(storage::CollectionId collection, const Query& query) {
    if (!FollowsWritten(query)) return reader_.index().Evaluate(collection, query);
    HILUM_ASSIGN_OR_RETURN(const Query followed, Followed(collection, query));
    return reader_.index().Evaluate(collection, followed);
  }

  Result<Bitmap> FindReferees(storage::CollectionId collection, const storage::ReferredToBy& link) override {
    HILUM_ASSIGN_OR_RETURN(Bitmap sources, FindAll(link.source, *link.query));
    Bitmap referees;
    const auto type = TypeOfDocs(link.source);
    if (type) {
      HILUM_ASSIGN_OR_RETURN(const Bitmap written, Written(*type));
      HILUM_ASSIGN_OR_RETURN(const PlannedResources* const planned, transaction_.PlannedOf(*type, reader_));
      HILUM_RETURN_IF_ERROR(ForEachWritten(*type, [&](size_t place, Doc doc) -> Status {
        if (!sources.Contains(doc) || planned == nullptr || !planned->Has(place)) return Status::Ok();
        HILUM_ASSIGN_OR_RETURN(const auto references, planned->References(place, link.field, *this));
        for (const ReferenceValue& reference : references) {
          if (reference.target && reference.target->collection == collection) referees.Add(reference.target->doc);
        }
        return Status::Ok();
      }));
      sources -= written;
    }
    HILUM_ASSIGN_OR_RETURN(const Bitmap stored, reader_.index().Referees(link.source, link.field, collection, sources));
    referees |= stored;
    return referees;
  }

  // To images.
  Result<std::optional<Bitmap>> FindLinked(storage::CollectionId collection, const storage::RefersTo& chain) override {
    if (TypeOfDocs(chain.target)) return std::optional<Bitmap>();
    HILUM_ASSIGN_OR_RETURN(const Bitmap targets, FindAll(chain.target, *chain.query));
    HILUM_ASSIGN_OR_RETURN(Bitmap linked, reader_.index().Referrers(collection, chain.field, chain.target, targets));
    return std::optional(std::move(linked));
  }

  Result<Doc> DocOf(size_t place) override {
    Target& target = transaction_.targets_[place];
    if (target.doc) return *target.doc;
    const bool written = !target.id.empty() && !target.existing && !target.same_as;
    if (!written || transaction_.entries_[place].request.method == "POST") return kLastDoc - Doc(place);
    HILUM_RETURN_IF_ERROR(Spend(kComparisonsPerLookup));
    HILUM_ASSIGN_OR_RETURN(const auto doc, reader_.FindDoc(target.type, target.id));
    target.doc = doc.value_or(kLastDoc - Doc(place));
    return *target.doc;
  }

  Status Spend(size_t comparisons) override {
    transaction_.comparisons_ += comparisons;
    if (transaction_.comparisons_ <= kMaxComparisons) return Status::Ok();
    return LimitExceeded(
        "the conditions of this transaction look at too many of its resources; let them name identifiers or other "
        "codes, or split it");
  }

  storage::CollectionId CollectionOf(TypeId type) const override { return reader_.CollectionOf(type); }
  storage::FieldId FieldOf(TypeId type, uint16_t field) const override { return reader_.FieldOf(type, field); }
  std::optional<storage::FieldId> ImagesField() const override { return reader_.ImagesField(); }
  std::optional<CustomParam> FindCustom(TypeId type, std::string_view code) const override {
    return reader_.FindCustom(type, code);
  }
  std::vector<CustomParam> CustomParams(TypeId type) const override { return reader_.CustomParams(type); }
  Result<std::optional<Doc>> FindDoc(TypeId type, std::string_view id) override {
    if (const auto written = transaction_.written_.find(LinkOf(type, id)); written != transaction_.written_.end()) {
      HILUM_ASSIGN_OR_RETURN(const Doc doc, DocOf(written->second));
      return std::optional(doc);
    }
    HILUM_RETURN_IF_ERROR(Spend(kComparisonsPerLookup));
    return reader_.FindDoc(type, id);
  }

 private:
  std::optional<TypeId> TypeOfDocs(storage::CollectionId collection) const {
    return reader_.schema().TypeOfCollection(collection);
  }
  bool IsWritten(storage::CollectionId collection) const {
    const auto type = TypeOfDocs(collection);
    return type && transaction_.types_.contains(*type);
  }

  template <typename Visit>
  Status ForEachWritten(TypeId type, const Visit& visit) {
    if (!transaction_.types_.contains(type)) return Status::Ok();
    const std::string prefix = LinkOf(type, "");
    for (auto at = transaction_.written_.lower_bound(prefix);
         at != transaction_.written_.end() && at->first.starts_with(prefix); ++at) {
      HILUM_RETURN_IF_ERROR(Spend(1));
      HILUM_ASSIGN_OR_RETURN(const Doc doc, DocOf(at->second));
      HILUM_RETURN_IF_ERROR(visit(at->second, doc));
    }
    return Status::Ok();
  }

  // What will not be as it is: all but what a patch that cannot be done leaves alone.
  Result<Bitmap> Written(TypeId type) {
    HILUM_ASSIGN_OR_RETURN(const PlannedResources* const planned, transaction_.PlannedOf(type, reader_));
    Bitmap written;
    HILUM_RETURN_IF_ERROR(ForEachWritten(type, [&](size_t place, Doc doc) {
      const bool deletes = transaction_.entries_[place].request.method == "DELETE";
      if (deletes || (planned != nullptr && planned->Has(place))) written.Add(doc);
      return Status::Ok();
    }));
    return written;
  }

  // Whether the query follows references from or to what is written.
  bool FollowsWritten(const Query& query) const {
    const auto follows = [&](const Query& part) { return FollowsWritten(part); };
    if (const auto* all = std::get_if<storage::And>(&query.node)) return std::ranges::any_of(all->parts, follows);
    if (const auto* any = std::get_if<storage::Or>(&query.node)) return std::ranges::any_of(any->parts, follows);
    if (const auto* none = std::get_if<storage::Not>(&query.node)) return follows(*none->part);
    if (const auto* chain = std::get_if<storage::RefersTo>(&query.node))
      return IsWritten(chain->target) || follows(*chain->query);
    if (const auto* link = std::get_if<storage::ReferredToBy>(&query.node))
      return IsWritten(link->source) || follows(*link->query);
    return false;
  }

  // The query with those whom its links will lead to in their place.
  Result<Query> Followed(storage::CollectionId collection, const Query& query) {
    const auto docs_in = [](const Bitmap& docs) { return Query{storage::DocsIn{docs.ToVector()}}; };
    return std::visit(
        [&](const auto& node) -> Result<Query> {
          using Node = std::decay_t<decltype(node)>;
          if constexpr (std::is_same_v<Node, storage::And> || std::is_same_v<Node, storage::Or>) {
            Node followed;
            for (const Query& part : node.parts) {
              HILUM_ASSIGN_OR_RETURN(followed.parts.emplace_back(), Followed(collection, part));
            }
            return Query{std::move(followed)};
          } else if constexpr (std::is_same_v<Node, storage::Not>) {
            HILUM_ASSIGN_OR_RETURN(Query part, Followed(collection, *node.part));
            return storage::MakeQuery(storage::Not{std::make_unique<Query>(std::move(part))});
          } else if constexpr (std::is_same_v<Node, storage::RefersTo>) {
            HILUM_ASSIGN_OR_RETURN(const Bitmap targets, FindAll(node.target, *node.query));
            return storage::MakeQuery(
                storage::RefersTo{node.field, node.target, std::make_unique<Query>(docs_in(targets))});
          } else if constexpr (std::is_same_v<Node, storage::ReferredToBy>) {
            HILUM_ASSIGN_OR_RETURN(const Bitmap referees, FindReferees(collection, node));
            return docs_in(referees);
          } else {
            return Query{node};
          }
        },
        query.node);
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
  PlannedResources::Places others = *std::move(found);
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
      const BundleEntry& entry = entries_[i];
      if (!entry.resource || entry.request.path.empty()) continue;
      const auto changed = entry.request.method == "PATCH" ? FindResourceType(entry.request.path[0])
                           : BringsResource(entry)         ? ResourceTypeOf(*entry.resource)
                                                           : std::nullopt;
      if (changed) bodies_[*changed].places.push_back(i);
    }
  }
  const auto found = bodies_.find(type);
  return found == bodies_.end() ? nullptr : &found->second;
}

Result<const PlannedResources*> Transaction::PlannedOf(TypeId type, ResourceReader& reader) {
  Bodies* const bodies = BodiesOf(type);
  if (bodies == nullptr) return nullptr;
  if (!bodies->resources) {
    PlannedResources resources(reader.CollectionOf(type));
    for (const size_t each : bodies->places) {
      std::optional<storage::DocumentValues> values;
      if (BringsResource(entries_[each])) {
        EntryCatalog catalog(*this, each, reader);
        HILUM_ASSIGN_OR_RETURN(values, Extract(*entries_[each].resource, typing_, catalog, store_.search_options()));
      } else {
        HILUM_ASSIGN_OR_RETURN(values, PatchedValues(each, reader));
      }
      if (values) resources.Add(each, *std::move(values));
    }
    bodies->resources.emplace(std::move(resources));
  }
  return &*bodies->resources;
}

Result<std::optional<storage::DocumentValues>> Transaction::PatchedValues(size_t place, ResourceReader& reader) {
  const Target& target = targets_[place];
  const Result<std::string> patch = PatchIn(entries_[place]);
  if (target.id.empty() || !patch.ok()) {
    patch.IgnoreError();
    return std::optional<storage::DocumentValues>();
  }
  const auto patched = Planner(store_, reader).Patched(target.type, target.id, *patch, {});
  const auto* const resource = std::get_if<Checked>(&patched);
  if (resource == nullptr) return std::optional<storage::DocumentValues>();
  HILUM_ASSIGN_OR_RETURN(auto values,
                         Extract(resource->document.root(), resource->typing, reader, store_.search_options()));
  return std::optional(std::move(values));
}

Result<PlannedResources::Places> Transaction::FindPlanned(TypeId type, const std::vector<Parameter>& criteria,
                                                          std::optional<size_t> place, ResourceReader& reader) {
  Bodies* const bodies = BodiesOf(type);
  const bool alone = bodies != nullptr && place && bodies->places == std::vector{*place};
  if (bodies == nullptr || alone) return PlannedResources::Places();
  HILUM_ASSIGN_OR_RETURN(const PlannedResources* const planned, PlannedOf(type, reader));
  View view(*this, reader);
  HILUM_ASSIGN_OR_RETURN(const Query query, CompileCondition(view, type, criteria, ConditionOptions()));
  HILUM_ASSIGN_OR_RETURN(auto places, planned->Find(query, view));
  if (place) places.erase(*place);
  return places;
}

Result<std::vector<Doc>> Transaction::FindStored(TypeId type, const std::vector<Parameter>& criteria,
                                                 ResourceReader& reader) {
  View view(*this, reader);
  if (AsksForMore(criteria)) {
    HILUM_ASSIGN_OR_RETURN(const Query query, CompileCondition(view, type, criteria, ConditionOptions()));
    HILUM_ASSIGN_OR_RETURN(Bitmap found, view.FindStored(reader.CollectionOf(type), query));
    HILUM_ASSIGN_OR_RETURN(const Bitmap live, reader.index().Live(reader.CollectionOf(type)));
    found &= live;
    HILUM_ASSIGN_OR_RETURN(const uint64_t sequence, reader.Sequence());
    referred_.push_back({.type = type, .other_types = true, .sequence = sequence});
    return found.ToVector();
  }
  HILUM_ASSIGN_OR_RETURN(Matches matches, FindMatches(reader, type, criteria, ConditionOptions()));
  referred_.push_back(std::move(matches.condition));
  return std::move(matches.docs);
}

Result<std::set<std::string>> Transaction::FindReferred(TypeId type, const std::vector<Parameter>& criteria,
                                                        ResourceReader& reader) {
  HILUM_ASSIGN_OR_RETURN(std::vector<Doc> docs, FindStored(type, criteria, reader));
  HILUM_ASSIGN_OR_RETURN(const auto places, FindPlanned(type, criteria, std::nullopt, reader));
  HILUM_ASSIGN_OR_RETURN(const PlannedResources* const planned, PlannedOf(type, reader));
  // An entry changes one of them at most, so that of more than these two are left.
  docs.resize(std::min(docs.size(), entries_.size() + 2));
  std::set<std::string> links;
  for (const Doc doc : docs) {
    HILUM_ASSIGN_OR_RETURN(const auto version, reader.Newest(type, doc, Form::kStored));
    if (!version) return Corruption("a resource that was found has no version; run hilum verify");
    std::string link = LinkOf(type, version->id);
    const auto written = written_.find(link);
    const bool outdated = written != written_.end() && (entries_[written->second].request.method == "DELETE" ||
                                                        (planned != nullptr && planned->Has(written->second)));
    if (!outdated) links.insert(std::move(link));
    if (links.size() > 1) return links;
  }
  for (const size_t place : places) {
    const Target& target = targets_[place];
    if (!target.existing && !target.same_as) links.insert(LinkOf(target.type, target.id));
  }
  return links;
}

}  // namespace hilum::fhir
