#include "fhir/interactions/includes.h"

#include <algorithm>
#include <map>

namespace hilum::fhir {
namespace {

using Documents = std::map<TypeId, storage::Bitmap>;

// Not thread-safe; one per page.
class IncludeWalk {
 public:
  IncludeWalk(ResourceReader& reader, size_t limit) : reader_(reader), limit_(limit) {}

  Result<Included> Run(const std::vector<Row>& matches, const std::vector<Include>& includes) {
    Documents frontier;
    for (const Row& row : matches) frontier[row.type].Add(row.doc);
    seen_ = frontier;
    // What the first round adds is only followed by includes that iterate.
    for (bool first = true; !frontier.empty() && !out_.cut; first = false) {
      Documents found;
      for (const Include& include : includes) {
        if (!first && !include.iterate) continue;
        HILUM_RETURN_IF_ERROR(include.reverse ? Backward(include, frontier, &found)
                                              : Forward(include, frontier, &found));
      }
      HILUM_ASSIGN_OR_RETURN(frontier, Accept(std::move(found)));
    }
    std::ranges::sort(out_.rows, {}, [](const Row& row) { return std::pair(row.type, row.doc); });
    return std::move(out_);
  }

 private:
  std::vector<ReferenceField> FieldsOf(const Include& include, TypeId source) {
    if (include.field) return {{.field = *include.field}};
    return ReferenceFieldsOf(reader_, source);
  }

  Status Forward(const Include& include, const Documents& from, Documents* found) {
    for (const auto& [source, docs] : from) {
      if (include.source != kNoType && include.source != source) continue;
      for (const ReferenceField& field : FieldsOf(include, source)) {
        for (const storage::Doc doc : docs.ToVector()) {
          HILUM_RETURN_IF_ERROR(AddTargets(include, source, field.field, doc, found));
        }
      }
    }
    return Status::Ok();
  }

  Status AddTargets(const Include& include, TypeId source, storage::FieldId field, storage::Doc doc, Documents* found) {
    HILUM_ASSIGN_OR_RETURN(const auto references, reader_.index().References(reader_.CollectionOf(source), field, doc));
    for (const storage::ReferenceValue& reference : references) {
      if (!reference.target) continue;
      const auto target = reader_.schema().TypeOfCollection(reference.target->collection);
      if (!target || (include.target != kNoType && include.target != *target)) continue;
      (*found)[*target].Add(reference.target->doc);
    }
    return Status::Ok();
  }

  Status Backward(const Include& include, const Documents& to, Documents* found) {
    std::vector<TypeId> sources(ResourceTypes().begin(), ResourceTypes().end());
    if (include.source != kNoType) sources = {include.source};
    for (const TypeId source : sources) {
      for (const ReferenceField& field : FieldsOf(include, source)) {
        for (const auto& [target, docs] : to) {
          if (include.target != kNoType && include.target != target) continue;
          if (!field.targets.empty() && std::ranges::find(field.targets, target) == field.targets.end()) continue;
          HILUM_ASSIGN_OR_RETURN(
              const storage::Bitmap referrers,
              reader_.index().Referrers(reader_.CollectionOf(source), field.field, reader_.CollectionOf(target), docs));
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
        out_.cut = out_.rows.size() == limit_;
        if (out_.cut) return fresh;
        out_.rows.push_back({type, doc, "include"});
      }
      fresh.emplace(type, std::move(docs));
    }
    return fresh;
  }

  ResourceReader& reader_;
  const size_t limit_;
  Documents seen_;
  Included out_;
};

}  // namespace

Result<Included> FollowIncludes(ResourceReader& reader, const std::vector<Row>& matches,
                                const std::vector<Include>& includes, size_t limit) {
  if (includes.empty()) return Included();
  return IncludeWalk(reader, limit).Run(matches, includes);
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
