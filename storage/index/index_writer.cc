#include <algorithm>
#include <cassert>
#include <iterator>

#include "storage/index/block_set.h"
#include "storage/index/column_block.h"
#include "storage/index/entries.h"
#include "storage/index/index.h"

namespace hilum::storage {
namespace {

std::string DocCounterKey(Tenant tenant, CollectionId collection) {
  std::string key;
  AppendTenant(&key, tenant);
  key += "index documents ";
  AppendBe(&key, static_cast<uint16_t>(collection));
  return key;
}

// `stored`: nullopt when no document was numbered yet.
Result<uint32_t> DecodeDocCounter(const std::optional<std::string>& stored, CollectionId collection) {
  if (!stored) return uint32_t{0};
  ByteReader in(*stored);
  uint32_t next = 0;
  if (in.ReadBe(&next) && in.empty()) return next;
  return Corruption("the document counter of collection " + std::to_string(static_cast<int>(collection)) +
                    " is damaged: restore from a backup");
}

std::vector<Bytes> Sorted(std::vector<Bytes> keys) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

void MergePostings(Txn& txn, const std::vector<Bytes>& keys, Bytes operand) {
  for (const Bytes key : keys) txn.Merge(Family::kIndex, key, operand);
}

void UpdatePostings(Txn& txn, Doc doc, Entries* before, Entries* after) {
  std::string add, remove;
  AppendAddOperand(&add, static_cast<uint16_t>(doc));
  const auto& before_keys = before->Postings();
  if (before_keys.empty()) return MergePostings(txn, after->Postings(), add);
  AppendRemoveOperand(&remove, static_cast<uint16_t>(doc));
  const auto old_keys = Sorted(before_keys), new_keys = Sorted(after->Postings());
  std::vector<Bytes> gone, come;
  std::set_difference(old_keys.begin(), old_keys.end(), new_keys.begin(), new_keys.end(), std::back_inserter(gone));
  std::set_difference(new_keys.begin(), new_keys.end(), old_keys.begin(), old_keys.end(), std::back_inserter(come));
  MergePostings(txn, gone, remove);
  MergePostings(txn, come, add);
}

void MergeRow(Txn& txn, Doc doc, Bytes key, Bytes row) {
  std::string operand;
  AppendColumnRow(&operand, static_cast<uint8_t>(doc), row);
  txn.Merge(Family::kIndex, key, operand);
}

void UpdateRows(Txn& txn, Doc doc, const Entries& before, const Entries& after) {
  for (const auto& [key, row] : before.rows()) {
    if (!after.rows().contains(key)) MergeRow(txn, doc, key, {});
  }
  for (const auto& [key, row] : after.rows()) {
    const auto old = before.rows().find(key);
    if (old == before.rows().end() || old->second != row) MergeRow(txn, doc, key, row);
  }
}

void UpdatePuts(Txn& txn, const Entries& before, const Entries& after) {
  for (const auto& [key, value] : before.puts()) {
    if (!after.puts().contains(key)) txn.Delete(Family::kIndex, key);
  }
  for (const auto& [key, value] : after.puts()) {
    const auto old = before.puts().find(key);
    if (old == before.puts().end() || old->second != value) txn.Put(Family::kIndex, key, value);
  }
}

}  // namespace

void Schema::Add(CollectionId collection, FieldSpec field) {
  const auto [at, inserted] = fields_.emplace(std::pair(collection, field.id), field);
  assert(inserted || at->second.kind == field.kind);
  if (!inserted) at->second = field;
}

const FieldSpec* Schema::Find(CollectionId collection, FieldId field) const {
  const auto found = fields_.find({collection, field});
  return found == fields_.end() ? nullptr : &found->second;
}

Result<Doc> IndexWriter::NewDoc(Txn& txn, CollectionId collection) const {
  const std::string key = DocCounterKey(tenant_, collection);
  HILUM_ASSIGN_OR_RETURN(const auto stored, txn.Get(Family::kMeta, key));
  HILUM_ASSIGN_OR_RETURN(const uint32_t next, DecodeDocCounter(stored, collection));
  if (next == UINT32_MAX) return LimitExceeded("a collection holds at most 4,294,967,295 documents");
  std::string value;
  AppendBe(&value, next + 1);
  txn.Put(Family::kMeta, key, value);
  return next;
}

Result<uint32_t> CountDocs(const Kv& kv, Tenant tenant, CollectionId collection, const Snapshot* snapshot) {
  HILUM_ASSIGN_OR_RETURN(const auto stored, kv.Get(Family::kMeta, DocCounterKey(tenant, collection), snapshot));
  return DecodeDocCounter(stored, collection);
}

Status IndexWriter::Update(Txn& txn, CollectionId collection, Doc doc, const DocumentValues* before,
                           const DocumentValues* after) const {
  Entries old_entries(schema_, tenant_, collection, doc), new_entries(schema_, tenant_, collection, doc);
  if (before != nullptr) HILUM_RETURN_IF_ERROR(old_entries.Collect(*before));
  if (after != nullptr) HILUM_RETURN_IF_ERROR(new_entries.Collect(*after));
  UpdatePostings(txn, doc, &old_entries, &new_entries);
  UpdateRows(txn, doc, old_entries, new_entries);
  UpdatePuts(txn, old_entries, new_entries);

  if ((before == nullptr) == (after == nullptr)) return Status::Ok();
  std::string live = EntryPrefix(tenant_, collection, Entry::kLive, FieldId{0}), operand;
  AppendBe<uint32_t>(&live, doc >> 16);
  if (after != nullptr) {
    AppendAddOperand(&operand, static_cast<uint16_t>(doc));
  } else {
    AppendRemoveOperand(&operand, static_cast<uint16_t>(doc));
  }
  txn.Merge(Family::kIndex, live, operand);
  return Status::Ok();
}

}  // namespace hilum::storage
