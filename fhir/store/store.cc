#include "fhir/store/store.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "fhir/store/keys.h"
#include "storage/log/change_log.h"

namespace hilum::fhir {
namespace {

using storage::Family;
using storage::Tenant;

constexpr size_t kInstantSize = 24;
// Resources that are indexed anew in one commit.
constexpr size_t kFilledAtOnce = 256;

std::string BindingOf(const ResourceStoreOptions& options) {
  return std::to_string(options.default_offset_minutes) + " " + options.base_url;
}

// Resources that the server makes itself have no URLs of itself in references.
Result<bool> HasOnlyOwnResources(storage::Store& store, const ResourceSchema& schema) {
  for (const TypeId type : ResourceTypes()) {
    const std::string_view name = TypeOf(type).name;
    if (name == "ImagingStudy" || name == "Endpoint") continue;
    HILUM_ASSIGN_OR_RETURN(const auto sequence,
                           store.kv().Get(Family::kResource, SequenceKey(Tenant::kDefault, schema.CollectionOf(type))));
    if (sequence) return false;
  }
  return true;
}

// What the search values depend on is kept with them.
Status BindSettings(storage::Store& store, const ResourceSchema& schema, const ResourceStoreOptions& options,
                    bool empty) {
  HILUM_ASSIGN_OR_RETURN(const auto bound, store.kv().Get(Family::kResource, SettingsKey(Tenant::kDefault)));
  const std::string wanted = BindingOf(options);
  if (bound == wanted) return Status::Ok();
  bool fits = !bound || empty;
  if (!fits && bound->starts_with(std::to_string(options.default_offset_minutes) + " ")) {
    HILUM_ASSIGN_OR_RETURN(fits, HasOnlyOwnResources(store, schema));
  }
  if (!fits) {
    return Invalid("the FHIR resources in this store were indexed with another public URL or default time zone (\"" +
                   *bound + "\", now \"" + wanted +
                   "\": minutes and URL); set them back, or export and import the resources");
  }
  return store.writer()
      .Run([&](storage::Txn& txn) {
        txn.Put(Family::kResource, SettingsKey(Tenant::kDefault), wanted);
        return Status::Ok();
      })
      .status();
}

}  // namespace

std::string Instant(int64_t micros) {
  using std::chrono::days, std::chrono::microseconds, std::chrono::milliseconds, std::chrono::floor;
  const std::chrono::sys_time<milliseconds> time(floor<milliseconds>(microseconds(micros)));
  const auto midnight = floor<days>(time);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss clock(time - midnight);
  std::string text = "0000-00-00T00:00:00.000Z";
  const auto put = [&text](size_t end, auto number) {  // the last digit in front of `end`
    for (auto rest = static_cast<uint64_t>(number); rest > 0; rest /= 10)
      text[--end] = static_cast<char>('0' + rest % 10);
  };
  put(4, (static_cast<int>(date.year()) % 10000 + 10000) % 10000);
  put(7, static_cast<unsigned>(date.month()));
  put(10, static_cast<unsigned>(date.day()));
  put(13, clock.hours().count());
  put(16, clock.minutes().count());
  put(19, clock.seconds().count());
  put(23, clock.subseconds().count());
  return text;
}

Result<std::unique_ptr<ResourceStore>> ResourceStore::Open(storage::Store& store, ResourceStoreOptions options,
                                                           const Clock& clock, Random& random) {
  HILUM_ASSIGN_OR_RETURN(ResourceSchema schema, ResourceSchema::Open(store));
  HILUM_ASSIGN_OR_RETURN(const uint64_t sequence, ResourceReader(store, schema, nullptr).Sequence());
  HILUM_RETURN_IF_ERROR(BindSettings(store, schema, options, sequence == 0));
  std::unique_ptr<ResourceStore> resources(
      new ResourceStore(store, std::move(options), std::move(schema), clock, random));
  HILUM_RETURN_IF_ERROR(resources->LoadLastTime());
  HILUM_RETURN_IF_ERROR(resources->FillNewFields().WithContext("index resources by new search parameters"));
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
  for (const auto& [type, fields] : schema_.new_fields()) {
    const auto reader = Read();
    HILUM_ASSIGN_OR_RETURN(const storage::Bitmap live, reader->index().Live(schema_.CollectionOf(type)));
    const std::vector<storage::Doc> docs = live.ToVector();
    for (size_t begin = 0; begin < docs.size(); begin += kFilledAtOnce) {
      const auto fill = [&](storage::Txn& txn) -> Status {
        ResourceTxn resources(*this, txn);
        for (size_t i = begin; i < std::min(begin + kFilledAtOnce, docs.size()); ++i) {
          HILUM_ASSIGN_OR_RETURN(const auto version, reader->Newest(type, docs[i], Form::kStored));
          if (!version || version->deleted()) continue;
          HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(version->bytes));
          const Validation validation = Validate(document.root(), {.check_targets = false, .check_narrative = false});
          HILUM_ASSIGN_OR_RETURN(PreparedValues prepared, ExtractValues(document.root(), validation.typing));
          std::erase_if(prepared.values.entries,
                        [&](const auto& entry) { return std::ranges::find(fields, entry.field) == fields.end(); });
          if (prepared.values.entries.empty()) continue;
          HILUM_RETURN_IF_ERROR(resources.AddToIndex(type, docs[i], std::move(prepared)));
        }
        return Status::Ok();
      };
      HILUM_RETURN_IF_ERROR(store_.writer().Run(fill).status());
    }
  }
  return Status::Ok();
}

Result<std::unique_ptr<ResourceStore>> ResourceStore::OpenAsBound(storage::Store& store, const Clock& clock,
                                                                  Random& random) {
  HILUM_ASSIGN_OR_RETURN(const auto bound, store.kv().Get(Family::kResource, SettingsKey(Tenant::kDefault)));
  if (!bound) return std::unique_ptr<ResourceStore>();
  const size_t space = bound->find(' ');
  ResourceStoreOptions options;
  const auto [end, error] =
      std::from_chars(bound->data(), bound->data() + std::min(space, bound->size()), options.default_offset_minutes);
  if (space == std::string::npos || error != std::errc() || end != bound->data() + space) {
    return Corruption("the settings that the FHIR resources were indexed with are damaged; restore a backup");
  }
  options.base_url = bound->substr(space + 1);
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
