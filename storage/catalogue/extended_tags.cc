#include "storage/catalogue/extended_tags.h"

#include <algorithm>

namespace hilum::storage {
namespace {

// First byte of every row: readers refuse what a newer version wrote.
constexpr char kRowVersion = 1;
// Kinds of keys, beside those of rows.cc.
constexpr char kTagKey = 't', kOperationKey = 'o', kErrorKey = 'x', kGenerationKey = 'g';

std::string KeyOf(Tenant tenant, char kind) {
  std::string key;
  AppendTenant(&key, tenant);
  key.push_back(kind);
  return key;
}

void AppendPath(std::string* out, const dicom::TagPath& path) {
  AppendVarint(out, path.size());
  for (const dicom::Tag tag : path) AppendBe<uint32_t>(out, tag.packed());
}

bool ReadPath(ByteReader* in, dicom::TagPath* path) {
  uint64_t depth = 0;
  if (!in->ReadVarint(&depth)) return false;
  for (uint64_t i = 0; i < depth; ++i) {
    uint32_t packed = 0;
    if (!in->ReadBe(&packed)) return false;
    path->emplace_back(packed);
  }
  return true;
}

bool ReadLevel(ByteReader* in, Level* level) {
  uint8_t number = 0;
  if (!in->ReadLe(&number) || number < 1 || number > 4) return false;
  *level = static_cast<Level>(number);
  return true;
}

std::string Encode(const ExtendedTag& tag) {
  std::string out(1, kRowVersion);
  AppendPath(&out, tag.path);
  out.append(tag.vr.text());
  AppendSized(&out, tag.private_creator);
  AppendLe(&out, static_cast<uint8_t>(tag.level));
  AppendVarint(&out, tag.slot);
  AppendLe(&out, static_cast<uint8_t>(tag.status));
  AppendLe(&out, static_cast<uint8_t>(tag.enabled));
  AppendVarint(&out, tag.errors);
  AppendSized(&out, tag.operation);
  return out;
}

Status Damaged() {
  return Corruption("a row of the extended query tags is damaged; restore a backup");
}

Result<ExtendedTag> DecodeTag(Bytes bytes) {
  ByteReader in(bytes);
  ExtendedTag tag;
  char version = 0;
  Bytes vr;
  uint64_t slot = 0;
  uint8_t status = 0, enabled = 0;
  if (!in.ReadLe(&version) || version != kRowVersion || !ReadPath(&in, &tag.path) || !in.ReadBytes(2, &vr) ||
      !in.ReadSized(&tag.private_creator) || !ReadLevel(&in, &tag.level) || !in.ReadVarint(&slot) ||
      slot >= kExtendedSlots || !in.ReadLe(&status) || status < 1 || status > 3 || !in.ReadLe(&enabled) ||
      !in.ReadVarint(&tag.errors) || !in.ReadSized(&tag.operation) || tag.path.empty())
    return Damaged();
  tag.vr = dicom::Vr(vr[0], vr[1]);
  tag.slot = static_cast<uint16_t>(slot);
  tag.status = static_cast<TagStatus>(status);
  tag.enabled = enabled != 0;
  return tag;
}

std::string Encode(const TagOperation& operation) {
  std::string out(1, kRowVersion);
  AppendSized(&out, operation.id);
  AppendLe(&out, static_cast<uint8_t>(operation.status));
  AppendLe(&out, static_cast<uint8_t>(operation.removes));
  AppendVarint(&out, operation.tags.size());
  for (const dicom::TagPath& path : operation.tags) AppendPath(&out, path);
  AppendLe(&out, operation.created_micros);
  AppendLe(&out, operation.updated_micros);
  AppendLe(&out, static_cast<uint8_t>(operation.level));
  AppendLe<uint32_t>(&out, operation.next);
  AppendVarint(&out, operation.done);
  AppendVarint(&out, operation.total);
  return out;
}

Result<TagOperation> DecodeOperation(Bytes bytes) {
  ByteReader in(bytes);
  TagOperation operation;
  char version = 0;
  uint8_t status = 0, removes = 0;
  uint64_t tags = 0;
  if (!in.ReadLe(&version) || version != kRowVersion || !in.ReadSized(&operation.id) || !in.ReadLe(&status) ||
      status < 1 || status > 3 || !in.ReadLe(&removes) || !in.ReadVarint(&tags))
    return Damaged();
  for (uint64_t i = 0; i < tags; ++i)
    if (!ReadPath(&in, &operation.tags.emplace_back())) return Damaged();
  if (!in.ReadLe(&operation.created_micros) || !in.ReadLe(&operation.updated_micros) ||
      !ReadLevel(&in, &operation.level) || !in.ReadLe(&operation.next) || !in.ReadVarint(&operation.done) ||
      !in.ReadVarint(&operation.total))
    return Damaged();
  operation.status = static_cast<OperationStatus>(status);
  operation.removes = removes != 0;
  return operation;
}

std::string TagKey(Tenant tenant, const dicom::TagPath& path) {
  std::string key = KeyOf(tenant, kTagKey);
  AppendPath(&key, path);
  return key;
}

std::string ErrorPrefix(Tenant tenant, const dicom::TagPath& path) {
  std::string key = KeyOf(tenant, kErrorKey);
  AppendPath(&key, path);
  return key;
}

std::string ErrorKey(Tenant tenant, const dicom::TagPath& path, Doc instance) {
  std::string key = ErrorPrefix(tenant, path);
  AppendBe<uint32_t>(&key, instance);
  return key;
}

// What `decode` makes of every row whose key begins with `prefix`, in order of the keys.
template <class Row>
Result<std::vector<Row>> ReadRows(const Kv& kv, const std::string& prefix, Result<Row> (*decode)(Bytes)) {
  std::vector<Row> decoded;
  const auto rows = kv.NewIterator(Family::kCatalogue, prefix, PrefixEnd(prefix));
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    HILUM_ASSIGN_OR_RETURN(decoded.emplace_back(), decode(rows->value()));
  }
  HILUM_RETURN_IF_ERROR(rows->status());
  return decoded;
}

// nullopt when there is none.
template <class Row>
Result<std::optional<Row>> ReadRow(const Kv& kv, const std::string& key, Result<Row> (*decode)(Bytes)) {
  HILUM_ASSIGN_OR_RETURN(const auto bytes, kv.Get(Family::kCatalogue, key));
  if (!bytes) return std::optional<Row>();
  HILUM_ASSIGN_OR_RETURN(Row row, decode(*bytes));
  return std::optional<Row>(std::move(row));
}

}  // namespace

uint32_t TagOperation::percent() const {
  if (status == OperationStatus::kCompleted) return 100;
  return total == 0 ? 0 : static_cast<uint32_t>(std::min<uint64_t>(done * 100 / total, 99));
}

std::string PathText(const dicom::TagPath& path) {
  std::string text;
  for (const dicom::Tag tag : path) text.append(text.empty() ? "" : ".").append(dicom::ToHex(tag));
  return text;
}

std::shared_ptr<const AttributeTable> TableOf(std::span<const ExtendedTag> tags) {
  if (tags.empty()) return AttributeTable::BuiltIn();
  std::vector<CatalogueAttribute> extended;
  for (const ExtendedTag& tag : tags) {
    const Matching matching = MatchingOf(tag.vr);
    extended.push_back({.level = tag.level,
                        .path = tag.path,
                        .matching = matching,
                        .field = ExtendedField(KindOf(matching), tag.slot),
                        .in_every_row = false,
                        .kept = tag.status != TagStatus::kDeleting,
                        .searchable = tag.status == TagStatus::kReady && tag.enabled,
                        .incomplete = tag.errors > 0,
                        .vr = tag.vr,
                        .private_creator = tag.private_creator});
  }
  return std::make_shared<const AttributeTable>(std::move(extended));
}

Result<std::vector<ExtendedTag>> ReadTags(const Kv& kv, Tenant tenant) {
  return ReadRows(kv, KeyOf(tenant, kTagKey), DecodeTag);
}

Result<std::vector<ExtendedTag>> ReadTags(Txn& txn, Tenant tenant) {
  std::vector<ExtendedTag> tags;
  const std::string prefix = KeyOf(tenant, kTagKey);
  HILUM_ASSIGN_OR_RETURN(const auto rows, txn.Scan(Family::kCatalogue, prefix, PrefixEnd(prefix)));
  for (const auto& [key, value] : rows) {
    HILUM_ASSIGN_OR_RETURN(tags.emplace_back(), DecodeTag(value));
  }
  return tags;
}

Result<std::optional<ExtendedTag>> ReadTag(const Kv& kv, Tenant tenant, const dicom::TagPath& path) {
  return ReadRow(kv, TagKey(tenant, path), DecodeTag);
}

void PutTag(Txn& txn, Tenant tenant, const ExtendedTag& tag) {
  txn.Put(Family::kCatalogue, TagKey(tenant, tag.path), Encode(tag));
}

Status DeleteTag(Txn& txn, Tenant tenant, const dicom::TagPath& path) {
  txn.Delete(Family::kCatalogue, TagKey(tenant, path));
  const std::string errors = ErrorPrefix(tenant, path);
  HILUM_ASSIGN_OR_RETURN(const auto rows, txn.Scan(Family::kCatalogue, errors, PrefixEnd(errors)));
  for (const auto& [error, value] : rows) txn.Delete(Family::kCatalogue, error);
  return Status::Ok();
}

Result<std::vector<TagOperation>> ReadOperations(const Kv& kv, Tenant tenant) {
  HILUM_ASSIGN_OR_RETURN(auto operations, ReadRows(kv, KeyOf(tenant, kOperationKey), DecodeOperation));
  std::ranges::stable_sort(operations, {}, &TagOperation::created_micros);
  return operations;
}

Result<std::optional<TagOperation>> ReadOperation(const Kv& kv, Tenant tenant, const std::string& id) {
  return ReadRow(kv, KeyOf(tenant, kOperationKey) + id, DecodeOperation);
}

void PutOperation(Txn& txn, Tenant tenant, const TagOperation& operation) {
  txn.Put(Family::kCatalogue, KeyOf(tenant, kOperationKey) + operation.id, Encode(operation));
}

void PutTagError(Txn& txn, Tenant tenant, const dicom::TagPath& path, Doc instance, const TagError& error) {
  std::string value(1, kRowVersion);
  for (const std::string& uid : {error.name.study_uid, error.name.series_uid, error.name.sop_uid})
    AppendSized(&value, uid);
  AppendLe(&value, error.time_micros);
  AppendSized(&value, error.message);
  txn.Put(Family::kCatalogue, ErrorKey(tenant, path, instance), value);
}

Status ForgetTagErrors(Txn& txn, Tenant tenant, const AttributeTable& table, Doc instance) {
  if (table.doubtful().empty()) return Status::Ok();
  std::vector<std::string> keys;
  for (const dicom::TagPath& path : table.doubtful()) keys.push_back(ErrorKey(tenant, path, instance));
  HILUM_ASSIGN_OR_RETURN(const auto errors, txn.MultiGet(Family::kCatalogue, keys));
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!errors[i]) continue;
    txn.Delete(Family::kCatalogue, keys[i]);
    HILUM_ASSIGN_OR_RETURN(const auto bytes, txn.Get(Family::kCatalogue, TagKey(tenant, table.doubtful()[i])));
    if (!bytes) return Damaged();
    HILUM_ASSIGN_OR_RETURN(ExtendedTag tag, DecodeTag(*bytes));
    tag.errors -= std::min<uint64_t>(tag.errors, 1);
    PutTag(txn, tenant, tag);
  }
  return Status::Ok();
}

Result<std::vector<TagError>> ReadTagErrors(const Kv& kv, Tenant tenant, const dicom::TagPath& path, uint64_t offset,
                                            size_t limit) {
  std::vector<TagError> errors;
  const std::string prefix = ErrorPrefix(tenant, path);
  const auto rows = kv.NewIterator(Family::kCatalogue, prefix, PrefixEnd(prefix));
  for (rows->SeekToFirst(); rows->Valid() && errors.size() < limit; rows->Next()) {
    if (offset > 0) {
      --offset;
      continue;
    }
    ByteReader in(rows->value());
    TagError& error = errors.emplace_back();
    char version = 0;
    if (!in.ReadLe(&version) || version != kRowVersion || !in.ReadSized(&error.name.study_uid) ||
        !in.ReadSized(&error.name.series_uid) || !in.ReadSized(&error.name.sop_uid) || !in.ReadLe(&error.time_micros) ||
        !in.ReadSized(&error.message))
      return Damaged();
  }
  HILUM_RETURN_IF_ERROR(rows->status());
  return errors;
}

Result<uint8_t> ReadAttributeGeneration(const Kv& kv, Tenant tenant) {
  HILUM_ASSIGN_OR_RETURN(const auto bytes, kv.Get(Family::kCatalogue, KeyOf(tenant, kGenerationKey)));
  if (!bytes) return uint8_t{0};
  return bytes->empty() ? uint8_t{0} : static_cast<uint8_t>(bytes->front());
}

void PutAttributeGeneration(Txn& txn, Tenant tenant, uint8_t generation) {
  txn.Put(Family::kCatalogue, KeyOf(tenant, kGenerationKey), std::string(1, static_cast<char>(generation)));
}

}  // namespace hilum::storage
