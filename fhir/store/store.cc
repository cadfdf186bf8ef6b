#include "fhir/store/store.h"

#include <algorithm>

#include "base/time_text.h"
#include "fhir/store/keys.h"
#include "fhir/store/settings.h"
#include "storage/log/change_log.h"

namespace hilum::fhir {
namespace {

using storage::Family;
using storage::Tenant;

constexpr size_t kInstantSize = 24;
// Resources that are indexed anew in one commit.
constexpr size_t kFilledAtOnce = 256;

}  // namespace

std::string Instant(int64_t micros) {
  return TimestampText(Micros(micros), Fraction::kMillis);
}

Result<std::unique_ptr<ResourceStore>> ResourceStore::Open(storage::Store& store, ResourceStoreOptions options,
                                                           const Clock& clock, Random& random) {
  HILUM_ASSIGN_OR_RETURN(ResourceSchema schema, ResourceSchema::Open(store));
  std::unique_ptr<ResourceStore> resources(
      new ResourceStore(store, std::move(options), std::move(schema), clock, random));
  HILUM_RETURN_IF_ERROR(resources->LoadLastTime());
  HILUM_RETURN_IF_ERROR(resources->FillNewFields().WithContext("index resources by new search parameters"));
  HILUM_RETURN_IF_ERROR(resources->BindSettings().WithContext("index resources by other settings"));
  HILUM_RETURN_IF_ERROR(resources->schema_.SaveNew(store));
  return resources;
}

Status ResourceStore::LoadLastTime() {
  HILUM_ASSIGN_OR_RETURN(const uint64_t sequence, Read()->Sequence());
  if (sequence == 0) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(const auto newest, storage::ReadChanges(store_.kv(), Tenant::kDefault, sequence - 1, 1));
  if (!newest.empty() && newest.front().sequence == sequence) last_micros_ = newest.front().time_micros;
  return Status::Ok();
}

Status ResourceStore::FillNewFields() {
  for (const auto& [type, fields] : schema_.new_fields()) HILUM_RETURN_IF_ERROR(Fill(type, fields));
  return Status::Ok();
}

Status ResourceStore::LeaveAsItIs(TypeId type, storage::Doc doc, const Status& failure) const {
  if (!IsOfRows(failure)) return failure;
  options_.log.Error("a resource is not indexed anew",
                     {{"type", TypeOf(type).name}, {"document", uint64_t{doc}}, {"reason", failure.message()}});
  return Status::Ok();
}

Result<PreparedValues> ResourceStore::ValuesOfNewest(ResourceReader& reader, TypeId type, storage::Doc doc) const {
  HILUM_ASSIGN_OR_RETURN(const auto version, reader.Newest(type, doc, Form::kStored));
  if (!version || version->deleted()) return PreparedValues();
  HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(version->bytes));
  const Validation validation = Validate(document.root(), {.check_targets = false, .check_narrative = false});
  return ExtractValues(document.root(), validation.typing);
}

Status ResourceStore::Fill(TypeId type, const std::vector<storage::FieldId>& fields) {
  const auto reader = Read();
  HILUM_ASSIGN_OR_RETURN(const storage::Bitmap live, reader->index().Live(schema_.CollectionOf(type)));
  const std::vector<storage::Doc> docs = live.ToVector();
  for (size_t begin = 0; begin < docs.size(); begin += kFilledAtOnce) {
    const auto fill = [&](storage::Txn& txn) -> Status {
      ResourceTxn resources(*this, txn);
      for (size_t i = begin; i < std::min(begin + kFilledAtOnce, docs.size()); ++i) {
        auto prepared = ValuesOfNewest(*reader, type, docs[i]);
        if (!prepared.ok()) {
          HILUM_RETURN_IF_ERROR(LeaveAsItIs(type, docs[i], prepared.status()));
          continue;
        }
        std::erase_if(prepared->values.entries,
                      [&](const auto& entry) { return std::ranges::find(fields, entry.field) == fields.end(); });
        if (prepared->values.entries.empty()) continue;
        HILUM_RETURN_IF_ERROR(resources.AddToIndex(type, docs[i], *std::move(prepared)));
      }
      return Status::Ok();
    };
    HILUM_RETURN_IF_ERROR(store_.writer().Run(fill).status());
  }
  return Status::Ok();
}

Result<std::unique_ptr<ResourceStore>> ResourceStore::OpenAsBound(storage::Store& store, ResourceStoreOptions options,
                                                                  const Clock& clock, Random& random) {
  HILUM_ASSIGN_OR_RETURN(const auto bound, store.kv().Get(Family::kResource, SettingsKey(Tenant::kDefault)));
  if (!bound) return std::unique_ptr<ResourceStore>();
  HILUM_ASSIGN_OR_RETURN(IndexSettings settings, DecodeSettings(*bound));
  HILUM_ASSIGN_OR_RETURN(const auto begun, store.kv().Get(Family::kResource, SettingsChangeKey(Tenant::kDefault)));
  if (begun) {
    HILUM_ASSIGN_OR_RETURN(const SettingsChange change, DecodeChange(*begun));
    settings = change.to;
  }
  options.base_url = settings.base_url;
  options.default_offset_minutes = settings.default_offset_minutes;
  options.index_rules = settings.index_rules;
  return Open(store, std::move(options), clock, random);
}

ResourceStore::ResourceStore(storage::Store& store, ResourceStoreOptions options, ResourceSchema schema,
                             const Clock& clock, Random& random)
    : store_(store),
      options_(std::move(options)),
      schema_(std::move(schema)),
      clock_(clock),
      random_(random),
      placeholder_(random.Hex(kInstantSize / 2)) {}

std::unique_ptr<ResourceReader> ResourceStore::Read() {
  return std::make_unique<ResourceReader>(store_, schema_, derived_);
}

}  // namespace hilum::fhir
