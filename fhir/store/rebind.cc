// The index follows when the settings change that it depends on.
#include <algorithm>

#include "fhir/store/keys.h"
#include "fhir/store/settings.h"
#include "fhir/store/store.h"

namespace hilum::fhir {
namespace {

using storage::Family;
using storage::Tenant;

// Resources that are indexed anew in one commit.
constexpr size_t kAtOnce = 256;

// Whether the values of a resource may be others by other settings. Without a zone to go by, only references below one
// of the two URLs are; JSON may write a URL with escapes.
bool MayDiffer(Bytes resource, const IndexSettings& from, const IndexSettings& to) {
  if (from.default_offset_minutes != to.default_offset_minutes) return true;
  if (from.index_rules != to.index_rules && resource.find("boundsPeriod") != resource.npos) return true;
  if (resource.find("\\/") != resource.npos || resource.find("\\u") != resource.npos) return true;
  const auto has = [&](const std::string& url) { return !url.empty() && resource.find(url) != resource.npos; };
  return has(from.base_url) || has(to.base_url);
}

}  // namespace

Status ResourceStore::BindSettings() {
  HILUM_ASSIGN_OR_RETURN(const auto bound, store_.kv().Get(Family::kResource, SettingsKey(Tenant::kDefault)));
  const IndexSettings wanted{options_.base_url, options_.default_offset_minutes, options_.index_rules};
  if (!bound) {
    return store_.writer()
        .Run([&](storage::Txn& txn) {
          txn.Put(Family::kResource, SettingsKey(Tenant::kDefault), EncodeSettings(wanted));
          return Status::Ok();
        })
        .status();
  }
  HILUM_ASSIGN_OR_RETURN(IndexSettings settings, DecodeSettings(*bound));
  HILUM_ASSIGN_OR_RETURN(const auto begun, store_.kv().Get(Family::kResource, SettingsChangeKey(Tenant::kDefault)));
  if (begun) {
    HILUM_ASSIGN_OR_RETURN(const SettingsChange change, DecodeChange(*begun));
    HILUM_RETURN_IF_ERROR(Rebind(settings, change));
    settings = change.to;
  }
  return settings == wanted ? Status::Ok() : Rebind(settings, {.to = wanted});
}

Status ResourceStore::Rebind(const IndexSettings& from, SettingsChange change) {
  const auto with = [&](const IndexSettings& settings) {
    ResourceStoreOptions options;
    options.base_url = settings.base_url;
    options.default_offset_minutes = settings.default_offset_minutes;
    options.index_rules = settings.index_rules;
    return std::unique_ptr<ResourceStore>(new ResourceStore(store_, std::move(options), schema_, clock_, random_));
  };
  const auto old = with(from), now = with(change.to);
  const auto reader = Read();
  uint64_t done = 0;
  for (const TypeId type : ResourceTypes()) {
    const std::string name(TypeOf(type).name);
    if (name < change.type) continue;
    HILUM_ASSIGN_OR_RETURN(const storage::Bitmap live, reader->index().Live(schema_.CollectionOf(type)));
    std::vector<storage::Doc> docs = live.ToVector();
    if (name == change.type) std::erase_if(docs, [&](storage::Doc doc) { return doc < change.doc; });
    for (size_t begin = 0; begin < docs.size(); begin += kAtOnce) {
      const std::span batch = std::span(docs).subspan(begin, std::min(kAtOnce, docs.size() - begin));
      std::vector<IndexChange> changes;
      const auto add = [&](storage::Doc doc) -> Status {
        HILUM_ASSIGN_OR_RETURN(const auto version, reader->Newest(type, doc, Form::kStored));
        if (!version || version->deleted() || !MayDiffer(version->bytes, from, change.to)) return Status::Ok();
        HILUM_ASSIGN_OR_RETURN(PreparedValues before, old->PrepareStored(*version));
        HILUM_ASSIGN_OR_RETURN(PreparedValues after, now->PrepareStored(*version));
        changes.push_back({doc, std::move(before), std::move(after)});
        return Status::Ok();
      };
      for (const storage::Doc doc : batch) {
        if (const Status added = add(doc); !added.ok()) HILUM_RETURN_IF_ERROR(LeaveAsItIs(type, doc, added));
      }
      change.type = name;
      change.doc = batch.back() + 1;
      done += batch.size();
      if (options_.on_rebound) options_.on_rebound(done);
      if (changes.empty()) continue;
      HILUM_RETURN_IF_ERROR(store_.writer()
                                .Run([&](storage::Txn& txn) -> Status {
                                  ResourceTxn resources(*this, txn);
                                  for (IndexChange& each : changes) {
                                    HILUM_RETURN_IF_ERROR(resources.ReplaceInIndex(type, std::move(each)));
                                  }
                                  txn.Put(Family::kResource, SettingsChangeKey(Tenant::kDefault), EncodeChange(change));
                                  return Status::Ok();
                                })
                                .status());
    }
  }
  return store_.writer()
      .Run([&](storage::Txn& txn) {
        txn.Put(Family::kResource, SettingsKey(Tenant::kDefault), EncodeSettings(change.to));
        txn.Delete(Family::kResource, SettingsChangeKey(Tenant::kDefault));
        return Status::Ok();
      })
      .status();
}

}  // namespace hilum::fhir
