// From JSON to what the commit writes; runs on any thread.
#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "base/text.h"
#include "fhir/json/edits.h"
#include "fhir/store/store.h"
#include "fhir/validate/reference.h"

namespace hilum::fhir {
namespace {

constexpr size_t kShownBytes = 64;

// Gives every local resource that is referred to the next provisional number. Not thread-safe.
class ProvisionalCatalog : public SearchCatalog {
 public:
  ProvisionalCatalog(const ResourceSchema& schema, std::vector<std::pair<TypeId, std::string>>* targets)
      : schema_(schema), targets_(*targets) {}

  storage::CollectionId CollectionOf(TypeId type) const override { return schema_.CollectionOf(type); }
  storage::FieldId FieldOf(TypeId type, uint16_t field) const override { return schema_.FieldOf(type, field); }
  Result<std::optional<storage::Doc>> FindDoc(TypeId type, std::string_view id) override {
    const auto [found, added] = numbers_.try_emplace({type, std::string(id)}, targets_.size());
    if (added) targets_.emplace_back(type, id);
    return std::optional<storage::Doc>(found->second);
  }

 private:
  const ResourceSchema& schema_;
  std::vector<std::pair<TypeId, std::string>>& targets_;
  std::map<std::pair<TypeId, std::string>, storage::Doc> numbers_;
};

// "Patient", "Patient/a_b", "Patient/1/2", "Patient/1|x": meant for a resource, but it is none's.
bool NamesTypeOnly(const ReferenceText& parts, std::string_view text) {
  return parts.form == ReferenceText::Form::kOther && FindResourceType(text.substr(0, text.find_first_of("/|#?")));
}

}  // namespace

SearchOptions ResourceStore::search_options() const {
  return {.default_offset_minutes = options_.default_offset_minutes,
          .base_url = options_.base_url,
          .index_rules = options_.index_rules,
          .now = clock_.Now().count()};
}

Result<PreparedValues> ResourceStore::ExtractValues(json::Value resource, const Typing& typing) const {
  PreparedValues prepared;
  ProvisionalCatalog catalog(schema_, &prepared.targets);
  HILUM_ASSIGN_OR_RETURN(prepared.values, Extract(resource, typing, catalog, search_options()));
  return prepared;
}

// References wait for the numbers of what they refer to.
Status ResourceStore::PrepareEntries(TypeId type, PreparedValues* prepared) const {
  if (const auto field = schema_.IdentifierField(type)) {
    for (const auto& entry : prepared->values.entries) {
      const auto* const token = entry.field == *field ? std::get_if<storage::TokenValue>(&entry.value) : nullptr;
      if (token != nullptr) prepared->identifiers.push_back(*token);
    }
  }
  auto& entries = prepared->values.entries;
  const auto waits = [](const auto& entry) { return std::holds_alternative<storage::ReferenceValue>(entry.value); };
  storage::DocumentValues late;
  for (auto& entry : entries) {
    if (waits(entry)) late.entries.push_back(std::move(entry));
  }
  std::erase_if(entries, waits);
  prepared->entries.emplace(store_.schema(), storage::Tenant::kDefault, schema_.CollectionOf(type));
  HILUM_RETURN_IF_ERROR(prepared->entries->Add(prepared->values));
  prepared->values = std::move(late);
  return Status::Ok();
}

std::vector<LooseReference> ResourceStore::LooseReferencesIn(
    json::Value resource, const Typing& typing, const std::vector<std::pair<TypeId, std::string>>& targets) const {
  using Form = ReferenceText::Form;
  std::set<std::pair<TypeId, std::string_view>> noted(targets.begin(), targets.end());
  std::vector<LooseReference> loose;
  for (const ReferenceSite& site : ReferencesIn(resource, typing)) {
    if (!site.element) continue;
    const ReferenceText parts = ParseReference(site.text);
    const bool here = parts.type != kNoType && (parts.base.empty() || parts.base == options_.base_url);
    if (parts.form == Form::kConditional) {
      loose.push_back({.shown = std::string(TypeOf(parts.type).name) + "?..."});
    } else if (site.text.starts_with("urn:uuid:") || site.text.starts_with("urn:oid:") ||
               NamesTypeOnly(parts, site.text)) {
      loose.push_back({.shown = std::string(site.text.substr(0, kShownBytes))});
    } else if (!parts.version.empty() && here) {
      LooseReference reference{.type = parts.type, .id = std::string(parts.id)};
      reference.version = ParseDecimal(parts.version).value_or(0);
      reference.shown = std::string(TypeOf(parts.type).name) + "/" + reference.id + "/_history/" +
                        std::string(parts.version.substr(0, kShownBytes));
      loose.push_back(std::move(reference));
    } else if (here && noted.emplace(parts.type, parts.id).second) {
      loose.push_back({.type = parts.type,
                       .id = std::string(parts.id),
                       .version = 1,
                       .undeleted = true,
                       .shown = std::string(TypeOf(parts.type).name).append("/").append(parts.id)});
    }
  }
  return loose;
}

Result<PreparedVersion> ResourceStore::Prepare(json::Value resource, const Typing& typing, std::string_view id,
                                               uint64_t version) const {
  PreparedVersion prepared;
  HILUM_ASSIGN_OR_RETURN(prepared.index, ExtractValues(resource, typing));
  if (options_.references != ReferencePolicy::kOff)
    prepared.index.loose = LooseReferencesIn(resource, typing, prepared.index.targets);
  // The client's own meta.lastUpdated counts for nothing; the commit adds the true one.
  const std::optional<TypeId> type = ResourceTypeOf(resource);
  if (!type) return Invalid("the resource has no resourceType that FHIR R4 knows");
  const auto updated_field = schema_.UpdatedField(*type);
  std::erase_if(prepared.index.values.entries, [&](const auto& entry) { return entry.field == updated_field; });
  HILUM_RETURN_IF_ERROR(PrepareEntries(*type, &prepared.index));

  Identify(resource, {}, id, version, &prepared);
  return prepared;
}

void ResourceStore::Identify(json::Value resource, json::Edits edits, std::string_view id, uint64_t version,
                             PreparedVersion* prepared) const {
  const std::string number = std::to_string(version);
  json::SetIdentity(resource, {.id = id, .version_id = number, .last_updated = placeholder_}, &edits);
  prepared->bytes = edits.Apply(resource);
  prepared->updated_at = prepared->bytes.find(placeholder_);
}

std::pair<PreparedVersion, PreparedValues> ResourceStore::PrepareUnindexed(json::Value resource, json::Edits edits,
                                                                           const Version& before) const {
  std::pair<PreparedVersion, PreparedValues> prepared;
  Identify(resource, std::move(edits), before.id, before.number + 1, &prepared.first);
  prepared.second = UpdatedValueOf(before);
  return prepared;
}

std::pair<PreparedVersion, PreparedValues> ResourceStore::PrepareEdited(json::Value resource, json::Edits edits,
                                                                        const Version& before) const {
  const std::string number = std::to_string(before.number + 1);
  json::SetIdentity(resource, {.id = {}, .version_id = number, .last_updated = placeholder_}, &edits);
  return {{.edited = EditedVersion{before.number, std::move(edits)}}, UpdatedValueOf(before)};
}

std::pair<PreparedVersion, PreparedValues> ResourceStore::PrepareEdited(const Version& before,
                                                                        std::vector<std::string> texts) const {
  EditedVersion edited = *before.edited;
  texts.push_back(json::Quoted(std::to_string(before.number + 1)));
  for (size_t i = 0; i < texts.size(); ++i) edited.edits.SetText(i, std::move(texts[i]));
  return {{.edited = std::move(edited)}, UpdatedValueOf(before)};
}

PreparedValues ResourceStore::UpdatedValueOf(const Version& version) const {
  PreparedValues prepared;
  if (const auto updated = schema_.UpdatedField(version.type)) {
    prepared.values.Add(*updated, UpdatedValue(version.updated_micros));
  }
  return prepared;
}

Result<PreparedValues> ResourceStore::ExtractStored(const Version& version) const {
  HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(version.StoredBytes()));
  const Validation validation = Validate(document.root(), {.check_targets = false, .check_narrative = false});
  return ExtractValues(document.root(), validation.typing);
}

Result<PreparedValues> ResourceStore::PrepareStored(const Version& version) const {
  HILUM_ASSIGN_OR_RETURN(PreparedValues prepared, ExtractStored(version));
  HILUM_RETURN_IF_ERROR(PrepareEntries(version.type, &prepared));
  return prepared;
}

Result<storage::DocumentValues> ResourceStore::ValuesOf(const Version& version) const {
  HILUM_ASSIGN_OR_RETURN(PreparedValues prepared, ExtractStored(version));
  return std::move(prepared.values);
}

}  // namespace hilum::fhir
