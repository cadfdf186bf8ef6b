#include "fhir/interactions/includes.h"

#include <algorithm>
#include <map>
#include <utility>

namespace hilum::fhir {
namespace {

using Documents = std::map<TypeId, storage::Bitmap>;

// A reference field that includes go by, however many of them do.
struct Followed {
  ReferenceField reference;
  bool to_any = false;
  std::vector<TypeId> to;

  bool LeadsTo(TypeId type) const {
    const auto has = [&](const std::vector<TypeId>& types) { return std::ranges::find(types, type) != types.end(); };
    return (to_any || has(to)) && (reference.targets.empty() || has(reference.targets));
  }
};

// Not thread-safe; one per page.
class IncludeWalk {
 public:
  IncludeWalk(ResourceReader& reader, const std::vector<Include>& includes, const IncludeLimits& limits)
      : reader_(reader), includes_(includes), limits_(limits) {}

  Result<Included> Run(const std::vector<Row>& matches) {
    Documents frontier;
    for (const Row& row : matches) frontier[row.type].Add(row.doc);
    seen_ = frontier;
    while (!frontier.empty() && !out_.cut) {
      Documents found;
      HILUM_RETURN_IF_ERROR(Forward(frontier, &found));
      HILUM_RETURN_IF_ERROR(Backward(frontier, &found));
      HILUM_ASSIGN_OR_RETURN(frontier, Accept(std::move(found)));
      // What the first round adds is only followed by includes that iterate.
      if (std::exchange(first_, false)) followed_.clear();
    }
    std::ranges::sort(out_.rows, {}, [](const Row& row) { return std::pair(row.type, row.doc); });
    return std::move(out_);
  }

 private:
  // Those of a type in this round.
  Result<const std::vector<Followed>*> FollowedOf(TypeId source, bool reverse) {
    const auto [known, added] = followed_.try_emplace({source, reverse});
    std::vector<Followed>& fields = known->second;
    if (!added) return &fields;
    for (const Include& include : includes_) {
      const bool here = include.source == kNoType || include.source == source;
      if (include.reverse != reverse || !here || (!first_ && !include.iterate)) continue;
      if (include.field) {
        Follow({.field = *include.field}, include.target, &fields);
      } else {
        for (ReferenceField& field : ReferenceFieldsOf(reader_, source)) {
          Follow(std::move(field), include.target, &fields);
        }
      }
    }
    // Rounds may be many, and of all that `*` stands for resources use little.
    if (!first_) HILUM_RETURN_IF_ERROR(DropUnused(source, &fields));
    return &fields;
  }

  Status DropUnused(TypeId source, std::vector<Followed>* fields) {
    std::vector<Followed> used;
    for (Followed& each : *fields) {
      const storage::Query any = storage::MakeQuery(storage::Present{each.reference.field, {}});
      HILUM_ASSIGN_OR_RETURN(const storage::Bitmap docs, reader_.index().Evaluate(reader_.CollectionOf(source), any));
      if (!docs.empty()) used.push_back(std::move(each));
    }
    *fields = std::move(used);
    return Status::Ok();
  }

  static void Follow(ReferenceField reference, TypeId to, std::vector<Followed>* fields) {
    auto known = std::ranges::find(*fields, reference.field, [](const Followed& each) { return each.reference.field; });
    if (known == fields->end()) {
      known = fields->insert(known, Followed{.reference = std::move(reference)});
    } else if (reference.targets.empty()) {
      known->reference.targets.clear();
    }
    known->to_any = known->to_any || to == kNoType;
    if (std::ranges::find(known->to, to) == known->to.end()) known->to.push_back(to);
  }

  // False when there were as many as there may be.
  bool MayLookUp() {
    if (lookups_++ < limits_.lookups) return true;
    out_.cut = true;
    return false;
  }

  Status Forward(const Documents& from, Documents* found) {
    for (const auto& [source, docs] : from) {
      const std::vector<storage::Doc> each = docs.ToVector();
      HILUM_ASSIGN_OR_RETURN(const auto* fields, FollowedOf(source, /*reverse=*/false));
      for (const Followed& followed : *fields) {
        for (const storage::Doc doc : each) {
          if (!MayLookUp()) return Status::Ok();
          HILUM_RETURN_IF_ERROR(AddTargets(followed, source, doc, found));
        }
      }
    }
    return Status::Ok();
  }

  Status AddTargets(const Followed& followed, TypeId source, storage::Doc doc, Documents* found) {
    HILUM_ASSIGN_OR_RETURN(const auto references,
                           reader_.index().References(reader_.CollectionOf(source), followed.reference.field, doc));
    for (const storage::ReferenceValue& reference : references) {
      if (!reference.target) continue;
      const auto target = reader_.schema().TypeOfCollection(reference.target->collection);
      if (target && followed.LeadsTo(*target)) (*found)[*target].Add(reference.target->doc);
    }
    return Status::Ok();
  }

  Status Backward(const Documents& to, Documents* found) {
    if (std::ranges::none_of(includes_, &Include::reverse)) return Status::Ok();
    for (const TypeId source : ResourceTypes()) {
      HILUM_ASSIGN_OR_RETURN(const auto* fields, FollowedOf(source, /*reverse=*/true));
      for (const Followed& followed : *fields) {
        for (const auto& [target, docs] : to) {
          if (!followed.LeadsTo(target)) continue;
          if (!MayLookUp()) return Status::Ok();
          HILUM_ASSIGN_OR_RETURN(const storage::Bitmap referrers,
                                 reader_.index().Referrers(reader_.CollectionOf(source), followed.reference.field,
                                                           reader_.CollectionOf(target), docs));
          if (!referrers.empty()) (*found)[source] |= referrers;
        }
      }
    }
    return Status::Ok();
  }

  // Takes what is new and not deleted into the answer, as far as the limit goes; returns it.
  Result<Documents> Accept(Documents found) {
    Documents fresh;
    for (auto& [type, docs] : found) {
      docs -= seen_[type];
      HILUM_ASSIGN_OR_RETURN(const storage::Bitmap live, reader_.index().Live(reader_.CollectionOf(type)));
      docs &= live;
      if (docs.empty()) continue;
      seen_[type] |= docs;
      for (const storage::Doc doc : docs.ToVector()) {
        if (out_.rows.size() == limits_.resources) {
          out_.cut = true;
          return fresh;
        }
        out_.rows.push_back({type, doc, "include"});
      }
      fresh.emplace(type, std::move(docs));
    }
    return fresh;
  }

  ResourceReader& reader_;
  const std::vector<Include>& includes_;
  const IncludeLimits limits_;
  bool first_ = true;                                                  // round
  std::map<std::pair<TypeId, bool>, std::vector<Followed>> followed_;  // FollowedOf
  size_t lookups_ = 0;
  Documents seen_;
  Included out_;
};

}  // namespace

Result<Included> FollowIncludes(ResourceReader& reader, const std::vector<Row>& matches,
                                const std::vector<Include>& includes, const IncludeLimits& limits) {
  if (includes.empty()) return Included();
  return IncludeWalk(reader, includes, limits).Run(matches);
}

std::vector<ReferenceField> ReferenceFieldsOf(const ResourceReader& reader, TypeId type) {
  std::vector<ReferenceField> fields;
  for (const SearchParam& param : SearchParamsOf(type)) {
    // A parameter that narrows a field (patient: subject) says nothing beyond the one that is the field.
    if (param.type != SearchType::kReference || param.field == kNoField) continue;
    const storage::FieldId field = reader.FieldOf(type, param.field);
    if (std::ranges::find(fields, field, &ReferenceField::field) != fields.end()) continue;
    fields.push_back({.field = field});
  }
  // Any of its parameters may know of more targets than another.
  for (ReferenceField& field : fields) {
    bool any = false;
    for (const SearchParam& param : SearchParamsOf(type)) {
      if (param.type != SearchType::kReference || param.field == kNoField) continue;
      if (reader.FieldOf(type, param.field) != field.field) continue;
      const auto targets = TypeList(param.targets);
      any = any || targets.empty();
      field.targets.insert(field.targets.end(), targets.begin(), targets.end());
    }
    if (any) field.targets.clear();
  }
  return fields;
}

}  // namespace hilum::fhir
