#include "fhir/interactions/planned_resources.h"

namespace hilum::fhir {

void PlannedResources::Add(size_t place, const storage::DocumentValues& values) {
  for (const auto& entry : values.entries) {
    if (const auto* token = std::get_if<storage::TokenValue>(&entry.value)) {
      by_code_[{entry.field, token->code}].push_back({token->system, place});
    }
  }
}

std::optional<PlannedResources::Places> PlannedResources::Find(const storage::Query& query) const {
  if (const auto* token = std::get_if<storage::TokenIs>(&query.node)) return FindToken(*token);
  if (const auto* all = std::get_if<storage::And>(&query.node)) return FindAll(*all);
  if (const auto* any = std::get_if<storage::Or>(&query.node)) return FindAny(*any);
  return std::nullopt;
}

std::optional<PlannedResources::Places> PlannedResources::FindToken(const storage::TokenIs& token) const {
  if (!token.code) return std::nullopt;
  Places places;
  const auto found = by_code_.find({token.field, *token.code});
  if (found == by_code_.end()) return places;
  for (const Token& each : found->second) {
    if (!token.system || *token.system == each.system) places.insert(each.place);
  }
  return places;
}

std::optional<PlannedResources::Places> PlannedResources::FindAll(const storage::And& query) const {
  std::optional<Places> places;
  for (const storage::Query& part : query.parts) {
    std::optional<Places> found = Find(part);
    if (!found) return std::nullopt;
    if (places) std::erase_if(*found, [&](size_t place) { return !places->contains(place); });
    places = std::move(found);
  }
  return places;
}

std::optional<PlannedResources::Places> PlannedResources::FindAny(const storage::Or& query) const {
  Places places;
  for (const storage::Query& part : query.parts) {
    std::optional<Places> found = Find(part);
    if (!found) return std::nullopt;
    places.merge(*found);
  }
  return places;
}

}  // namespace hilum::fhir
