#include "storage/index/audit.h"

#include <algorithm>
#include <set>

#include "storage/index/block_set.h"
#include "storage/index/column_block.h"
#include "storage/index/entries.h"
#include "storage/index/keys.h"
#include "storage/index/lists.h"

namespace hilum::storage {
namespace {

constexpr size_t kMaxDamaged = 100;
constexpr size_t kFieldAt = kEntryPrefixBytes - sizeof(uint16_t);
constexpr size_t kEntryAt = kFieldAt - 1;

std::string CollectionPrefix(Tenant tenant, CollectionId collection) {
  std::string prefix;
  AppendTenant(&prefix, tenant);
  AppendBe(&prefix, static_cast<uint16_t>(collection));
  return prefix;
}

}  // namespace

Result<IndexAudit> IndexAudit::Begin(const Kv& kv, const Schema& schema, Tenant tenant, const Snapshot* snapshot,
                                     CollectionId collection) {
  HILUM_ASSIGN_OR_RETURN(const uint32_t documents, CountDocs(kv, tenant, collection, snapshot));
  return IndexAudit(kv, schema, tenant, snapshot, collection, documents);
}

IndexAudit::IndexAudit(const Kv& kv, const Schema& schema, Tenant tenant, const Snapshot* snapshot,
                       CollectionId collection, uint32_t documents)
    : kv_(kv),
      schema_(schema),
      tenant_(tenant),
      snapshot_(snapshot),
      collection_(collection),
      documents_(documents),
      fields_(UINT16_MAX + 1) {}

void IndexAudit::Count(Doc doc, Bytes key, Bytes value, uint64_t times) {
  const uint64_t hash = (HashOf(key) * 31 + HashOf(value)) * times;
  fields_[LoadBe<uint16_t>(key.data() + kFieldAt)] += hash;
  if (doc < documents_.size()) {
    documents_[doc] += hash;
  } else {
    beyond_.Add(doc);
  }
}

Status IndexAudit::Expect(Doc doc, const DocumentValues& values) {
  IndexEntries entries(schema_, tenant_, collection_);
  HILUM_RETURN_IF_ERROR(entries.Add(values));
  Expect(doc, &entries);
  return Status::Ok();
}

void IndexAudit::Expect(Doc doc, IndexEntries* entries) {
  entries->SetDoc(doc);
  const auto keys = entries->Postings();
  std::set<Bytes> postings(keys.begin(), keys.end());
  std::string live = EntryPrefix(tenant_, collection_, Entry::kLive, FieldId{0});
  AppendBe<uint32_t>(&live, doc >> 16);
  postings.insert(live);
  for (const Bytes key : postings) Count(doc, key, {}, 1);
  for (const auto& [field, row] : entries->Rows()) Count(doc, ColumnKey(tenant_, collection_, field, doc), row, 1);
  for (const auto& [key, value] : entries->Puts()) Count(doc, key, value, 1);
}

// False when the key or the value is damaged.
bool IndexAudit::CountStored(Bytes key, Bytes value) {
  constexpr uint64_t kAgainst = -1;
  if (key.size() < kEntryPrefixBytes + kBlockBytes) return false;
  const auto entry = static_cast<Entry>(key[kEntryAt]);
  if (entry == Entry::kColumnOverflow || entry == Entry::kLongText) {
    Count(LoadBe<uint32_t>(key.data() + kEntryPrefixBytes), key, value, kAgainst);
    return true;
  }
  const uint64_t block = LoadBe<uint32_t>(key.data() + key.size() - kBlockBytes);
  if (entry == Entry::kColumn) {
    return ForEachColumnRow(value, [&](uint8_t document, Bytes row) {
      if (!row.empty()) Count(static_cast<Doc>(block << kColumnBlockBits | document), key, row, kAgainst);
    });
  }
  if (entry < Entry::kLive || entry > Entry::kColumn || block > UINT16_MAX) return false;
  BlockSet set;
  if (!set.AddEncoded(value)) return false;
  set.ForEach([&](uint16_t member) { Count(static_cast<Doc>(block << 16 | member), key, {}, kAgainst); });
  return true;
}

Result<IndexAudit::Differences> IndexAudit::Compare() {
  Differences differences;
  const std::string prefix = CollectionPrefix(tenant_, collection_);
  const auto stored = kv_.NewIterator(Family::kIndex, prefix, PrefixEnd(prefix), snapshot_);
  for (stored->SeekToFirst(); stored->Valid(); stored->Next()) {
    if (CountStored(stored->key(), stored->value()) || differences.damaged.size() == kMaxDamaged) continue;
    differences.damaged.push_back(DamagedEntry(stored->key()).message());
  }
  HILUM_RETURN_IF_ERROR(stored->status());
  differences.documents = beyond_;
  for (size_t doc = 0; doc < documents_.size(); ++doc) {
    if (documents_[doc] != 0) differences.documents.Add(static_cast<Doc>(doc));
  }
  for (size_t field = 0; field < fields_.size(); ++field) {
    if (fields_[field] != 0) differences.fields.push_back(static_cast<FieldId>(field));
  }
  return differences;
}

}  // namespace hilum::storage
