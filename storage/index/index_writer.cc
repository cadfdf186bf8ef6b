#include <algorithm>
#include <cassert>
#include <iterator>

#include "storage/index/block_set.h"
#include "storage/index/column_block.h"
#include "storage/index/entries.h"
#include "storage/index/index.h"
#include "storage/index/merge_table.h"

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

uint32_t KeyOf(CollectionId collection, FieldId field) {
  return static_cast<uint32_t>(collection) << 16 | static_cast<uint32_t>(field);
}

std::vector<Bytes> Sorted(std::vector<Bytes> keys) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

// What an update merges: gathered in a table where there is one.
class Merges {
 public:
  Merges(Txn& txn, MergeTable* table, Doc doc) : txn_(txn), table_(table), doc_(doc) {
    AppendAddOperand(&add_, Member());
    AppendRemoveOperand(&remove_, Member());
  }
  void AddTo(Bytes key) { table_ != nullptr ? table_->AddMember(key, Member()) : Merge(key, add_); }
  void RemoveFrom(Bytes key) { Merge(key, remove_); }
  void SetRow(Bytes key, Bytes row) {
    if (table_ != nullptr) return table_->AddRow(key, static_cast<uint8_t>(doc_), row);
    std::string operand;
    AppendColumnRow(&operand, static_cast<uint8_t>(doc_), row);
    Merge(key, operand);
  }

 private:
  uint16_t Member() const { return static_cast<uint16_t>(doc_); }
  void Merge(Bytes key, Bytes operand) { txn_.Merge(Family::kIndex, key, operand); }

  Txn& txn_;
  MergeTable* const table_;
  const Doc doc_;
  std::string add_, remove_;
};

void UpdatePostings(std::vector<Bytes> before, std::vector<Bytes> after, Merges* merges) {
  const auto add_to = [&](const std::vector<Bytes>& keys) {
    for (const Bytes key : keys) merges->AddTo(key);
  };
  if (before.empty()) return add_to(after);  // one that repeats does no harm
  const auto old_keys = Sorted(std::move(before)), new_keys = Sorted(std::move(after));
  std::vector<Bytes> gone, come;
  std::set_difference(old_keys.begin(), old_keys.end(), new_keys.begin(), new_keys.end(), std::back_inserter(gone));
  std::set_difference(new_keys.begin(), new_keys.end(), old_keys.begin(), old_keys.end(), std::back_inserter(come));
  for (const Bytes key : gone) merges->RemoveFrom(key);
  add_to(come);
}

// Calls remove(key) for what only `before` has and put(key, value) for what is new or another in `after`; both ascend.
template <typename Pairs, typename Remove, typename Put>
void ForEachDifference(const Pairs& before, const Pairs& after, Remove remove, Put put) {
  auto old = before.begin();
  for (const auto& [key, value] : after) {
    for (; old != before.end() && old->first < key; ++old) remove(old->first);
    const bool had = old != before.end() && old->first == key;
    if (!had || old->second != value) put(key, value);
    if (had) ++old;
  }
  for (; old != before.end(); ++old) remove(old->first);
}

}  // namespace

void Schema::Add(CollectionId collection, FieldSpec field) {
  const auto [at, inserted] = fields_.emplace(KeyOf(collection, field.id), field);
  assert(inserted || at->second.kind == field.kind);
  if (!inserted) at->second = field;
}

const FieldSpec* Schema::Find(CollectionId collection, FieldId field) const {
  const auto found = fields_.find(KeyOf(collection, field));
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
  IndexEntries old_entries(schema_, tenant_, collection), new_entries(schema_, tenant_, collection);
  if (before != nullptr) HILUM_RETURN_IF_ERROR(old_entries.Add(*before));
  if (after != nullptr) HILUM_RETURN_IF_ERROR(new_entries.Add(*after));
  Update(txn, collection, doc, before == nullptr ? nullptr : &old_entries, after == nullptr ? nullptr : &new_entries,
         nullptr);
  return Status::Ok();
}

void IndexWriter::Update(Txn& txn, CollectionId collection, Doc doc, IndexEntries* before, IndexEntries* after,
                         MergeTable* table) const {
  IndexEntries none(schema_, tenant_, collection);
  IndexEntries& old_entries = before == nullptr ? none : *before;
  IndexEntries& new_entries = after == nullptr ? none : *after;
  old_entries.SetDoc(doc);
  new_entries.SetDoc(doc);
  Merges merges(txn, table, doc);
  UpdatePostings(old_entries.Postings(), new_entries.Postings(), &merges);
  const auto set_row = [&](FieldId field, Bytes row) {
    merges.SetRow(ColumnKey(tenant_, collection, field, doc), row);
  };
  ForEachDifference(
      old_entries.Rows(), new_entries.Rows(), [&](FieldId field) { set_row(field, {}); }, set_row);
  ForEachDifference(
      old_entries.Puts(), new_entries.Puts(), [&](Bytes key) { txn.Delete(Family::kIndex, key); },
      [&](Bytes key, Bytes value) { txn.Put(Family::kIndex, key, value); });

  if ((before == nullptr) == (after == nullptr)) return;
  std::string live = EntryPrefix(tenant_, collection, Entry::kLive, FieldId{0});
  AppendBe<uint32_t>(&live, doc >> 16);
  after != nullptr ? merges.AddTo(live) : merges.RemoveFrom(live);
}

}  // namespace hilum::storage
