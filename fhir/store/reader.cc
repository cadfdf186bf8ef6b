#include "fhir/store/reader.h"

#include <algorithm>

#include "fhir/search/dicom_param.h"
#include "fhir/store/derived.h"
#include "fhir/store/keys.h"
#include "fhir/store/rows.h"

namespace hilum::fhir {
namespace {

using storage::Doc;
using storage::Family;
using storage::Tenant;

// Reading a version takes as long as passing over so many ids.
constexpr uint64_t kHeadsPerVersion = 10;

Status Damaged(std::string_view what) {
  return Corruption("the row of " + std::string(what) + " is damaged; run hilum verify");
}

// A version as far as its first chunk holds it; `size` is what it must come to.
Result<Version> FirstChunk(Bytes row, TypeId type, Doc doc, uint64_t number, uint64_t* size) {
  Bytes rest;
  const std::optional<VersionHeader> header = DecodeVersionHeader(row, &rest);
  if (!header) return Damaged(PlaceOf(type, doc, number));
  Version version = VersionOf(*header, type, doc, number);
  version.bytes = rest;
  *size = header->size;
  return version;
}

// The chunks that the iterator stands before, until the version is whole. `prefix`: of the version's chunks.
Status AppendChunks(storage::Iterator& rows, Bytes prefix, uint64_t size, Version* version) {
  for (; version->bytes.size() < size && rows.Valid() && rows.key().starts_with(prefix); rows.Next()) {
    version->bytes += rows.value();
  }
  HILUM_RETURN_IF_ERROR(rows.status());
  if (version->bytes.size() == size) return Status::Ok();
  return Damaged(PlaceOf(version->type, version->doc, version->number));
}

// The iterator is at its first chunk.
Result<Version> ReadVersion(storage::Iterator& rows, TypeId type, Doc doc, size_t prefix_size) {
  ByteReader key(rows.key().substr(prefix_size));
  uint64_t inverse = 0, size = 0;
  if (!key.ReadBe(&inverse)) return Damaged("a resource version");
  HILUM_ASSIGN_OR_RETURN(Version version, FirstChunk(rows.value(), type, doc, ~inverse, &size));
  if (version.bytes.size() == size) return version;
  const std::string prefix(rows.key().substr(0, prefix_size + sizeof(inverse)));
  rows.Next();
  HILUM_RETURN_IF_ERROR(AppendChunks(rows, prefix, size, &version));
  return version;
}

}  // namespace

ResourceReader::ResourceReader(storage::Store& store, const ResourceSchema& schema, const DerivedResources* derived)
    : kv_(store.kv()),
      schema_(schema),
      derived_(derived),
      attributes_(store.attributes().Current()),
      snapshot_(store.kv().NewSnapshot()),
      index_(store.kv(), store.schema(), Tenant::kDefault, snapshot_.get()) {}

ResourceReader::~ResourceReader() = default;

Result<uint64_t> ResourceReader::Sequence(TypeId type) const {
  const storage::CollectionId collection = type == kNoType ? kAnyCollection : CollectionOf(type);
  HILUM_ASSIGN_OR_RETURN(const auto bytes,
                         kv_.Get(Family::kResource, SequenceKey(Tenant::kDefault, collection), snapshot_.get()));
  if (!bytes) return uint64_t{0};
  const std::optional<uint64_t> sequence = DecodeSequence(*bytes);
  if (!sequence) return Damaged("the last change");
  return *sequence;
}

std::optional<CustomParam> ResourceReader::FindCustom(TypeId type, std::string_view code) const {
  return type == schema_.imaging_study() ? DicomParam(*attributes_, schema_.images(), code) : std::nullopt;
}

std::vector<CustomParam> ResourceReader::CustomParams(TypeId type) const {
  return type == schema_.imaging_study() ? DicomParams(*attributes_, schema_.images()) : std::vector<CustomParam>();
}

Result<std::optional<Head>> ResourceReader::FindHead(TypeId type, std::string_view id) {
  if (id.size() > 64) return std::optional<Head>();  // R4 datatypes id
  HILUM_ASSIGN_OR_RETURN(
      const auto bytes, kv_.Get(Family::kResource, HeadKey(Tenant::kDefault, CollectionOf(type), id), snapshot_.get()));
  if (!bytes) return std::optional<Head>();
  const std::optional<Head> head = DecodeHead(*bytes);
  if (!head) return Damaged("a resource");
  return head;
}

Result<std::optional<Doc>> ResourceReader::FindDoc(TypeId type, std::string_view id) {
  HILUM_ASSIGN_OR_RETURN(const std::optional<Head> head, FindHead(type, id));
  return head ? std::optional(head->doc) : std::nullopt;
}

Status ResourceReader::Complete(Version* version) {
  if (!version->partial || version->derived_size > 0 || !version->replaced.empty()) return Status::Ok();
  if (derived_ == nullptr || derived_->type() != version->type) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(const std::optional<Head> head, FindHead(version->type, version->id));
  const bool newest = head && head->version == version->number;
  HILUM_ASSIGN_OR_RETURN(const auto missing, derived_->Missing(kv_, snapshot_.get(), *version, newest));
  if (!missing) return Status::Ok();
  version->derived_at = missing->begin;
  version->derived_size = missing->with.size();
  version->replaced = version->bytes.substr(missing->begin, missing->end - missing->begin);
  version->bytes.replace(missing->begin, missing->end - missing->begin, missing->with);
  return Status::Ok();
}

storage::Iterator& ResourceReader::Versions() {
  if (versions_ == nullptr) {
    const std::string all = VersionsPrefix(Tenant::kDefault);
    versions_ = kv_.NewIterator(Family::kResource, all, storage::PrefixEnd(all), snapshot_.get());
  }
  return *versions_;
}

Result<std::optional<Version>> ResourceReader::Newest(TypeId type, Doc doc, Form form) {
  const std::string prefix = VersionsPrefix(Tenant::kDefault, CollectionOf(type), doc);
  storage::Iterator& rows = Versions();
  rows.Seek(prefix);
  HILUM_RETURN_IF_ERROR(rows.status());
  if (!rows.Valid() || !rows.key().starts_with(prefix)) return std::optional<Version>();
  HILUM_ASSIGN_OR_RETURN(Version version, ReadVersion(rows, type, doc, prefix.size()));
  HILUM_ASSIGN_OR_RETURN(version, Assemble(std::move(version), form));
  return std::optional(std::move(version));
}

Result<std::vector<ResourceReader::Named>> ResourceReader::IdsOf(TypeId type, const storage::Bitmap& docs) {
  std::vector<Named> named;
  for (const Doc doc : docs.ToVector()) {
    HILUM_ASSIGN_OR_RETURN(auto version, Newest(type, doc, Form::kStored));
    if (!version) return Damaged("a resource version");
    named.push_back({std::move(version->id), doc});
  }
  return named;
}

Result<std::vector<ResourceReader::Named>> ResourceReader::InOrderOfIds(TypeId type, const storage::Bitmap& docs,
                                                                        const std::string& after, bool descending,
                                                                        size_t limit) {
  std::vector<Named> named;
  const uint64_t count = docs.Count();
  if (count == 0) return named;
  // Ids of all resources of the type lie in their order: the rarer those wanted, the more have to be passed over.
  const uint64_t of_type = uint64_t{*docs.Select(count - 1)} + 1;
  if (count * kHeadsPerVersion < of_type / count * std::min<uint64_t>(limit, count)) {
    HILUM_ASSIGN_OR_RETURN(named, IdsOf(type, docs));
    std::erase_if(
        named, [&](const Named& each) { return !after.empty() && (descending ? each.id >= after : each.id <= after); });
    std::ranges::sort(named, [&](const Named& a, const Named& b) { return descending ? b.id < a.id : a.id < b.id; });
    if (named.size() > limit) named.resize(limit);
    return named;
  }
  const std::string prefix = HeadKey(Tenant::kDefault, CollectionOf(type), {});
  const std::string last = prefix + after;
  const auto rows = kv_.NewIterator(Family::kResource, after.empty() || descending ? prefix : last + '\0',
                                    after.empty() || !descending ? storage::PrefixEnd(prefix) : last, snapshot_.get());
  for (descending ? rows->SeekToLast() : rows->SeekToFirst(); rows->Valid() && named.size() < limit;
       descending ? rows->Prev() : rows->Next()) {
    const std::optional<Head> head = DecodeHead(rows->value());
    if (!head) return Damaged("a resource's id");
    if (docs.Contains(head->doc)) named.push_back({std::string(rows->key().substr(prefix.size())), head->doc});
  }
  HILUM_RETURN_IF_ERROR(rows->status());
  return named;
}

Result<Version> ResourceReader::Assemble(Version version, Form form) {
  if (version.edited) {
    HILUM_ASSIGN_OR_RETURN(const auto base, ReadRow(version.type, version.doc, version.edited->base));
    if (!base) return Damaged(PlaceOf(version.type, version.doc, version.edited->base));
    HILUM_RETURN_IF_ERROR(ApplyEdits(*base, &version));
  }
  if (form == Form::kWhole) HILUM_RETURN_IF_ERROR(Complete(&version));
  return version;
}

Result<std::optional<Version>> ResourceReader::At(TypeId type, Doc doc, uint64_t number, Form form) {
  HILUM_ASSIGN_OR_RETURN(std::optional<Version> version, ReadRow(type, doc, number));
  if (!version) return version;
  HILUM_ASSIGN_OR_RETURN(version, Assemble(*std::move(version), form));
  return version;
}

Result<std::optional<Version>> ResourceReader::ReadRow(TypeId type, Doc doc, uint64_t number) {
  const auto chunk = [&](uint16_t place) {
    return VersionKey(Tenant::kDefault, CollectionOf(type), doc, number, place);
  };
  HILUM_ASSIGN_OR_RETURN(const auto first, kv_.Get(Family::kResource, chunk(0), snapshot_.get()));
  if (!first) return std::optional<Version>();
  uint64_t size = 0;
  HILUM_ASSIGN_OR_RETURN(Version version, FirstChunk(*first, type, doc, number, &size));
  if (version.bytes.size() != size) {
    const auto rows = kv_.NewIterator(Family::kResource, chunk(1), chunk(UINT16_MAX), snapshot_.get());
    rows->SeekToFirst();
    HILUM_RETURN_IF_ERROR(AppendChunks(*rows, Bytes(), size, &version));
  }
  return std::optional(std::move(version));
}

Status ResourceReader::ScanVersions(TypeId type, const std::function<bool(Result<Version>)>& visit) {
  const std::string prefix = VersionsPrefix(Tenant::kDefault, CollectionOf(type));
  const auto rows = kv_.NewIterator(Family::kResource, prefix, storage::PrefixEnd(prefix), snapshot_.get());
  rows->SeekToFirst();
  while (rows->Valid()) {
    // Behind every chunk that the version can have.
    const std::string next = storage::PrefixEnd(rows->key().substr(0, prefix.size() + sizeof(Doc) + sizeof(uint64_t)));
    ByteReader key(rows->key().substr(prefix.size()));
    Doc doc = 0;
    const bool named = key.ReadBe(&doc);
    Result<Version> version =
        named ? ReadVersion(*rows, type, doc, prefix.size() + sizeof(Doc)) : Damaged("a resource version");
    if (version.ok()) version = Assemble(*std::move(version), Form::kStored);
    if (!visit(std::move(version))) break;
    rows->Seek(next);
  }
  return rows->status();
}

Result<std::vector<Doc>> ResourceReader::FindIdentifier(TypeId type, const storage::TokenValue& identifier,
                                                        size_t limit) {
  const std::string prefix = IdentifierPrefix(Tenant::kDefault, CollectionOf(type), identifier);
  const auto rows = kv_.NewIterator(Family::kResource, prefix, storage::PrefixEnd(prefix), snapshot_.get());
  std::vector<Doc> docs;
  for (rows->SeekToFirst(); rows->Valid() && docs.size() < limit; rows->Next()) {
    ByteReader key(rows->key().substr(prefix.size()));
    Doc doc = 0;
    if (!key.ReadBe(&doc)) return Damaged("an identifier");
    docs.push_back(doc);
  }
  HILUM_RETURN_IF_ERROR(rows->status());
  return docs;
}

}  // namespace hilum::fhir
