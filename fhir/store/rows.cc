#include "fhir/store/rows.h"

#include "fhir/store/keys.h"

namespace hilum::fhir {
namespace {

constexpr uint64_t kDeletedFlag = 1;
// Beside the method.
constexpr uint8_t kPartialFlag = 0x80;
constexpr uint8_t kEditedFlag = 0x40;
constexpr uint8_t kNotedFlag = 0x20;
constexpr uint8_t kFlags = kPartialFlag | kEditedFlag | kNotedFlag;

void AppendEdited(std::string* out, const EditedVersion& edited) {
  AppendVarint(out, edited.base);
  AppendVarint(out, edited.edits.list().size());
  for (const json::Edits::Edit& edit : edited.edits.list()) {
    AppendVarint(out, edit.begin);
    AppendVarint(out, edit.end);
    AppendSized(out, edit.with);
  }
}

bool ReadEdited(ByteReader* in, EditedVersion* edited) {
  uint64_t count = 0;
  if (!in->ReadVarint(&edited->base) || !in->ReadVarint(&count)) return false;
  for (; count > 0; --count) {
    uint64_t begin = 0, end = 0;
    Bytes with;
    if (!in->ReadVarint(&begin) || !in->ReadVarint(&end) || !in->ReadSized(&with)) return false;
    edited->edits.Replace(begin, end, std::string(with));
  }
  return true;
}

}  // namespace

std::string EncodeHead(const Head& head) {
  std::string out;
  AppendBe<uint32_t>(&out, head.doc);
  AppendVarint(&out, head.version);
  AppendVarint(&out, head.deleted ? kDeletedFlag : 0);
  return out;
}

std::optional<Head> DecodeHead(Bytes bytes, Bytes* rest) {
  ByteReader in(bytes);
  Head head;
  uint64_t flags = 0;
  if (!in.ReadBe(&head.doc) || !in.ReadVarint(&head.version) || !in.ReadVarint(&flags)) return std::nullopt;
  head.deleted = flags & kDeletedFlag;
  if (rest != nullptr) *rest = in.rest();
  return head;
}

void AppendVersionHeader(std::string* out, const VersionHeader& header) {
  out->push_back(static_cast<char>(static_cast<uint8_t>(header.method) | (header.partial ? kPartialFlag : 0) |
                                   (header.edited ? kEditedFlag : 0) | (header.note.empty() ? 0 : kNotedFlag)));
  AppendVarint(out, static_cast<uint64_t>(header.updated_micros / 1000));
  AppendVarint(out, header.sequence);
  AppendVarint(out, header.size);
  AppendSized(out, header.id);
  if (!header.note.empty()) AppendSized(out, header.note);
  if (header.edited) AppendEdited(out, *header.edited);
}

std::optional<VersionHeader> DecodeVersionHeader(Bytes bytes, Bytes* rest) {
  ByteReader in(bytes);
  VersionHeader header;
  Bytes method, id, note;
  uint64_t millis = 0;
  if (!in.ReadBytes(1, &method) || !in.ReadVarint(&millis) || !in.ReadVarint(&header.sequence) ||
      !in.ReadVarint(&header.size) || !in.ReadSized(&id)) {
    return std::nullopt;
  }
  const auto flags = static_cast<uint8_t>(method[0]);
  header.method = static_cast<Method>(flags & ~kFlags);
  header.partial = (flags & kPartialFlag) != 0;
  if ((flags & kNotedFlag) != 0 && !in.ReadSized(&note)) return std::nullopt;
  header.note = note;
  if ((flags & kEditedFlag) != 0 && !ReadEdited(&in, &header.edited.emplace())) return std::nullopt;
  header.updated_micros = static_cast<int64_t>(millis) * 1000;
  header.id = id;
  *rest = in.rest();
  return header;
}

Version VersionOf(const VersionHeader& header, TypeId type, storage::Doc doc, uint64_t number) {
  return {.type = type,
          .doc = doc,
          .id = header.id,
          .number = number,
          .method = header.method,
          .updated_micros = header.updated_micros,
          .sequence = header.sequence,
          .partial = header.partial,
          .edited = header.edited,
          .note = header.note};
}

std::string PlaceOf(TypeId type, storage::Doc doc, uint64_t number) {
  return "version " + std::to_string(number) + " of document " + std::to_string(doc) + " of " +
         std::string(TypeOf(type).name);
}

Status ApplyEdits(const Version& base, Version* version) {
  const bool fits = base.number == version->edited->base && !base.edited && !base.deleted() &&
                    version->edited->edits.Fit(base.bytes.size());
  if (!fits)
    return Corruption(PlaceOf(version->type, version->doc, version->number) +
                      " does not fit the one that it is stored as edits of; run hilum verify");
  version->bytes = version->edited->edits.Apply(base.bytes, 0, base.bytes.size());
  return Status::Ok();
}

std::string EncodeHistoryRow(const HistoryRow& row) {
  std::string out;
  AppendBe<uint32_t>(&out, row.doc);
  AppendVarint(&out, row.version);
  return out;
}

std::optional<HistoryRow> DecodeHistoryRow(Bytes bytes) {
  ByteReader in(bytes);
  HistoryRow row;
  if (!in.ReadBe(&row.doc) || !in.ReadVarint(&row.version)) return std::nullopt;
  return row;
}

std::set<std::string> IdentifierKeys(storage::CollectionId collection, storage::Doc doc,
                                     const std::vector<storage::TokenValue>& identifiers) {
  std::set<std::string> keys;
  for (const auto& identifier : identifiers) {
    keys.insert(IdentifierKey(storage::Tenant::kDefault, collection, identifier, doc));
  }
  return keys;
}

void BindTargets(const ResourceSchema& schema, const std::vector<storage::Doc>& docs, PreparedValues* prepared) {
  for (auto& entry : prepared->values.entries) {
    auto* const reference = std::get_if<storage::ReferenceValue>(&entry.value);
    if (reference != nullptr && reference->target) reference->target->doc = docs.at(reference->target->doc);
  }
  if (!prepared->images) return;
  const storage::ReferenceValue::Target study{storage::CollectionOf(storage::Level::kStudy), *prepared->images};
  prepared->values.Add(schema.images(), storage::ReferenceValue{.target = study});
}

std::string EncodeSequence(uint64_t sequence) {
  std::string out;
  AppendBe<uint64_t>(&out, sequence);
  return out;
}

std::optional<uint64_t> DecodeSequence(Bytes bytes) {
  ByteReader in(bytes);
  uint64_t sequence = 0;
  if (!in.ReadBe(&sequence)) return std::nullopt;
  return sequence;
}

}  // namespace hilum::fhir
