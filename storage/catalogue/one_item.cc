#include "storage/catalogue/one_item.h"

#include <algorithm>
#include <span>

#include "codecs/dicom/model.h"
#include "storage/catalogue/attribute_values.h"
#include "storage/catalogue/match.h"
#include "storage/index/match_value.h"

namespace hilum::storage {
namespace {

// Of conditions on values alone.
bool Holds(const Query& condition, const DocumentValues& values) {
  const auto holds = [&](const Query& part) { return Holds(part, values); };
  if (std::holds_alternative<All>(condition.node)) return true;
  if (const auto* all = std::get_if<And>(&condition.node)) return std::ranges::all_of(all->parts, holds);
  if (const auto* any = std::get_if<Or>(&condition.node)) return std::ranges::any_of(any->parts, holds);
  const auto matches = [&](const DocumentValues::Entry& entry) { return Matches(condition, entry.value); };
  return FieldOfLeaf(condition) && std::ranges::any_of(values.entries, matches);
}

bool IsMetBy(const ItemKey& key, const dicom::ModelAttribute* found) {
  DocumentValues values;
  if (found != nullptr)
    for (const std::string& value : found->values) AddIndexValue(*key.attribute, value, &values);
  return Holds(key.condition, values);
}

// One item of the sequence that the paths of all keys name at `depth`. Of keys further down each is met for itself.
bool OneItemMeets(std::span<const ItemKey> keys, size_t depth, const dicom::ModelDataSet& data_set) {
  const dicom::ModelAttribute* const sequence = data_set.Find(keys.front().attribute->path[depth]);
  return sequence != nullptr && std::ranges::any_of(sequence->items, [&](const dicom::ModelDataSet& item) {
           return std::ranges::all_of(keys, [&](const ItemKey& key) {
             const bool here = depth + 2 == key.attribute->path.size();
             return here ? IsMetBy(key, item.Find(key.attribute->path.back()))
                         : OneItemMeets({&key, 1}, depth + 1, item);
           });
         });
}

}  // namespace

Status ItemKeys::Add(const CatalogueAttribute& attribute, const std::string& value, bool fuzzy) {
  const dicom::TagPath& path = attribute.path;
  if (path.size() < 2 || table_.Find(attribute.level, {path.front()}) == nullptr) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(Query condition, MatchFilter(attribute, value, fuzzy));
  groups_[{attribute.level, path.front()}].push_back({&attribute, std::move(condition)});
  return Status::Ok();
}

std::vector<Level> ItemKeys::Levels() const {
  std::vector<Level> levels;
  for (const auto& [place, keys] : groups_)
    if (keys.size() > 1 && (levels.empty() || levels.back() != place.first)) levels.push_back(place.first);
  return levels;
}

bool ItemKeys::AreMetBy(Level level, const KeptAttributes& kept) const {
  return std::ranges::all_of(groups_, [&](const auto& group) {
    const auto& [place, keys] = group;
    if (place.first != level || keys.size() < 2) return true;
    const KeptAttribute* const sequence = Find(kept, place.second);
    if (sequence == nullptr || sequence->json.empty()) return true;
    const auto data_set =
        dicom::ReadJsonModel("{\"" + dicom::ToHex(place.second) + "\":" + sequence->json + "}", dicom::ModelLimits());
    return !data_set.ok() || OneItemMeets(keys, 0, data_set->front());
  });
}

}  // namespace hilum::storage
