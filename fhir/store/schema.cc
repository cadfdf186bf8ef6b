#include "fhir/store/schema.h"

#include <algorithm>

#include "fhir/store/keys.h"

namespace hilum::fhir {
namespace {

using storage::Family;
using storage::Tenant;

// Below are the collections of images (storage/catalogue).
constexpr uint16_t kFirstCollection = 0x100;
constexpr const char* kImagingStudy = "ImagingStudy";
constexpr const char* kImagesField = "#images";

std::string NameOf(const std::string& type, const std::string& field) {
  return type + '\0' + field;
}

// Numbers by name, with new ones for new names.
class Numbers {
 public:
  Status Load(const storage::Kv& kv) {
    const std::string prefix = NumberKey(Tenant::kDefault, "");
    const auto rows = kv.NewIterator(Family::kResource, prefix, storage::PrefixEnd(prefix));
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
      if (rows->value().size() != 2)
        return Corruption("the number of a FHIR search field is damaged: restore a backup");
      Keep(std::string(rows->key().substr(prefix.size())), LoadBe<uint16_t>(rows->value().data()));
    }
    return rows->status();
  }

  uint16_t Of(const std::string& type) { return Number(type, &next_collection_); }
  uint16_t Of(const std::string& type, const std::string& field) {
    return Number(NameOf(type, field), &next_field_[type]);
  }

  bool Has(const std::string& name) const { return numbers_.contains(name); }
  std::vector<std::pair<std::string, uint16_t>> TakeNew() { return std::move(new_); }

 private:
  void Keep(const std::string& name, uint16_t number) {
    numbers_[name] = number;
    const size_t end_of_type = name.find('\0');
    uint16_t& next = end_of_type == std::string::npos ? next_collection_ : next_field_[name.substr(0, end_of_type)];
    next = std::max<uint16_t>(next, number + 1);
  }
  uint16_t Number(const std::string& name, const uint16_t* next) {
    const auto found = numbers_.find(name);
    if (found != numbers_.end()) return found->second;
    const uint16_t number = std::max<uint16_t>(*next, 1);
    Keep(name, number);
    new_.emplace_back(name, number);
    return number;
  }

  std::map<std::string, uint16_t> numbers_;
  uint16_t next_collection_ = kFirstCollection;
  std::map<std::string, uint16_t> next_field_;
  std::vector<std::pair<std::string, uint16_t>> new_;
};

}  // namespace

Result<ResourceSchema> ResourceSchema::Open(storage::Store& store) {
  Numbers numbers;
  HILUM_RETURN_IF_ERROR(numbers.Load(store.kv()));
  ResourceSchema schema;
  schema.types_.resize(Types().size());
  for (const TypeId type : ResourceTypes()) {
    const std::string name(TypeOf(type).name);
    Entry& entry = schema.types_[static_cast<size_t>(type)];
    const bool known = numbers.Has(name);
    entry.collection = storage::CollectionId{numbers.Of(name)};
    schema.by_collection_[entry.collection] = type;
    for (const SearchField& field : FieldsOf(type)) {
      const bool added = known && !numbers.Has(NameOf(name, field.name));
      const storage::FieldId id{numbers.Of(name, field.name)};
      if (added) schema.new_fields_[type].push_back(id);
      entry.fields.push_back(id);
      store.AddField(entry.collection, {.id = id,
                                        .kind = field.kind,
                                        .sortable = field.sortable,
                                        .contains = field.kind == storage::FieldKind::kString});
    }
    entry.updated = schema.FieldOfParam(type, "_lastUpdated");
    entry.identifier = schema.FieldOfParam(type, "identifier");
    if (name != kImagingStudy) continue;
    schema.imaging_study_ = type;
    schema.images_ = storage::FieldId{numbers.Of(name, kImagesField)};
    store.AddField(entry.collection, {.id = schema.images_, .kind = storage::FieldKind::kReference});
  }
  schema.new_numbers_ = numbers.TakeNew();
  return schema;
}

Status ResourceSchema::SaveNew(storage::Store& store) const {
  if (new_numbers_.empty()) return Status::Ok();
  return store.writer()
      .Run([this](storage::Txn& txn) {
        for (const auto& [name, number] : new_numbers_) {
          std::string value;
          AppendBe<uint16_t>(&value, number);
          txn.Put(Family::kResource, NumberKey(Tenant::kDefault, name), value);
        }
        return Status::Ok();
      })
      .status()
      .WithContext("number the FHIR search fields");
}

std::optional<TypeId> ResourceSchema::TypeOfCollection(storage::CollectionId collection) const {
  const auto found = by_collection_.find(collection);
  return found == by_collection_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<storage::FieldId> ResourceSchema::FieldOfParam(TypeId type, std::string_view code) const {
  const SearchParam* param = FindSearchParam(type, code);
  if (param == nullptr || param->field == kNoField) return std::nullopt;
  return FieldOf(type, param->field);
}

}  // namespace hilum::fhir
