#include "storage/index/lists.h"

#include "storage/index/entries.h"
#include "storage/index/rows.h"

namespace hilum::storage {
namespace {

// Bounds the memory of one reader: at one document in ten a list of a million documents takes 128 kB.
constexpr size_t kMaxCachedLists = 64;
// Stepping over this many blocks of a column is cheaper than seeking.
constexpr uint32_t kStepsForSeek = 4;

std::string TenantPrefix(Tenant tenant) {
  std::string prefix;
  AppendTenant(&prefix, tenant);
  return prefix;
}

uint32_t BlockOf(Bytes key) {
  return LoadBe<uint32_t>(key.data() + key.size() - kBlockBytes);
}

}  // namespace

Status DamagedEntry(Bytes key) {
  std::string place = "an index entry is damaged";
  if (key.size() >= kEntryPrefixBytes) {
    place += " (collection " + std::to_string(LoadBe<uint16_t>(key.data() + 4)) + ", entry " +
             std::to_string(static_cast<unsigned char>(key[6])) + ", field " +
             std::to_string(LoadBe<uint16_t>(key.data() + 7)) + ")";
  }
  return Corruption(place + ": run hilum verify, then restore a backup");
}

Status DamagedRow(FieldId field, Doc doc) {
  return Corruption("the column of index field " + std::to_string(static_cast<int>(field)) +
                    " is damaged at document " + std::to_string(doc) +
                    ": run hilum verify, then restore a backup");
}

Lists::Lists(const Kv& kv, const Schema& schema, Tenant tenant, const Snapshot* snapshot)
    : kv_(kv), schema_(schema), tenant_(tenant), snapshot_(snapshot) {}

Lists::Borrowed Lists::BorrowIterator() {
  std::unique_ptr<Iterator> iterator;
  if (idle_.empty()) {
    const std::string all = TenantPrefix(tenant_);
    iterator = kv_.NewIterator(Family::kIndex, all, PrefixEnd(all), snapshot_);
  } else {
    iterator = std::move(idle_.back());
    idle_.pop_back();
  }
  return Borrowed(iterator.release(), GiveBack{this});
}

Result<BitmapPtr> Lists::List(const std::string& prefix, bool longer) {
  const std::string name = prefix + (longer ? "*" : "");
  if (const auto found = cache_.find(name); found != cache_.end()) return found->second;
  BitmapBuilder builder;
  HILUM_RETURN_IF_ERROR(AddList(prefix, longer, &builder));
  auto list = std::make_shared<const Bitmap>(builder.Build());
  if (cache_.size() < kMaxCachedLists) cache_.emplace(name, list);
  return BitmapPtr(list);
}

Status Lists::AddList(const std::string& prefix, bool longer, BitmapBuilder* builder) {
  const Borrowed iterator = BorrowIterator();
  for (iterator->Seek(prefix); iterator->Valid(); iterator->Next()) {
    const Bytes key = iterator->key();
    if (!key.starts_with(prefix)) break;
    if (key.size() < prefix.size() + kBlockBytes) return DamagedEntry(key);
    if (!longer && key.size() != prefix.size() + kBlockBytes) continue;
    if (BlockOf(key) > 0xFFFF || !builder->Add(BlockOf(key), iterator->value())) return DamagedEntry(key);
  }
  return iterator->status();
}

Status Lists::AddUnion(const std::string& lower, const std::string& upper, BitmapBuilder* builder) {
  bool intact = true;
  HILUM_RETURN_IF_ERROR(Scan(lower, upper, /*descending=*/false, [&](Bytes, uint32_t block, Bytes stored) {
    return intact = builder->Add(block, stored);
  }));
  return intact ? Status::Ok() : DamagedEntry(lower);
}

Result<Bitmap> Lists::Union(const std::string& lower, const std::string& upper,
                            const std::function<bool(Bytes value)>& take) {
  BitmapBuilder builder;
  bool intact = true;
  HILUM_RETURN_IF_ERROR(Scan(lower, upper, /*descending=*/false, [&](Bytes value, uint32_t block, Bytes stored) {
    if (!take || take(value)) intact = builder.Add(block, stored);
    return intact;
  }));
  if (!intact) return DamagedEntry(lower);
  return builder.Build();
}

Status Lists::Scan(const std::string& lower, const std::string& upper, bool descending, const VisitKey& visit) {
  if (!upper.empty() && lower >= upper) return Status::Ok();
  const Borrowed iterator = BorrowIterator();
  if (!descending) {
    iterator->Seek(lower);
  } else if (upper.empty()) {
    iterator->SeekToLast();
  } else {
    iterator->SeekForPrev(upper);
    if (iterator->Valid() && iterator->key() == upper) iterator->Prev();
  }
  for (; iterator->Valid(); descending ? iterator->Prev() : iterator->Next()) {
    const Bytes key = iterator->key();
    if (descending ? key < lower : !upper.empty() && key >= upper) break;
    if (key.size() < kEntryPrefixBytes + kBlockBytes || BlockOf(key) > 0xFFFF) return DamagedEntry(key);
    Bytes value = key.substr(kEntryPrefixBytes);
    value.remove_suffix(kBlockBytes);
    if (!visit(value, BlockOf(key), iterator->value())) break;
  }
  return iterator->status();
}

Status Lists::Rows(CollectionId collection, FieldId field, const Bitmap& docs, const VisitRow& visit) {
  const std::string prefix = Prefix(collection, Entry::kColumn, field);
  const Borrowed iterator = BorrowIterator();
  bool positioned = false;
  for (uint64_t from = 0; from <= UINT32_MAX;) {
    // Those of the next block that has any.
    std::optional<uint32_t> wanted;
    BlockMembers members;
    docs.ForEachFrom(static_cast<Doc>(from), /*descending=*/false, [&](Doc doc) {
      const uint32_t block = doc >> kColumnBlockBits;
      if (wanted && block != *wanted) return false;
      wanted = block;
      members.set(doc % members.size());
      return true;
    });
    if (!wanted) break;
    const std::string key = ColumnKey(tenant_, collection, field, *wanted << kColumnBlockBits);
    for (uint32_t steps = 0; positioned && iterator->Valid() && iterator->key() < key && steps < kStepsForSeek;
         ++steps) {
      iterator->Next();
    }
    if (!positioned || (iterator->Valid() && iterator->key() < key)) iterator->Seek(key);
    positioned = true;
    if (!iterator->Valid() || !iterator->key().starts_with(prefix)) break;
    if (iterator->key().size() != key.size()) return DamagedEntry(iterator->key());

    const uint32_t found = BlockOf(iterator->key());
    if (found == *wanted) {
      HILUM_RETURN_IF_ERROR(VisitBlock(collection, field, found, iterator->value(), members, visit));
    }
    // Documents between the wanted block and the one found have no row.
    from = uint64_t{std::max(found, *wanted + (found == *wanted))} << kColumnBlockBits;
  }
  return iterator->status();
}

Status Lists::VisitBlock(CollectionId collection, FieldId field, uint32_t block, Bytes rows,
                         const BlockMembers& members, const VisitRow& visit) const {
  Status outcome;
  const bool intact = ForEachColumnRow(rows, [&](uint8_t document, Bytes row) {
    if (!outcome.ok() || !members.test(document)) return;
    const Doc doc = block << kColumnBlockBits | document;
    if (row.empty() || (row[0] != kInlineRow && row[0] != kOverflowRow)) {
      outcome = DamagedRow(field, doc);
    } else if (row[0] == kInlineRow) {
      outcome = visit(doc, row.substr(1));
    } else {
      const auto cells = Overflow(collection, field, doc);
      outcome = cells.ok() ? visit(doc, *cells) : cells.status();
    }
  });
  if (outcome.ok() && !intact) return DamagedRow(field, block << kColumnBlockBits);
  return outcome;
}

Result<std::string> Lists::Overflow(CollectionId collection, FieldId field, Doc doc) const {
  const std::string prefix = OverflowPrefix(tenant_, collection, field, doc);
  const auto iterator = kv_.NewIterator(Family::kIndex, prefix, PrefixEnd(prefix), snapshot_);
  std::string cells;
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) cells += iterator->value();
  HILUM_RETURN_IF_ERROR(iterator->status());
  if (cells.empty()) return DamagedRow(field, doc);
  return cells;
}

Result<std::string> Lists::LongText(CollectionId collection, FieldId field, Doc doc, uint64_t hash) const {
  HILUM_ASSIGN_OR_RETURN(auto text,
                         kv_.Get(Family::kIndex, LongTextKey(tenant_, collection, field, doc, hash), snapshot_));
  if (!text) return DamagedRow(field, doc);
  return *std::move(text);
}

}  // namespace hilum::storage
