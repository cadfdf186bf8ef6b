#include "fhir/interactions/planned_resources.h"

#include <algorithm>

#include "storage/index/match_value.h"
#include "storage/index/text.h"

namespace hilum::fhir {
namespace {

using storage::Query;

// Found without looking at every resource.
bool IsLookedUp(const Query& query) {
  if (const auto* token = std::get_if<storage::TokenIs>(&query.node)) return token->code.has_value();
  const auto* text = std::get_if<storage::StringMatch>(&query.node);
  return text != nullptr && text->how == storage::StringMatch::How::kPrefix;
}

}  // namespace

void PlannedResources::Add(size_t place, storage::DocumentValues values) {
  for (const auto& entry : values.entries) {
    if (const auto* token = std::get_if<storage::TokenValue>(&entry.value)) {
      by_code_[{entry.field, token->code}].push_back({token->system, place});
    }
    if (const auto* string = std::get_if<storage::StringValue>(&entry.value)) {
      by_text_[{entry.field, storage::FoldForIndex(string->text)}].push_back(place);
    }
  }
  values_.emplace(place, std::move(values));
}

Result<PlannedResources::Places> PlannedResources::Find(const Query& query, PlannedView& view) const {
  return FindAmong(query, nullptr, view);
}

Result<std::vector<storage::ReferenceValue>> PlannedResources::References(size_t place, storage::FieldId field,
                                                                          PlannedView& view) const {
  HILUM_RETURN_IF_ERROR(view.Spend(1));
  std::vector<storage::ReferenceValue> references;
  for (const auto& entry : values_.at(place).entries) {
    if (entry.field != field) continue;
    HILUM_ASSIGN_OR_RETURN(references.emplace_back(),
                           view.Resolve(place, std::get<storage::ReferenceValue>(entry.value)));
  }
  return references;
}

Result<PlannedResources::Places> PlannedResources::FindAmong(const Query& query, const Places* among,
                                                             PlannedView& view) const {
  if (among != nullptr && among->empty()) return Places();
  if (const auto* all = std::get_if<storage::And>(&query.node)) return FindAll(*all, among, view);
  if (const auto* any = std::get_if<storage::Or>(&query.node)) return FindAny(*any, among, view);
  if (const auto* none = std::get_if<storage::Not>(&query.node)) return FindNone(*none, among, view);
  if (const auto* chain = std::get_if<storage::RefersTo>(&query.node)) return FindReferring(*chain, among, view);
  if (const auto* link = std::get_if<storage::ReferredToBy>(&query.node)) {
    HILUM_ASSIGN_OR_RETURN(const storage::Bitmap docs, view.FindReferees(collection_, *link));
    return FindDocs(docs, among, view);
  }
  if (const auto* docs = std::get_if<storage::DocsIn>(&query.node)) {
    return FindDocs(storage::Bitmap(docs->docs), among, view);
  }
  if (!IsLookedUp(query)) return FindValue(query, among, view);
  const auto* token = std::get_if<storage::TokenIs>(&query.node);
  HILUM_ASSIGN_OR_RETURN(Places places, token != nullptr
                                            ? FindToken(*token, view)
                                            : FindPrefix(std::get<storage::StringMatch>(query.node), view));
  if (among != nullptr) std::erase_if(places, [&](size_t place) { return !among->contains(place); });
  return places;
}

Result<PlannedResources::Places> PlannedResources::FindValue(const Query& leaf, const Places* among,
                                                             PlannedView& view) const {
  const auto field = storage::FieldOfLeaf(leaf);
  return Filter(among, view, [&](size_t place, const storage::DocumentValues& values) -> Result<bool> {
    if (!field) return true;  // All
    for (const auto& entry : values.entries) {
      if (entry.field != *field) continue;
      const auto* reference = std::get_if<storage::ReferenceValue>(&entry.value);
      if (reference == nullptr && storage::Matches(leaf, entry.value)) return true;
      if (reference == nullptr) continue;
      HILUM_ASSIGN_OR_RETURN(auto resolved, view.Resolve(place, *reference));
      if (storage::Matches(leaf, storage::IndexValue(std::move(resolved)))) return true;
    }
    return false;
  });
}

Result<PlannedResources::Places> PlannedResources::FindDocs(const storage::Bitmap& docs, const Places* among,
                                                            PlannedView& view) const {
  return Filter(among, view, [&](size_t place, const auto&) -> Result<bool> {
    HILUM_ASSIGN_OR_RETURN(const storage::Doc doc, view.DocOf(place));
    return docs.Contains(doc);
  });
}

template <typename Holds>
Result<PlannedResources::Places> PlannedResources::Filter(const Places* among, PlannedView& view,
                                                          const Holds& holds) const {
  HILUM_RETURN_IF_ERROR(view.Spend(among != nullptr ? among->size() : values_.size()));
  Places places;
  const auto try_one = [&](size_t place, const storage::DocumentValues& values) -> Status {
    HILUM_ASSIGN_OR_RETURN(const bool does, holds(place, values));
    if (does) places.insert(place);
    return Status::Ok();
  };
  if (among != nullptr) {
    for (const size_t place : *among) HILUM_RETURN_IF_ERROR(try_one(place, values_.at(place)));
  } else {
    for (const auto& [place, values] : values_) HILUM_RETURN_IF_ERROR(try_one(place, values));
  }
  return places;
}

Result<PlannedResources::Places> PlannedResources::FindToken(const storage::TokenIs& token, PlannedView& view) const {
  Places places;
  const auto found = by_code_.find({token.field, *token.code});
  if (found == by_code_.end()) return places;
  HILUM_RETURN_IF_ERROR(view.Spend(found->second.size()));
  for (const Token& each : found->second) {
    if (!token.system || *token.system == each.system) places.insert(each.place);
  }
  return places;
}

Result<PlannedResources::Places> PlannedResources::FindPrefix(const storage::StringMatch& match,
                                                              PlannedView& view) const {
  const std::string prefix = storage::FoldForIndex(match.text);
  Places places;
  for (auto at = by_text_.lower_bound({match.field, prefix});
       at != by_text_.end() && at->first.first == match.field && at->first.second.starts_with(prefix); ++at) {
    HILUM_RETURN_IF_ERROR(view.Spend(at->second.size()));
    places.insert(at->second.begin(), at->second.end());
  }
  return places;
}

Result<PlannedResources::Places> PlannedResources::FindAll(const storage::And& query, const Places* among,
                                                           PlannedView& view) const {
  std::vector<const Query*> parts;
  for (const Query& part : query.parts) parts.push_back(&part);
  std::stable_partition(parts.begin(), parts.end(), [](const Query* part) { return IsLookedUp(*part); });
  std::optional<Places> places;
  for (const Query* part : parts) {
    HILUM_ASSIGN_OR_RETURN(places, FindAmong(*part, places ? &*places : among, view));
  }
  if (places) return *std::move(places);
  return FindAmong({storage::All()}, among, view);
}

Result<PlannedResources::Places> PlannedResources::FindAny(const storage::Or& query, const Places* among,
                                                           PlannedView& view) const {
  Places places;
  for (const Query& part : query.parts) {
    HILUM_ASSIGN_OR_RETURN(Places found, FindAmong(part, among, view));
    places.merge(found);
  }
  return places;
}

Result<PlannedResources::Places> PlannedResources::FindNone(const storage::Not& query, const Places* among,
                                                            PlannedView& view) const {
  HILUM_ASSIGN_OR_RETURN(const Places some, FindAmong(*query.part, among, view));
  return Filter(among, view, [&](size_t place, const auto&) -> Result<bool> { return !some.contains(place); });
}

Result<PlannedResources::Places> PlannedResources::FindReferring(const storage::RefersTo& chain, const Places* among,
                                                                 PlannedView& view) const {
  HILUM_ASSIGN_OR_RETURN(const auto linked, view.FindLinked(collection_, chain));
  if (linked) return FindDocs(*linked, among, view);
  HILUM_ASSIGN_OR_RETURN(const storage::Bitmap targets, view.FindAll(chain.target, *chain.query));
  return Filter(among, view, [&](size_t place, const auto&) -> Result<bool> {
    HILUM_ASSIGN_OR_RETURN(const auto references, References(place, chain.field, view));
    return std::ranges::any_of(references, [&](const storage::ReferenceValue& reference) {
      return reference.target && reference.target->collection == chain.target &&
             targets.Contains(reference.target->doc);
    });
  });
}

}  // namespace hilum::fhir
