#include "storage/index/entries.h"

#include <algorithm>

#include "storage/index/column_block.h"
#include "storage/index/rows.h"
#include "storage/index/text.h"

namespace hilum::storage {
namespace {

constexpr size_t kOverflowChunkBytes = 32 * 1024;

// The alternatives of IndexValue stand in the order of FieldKind.
bool Fits(FieldKind kind, const IndexValue& value) {
  return value.index() + 1 == static_cast<size_t>(kind);
}

}  // namespace

std::string ColumnKey(Tenant tenant, CollectionId collection, FieldId field, Doc doc) {
  std::string key = EntryPrefix(tenant, collection, Entry::kColumn, field);
  AppendBe<uint32_t>(&key, doc >> kColumnBlockBits);
  return key;
}

std::string OverflowPrefix(Tenant tenant, CollectionId collection, FieldId field, Doc doc) {
  std::string key = EntryPrefix(tenant, collection, Entry::kColumnOverflow, field);
  AppendBe(&key, doc);
  return key;
}

std::string LongTextKey(Tenant tenant, CollectionId collection, FieldId field, Doc doc, uint64_t hash) {
  std::string key = EntryPrefix(tenant, collection, Entry::kLongText, field);
  AppendBe(&key, doc);
  AppendBe(&key, hash);
  return key;
}

template <typename AppendValue>
void Entries::AddPosting(Entry entry, FieldId field, AppendValue append_value) {
  AppendEntryPrefix(&arena_, tenant_, collection_, entry, field);
  append_value(&arena_);
  AppendBe<uint32_t>(&arena_, doc_ >> 16);
  ends_.push_back(arena_.size());
}

const std::vector<Bytes>& Entries::Postings() {
  postings_.clear();
  size_t begin = 0;
  for (const size_t end : ends_) {
    postings_.push_back(Bytes(arena_).substr(begin, end - begin));
    begin = end;
  }
  return postings_;
}

Status Entries::Collect(const DocumentValues& values) {
  std::vector<const DocumentValues::Entry*> sorted;
  for (const auto& entry : values.entries) sorted.push_back(&entry);
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->field < b->field; });

  for (size_t i = 0; i < sorted.size();) {
    const FieldId id = sorted[i]->field;
    const FieldSpec* field = schema_.Find(collection_, id);
    if (field == nullptr) {
      return Internal("index field " + std::to_string(static_cast<int>(id)) + " is not in the schema of collection " +
                      std::to_string(static_cast<int>(collection_)));
    }
    Values of_field;
    for (; i < sorted.size() && sorted[i]->field == id; ++i) {
      if (!Fits(field->kind, sorted[i]->value)) {
        return Internal("a value of index field " + std::to_string(static_cast<int>(id)) + " has another kind");
      }
      of_field.push_back(&sorted[i]->value);
    }
    CollectField(*field, of_field);
  }
  return Status::Ok();
}

void Entries::CollectField(const FieldSpec& field, const Values& values) {
  std::string cells;
  size_t count = 0;
  for (const IndexValue* value : values) {
    ++count;
    switch (field.kind) {
      case FieldKind::kToken:
        CollectToken(field, std::get<TokenValue>(*value), &cells);
        break;
      case FieldKind::kString:
        CollectString(field, std::get<StringValue>(*value), &cells);
        break;
      case FieldKind::kUri:
        CollectUri(field, std::get<UriValue>(*value), &cells);
        break;
      case FieldKind::kReference:
        CollectReference(field, std::get<ReferenceValue>(*value), &cells);
        break;
      case FieldKind::kQuantity:
        CollectQuantity(field, std::get<QuantityValue>(*value), &cells);
        break;
      case FieldKind::kDate: {
        const Extent extent = ExtentOf(std::get<DateValue>(*value));
        CollectRange(field, extent);
        AppendRangeCell(&cells, field.kind, {extent});
        break;
      }
      case FieldKind::kNumber: {
        const auto extent = ExtentOf(std::get<NumberValue>(*value));
        if (!extent) {
          --count;
          break;
        }
        CollectRange(field, *extent);
        AppendRangeCell(&cells, field.kind, {*extent});
        break;
      }
    }
  }
  // Quantities that are not numbers leave no cell.
  if (field.kind == FieldKind::kQuantity) count = cells.size() / (2 * sizeof(Extent));
  if (count == 0) return;
  AddPosting(Entry::kPresent, field.id, [](std::string*) {});
  if (cells.empty()) return;
  if (count > 1) AddPosting(Entry::kMulti, field.id, [](std::string*) {});
  SetRow(field.id, std::move(cells));
}

void Entries::CollectToken(const FieldSpec& field, const TokenValue& token, std::string* cells) {
  if (HasOrderedCodes(field)) {
    AddPosting(Entry::kCode, field.id, [&](std::string* key) {
      AppendText(key, token.code);
      AppendText(key, token.system);
    });
  } else {
    AddPosting(Entry::kToken, field.id, [&](std::string* key) { AppendTokenKey(key, token.system, token.code); });
  }
  if (!token.system.empty()) {
    AddPosting(Entry::kSystem, field.id, [&](std::string* key) { AppendBe(key, HashOf(token.system)); });
  }
  if (field.sortable) AppendTextCell(cells, token.code);
}

void Entries::CollectString(const FieldSpec& field, const StringValue& string, std::string* cells) {
  const std::string folded = FoldForIndex(string.text);
  AddPosting(Entry::kText, field.id, [&](std::string* key) {
    AppendText(key, folded);
    AppendBe(key, HashOf(string.text));
  });
  CollectLongText(field.id, folded);
  for (const std::string_view word : Words(folded)) {
    AddPosting(Entry::kWord, field.id, [&](std::string* key) { AppendText(key, word); });
  }
  if (field.contains) {
    for (const std::string& trigram : Trigrams(folded)) {
      AddPosting(Entry::kTrigram, field.id, [&](std::string* key) { *key += trigram; });
    }
  }
  if (field.sortable || field.contains) AppendTextCell(cells, folded);
}

void Entries::CollectUri(const FieldSpec& field, const UriValue& uri, std::string* cells) {
  AddPosting(Entry::kText, field.id, [&](std::string* key) { AppendText(key, uri.uri); });
  CollectLongText(field.id, uri.uri);
  if (field.sortable) AppendTextCell(cells, uri.uri);
}

void Entries::CollectReference(const FieldSpec& field, const ReferenceValue& reference, std::string* cells) {
  if (reference.target) {
    AddPosting(Entry::kReferrer, field.id, [&](std::string* key) {
      AppendBe(key, static_cast<uint16_t>(reference.target->collection));
      AppendBe(key, reference.target->doc);
    });
  } else {
    AddPosting(Entry::kToken, field.id, [&](std::string* key) { AppendTokenKey(key, {}, reference.text); });
  }
  AppendReferenceCell(cells, reference);
}

void Entries::CollectRange(const FieldSpec& field, const Extent& extent) {
  const LineKind line = LineOf(field.kind);
  const auto add = [&](Entry entry, int level, uint64_t bucket) {
    AddPosting(entry, field.id, [&](std::string* key) {
      key->push_back(static_cast<char>(level));
      AppendBe(key, bucket);
    });
  };
  for (int level = 0; level <= kFinestLevel; ++level) {
    const uint64_t first = BucketOf(line, level, extent.start), last = BucketOf(line, level, extent.last);
    add(Entry::kStart, level, first);
    if (last == first) continue;
    add(Entry::kEnd, level, last);
    if (level == kFinestLevel) AddPosting(Entry::kWide, field.id, [](std::string*) {});
  }
  if (field.sortable && line == LineKind::kDate) {
    add(Entry::kStart, kSecondLevel, BucketOf(line, kSecondLevel, extent.start));
  }
}

void Entries::CollectQuantity(const FieldSpec& field, const QuantityValue& quantity, std::string* cells) {
  const auto extent = ExtentOf(NumberValue{quantity.low, quantity.high});
  if (!extent) return;
  CollectRange(field, *extent);
  AddPosting(Entry::kToken, field.id, [&](std::string* key) { AppendTokenKey(key, quantity.system, quantity.code); });
  if (!quantity.system.empty()) {
    AddPosting(Entry::kSystem, field.id, [&](std::string* key) { AppendBe(key, HashOf(quantity.system)); });
  }
  AppendRangeCell(cells, field.kind, {*extent, UnitHash(quantity.code), UnitHash(quantity.system)});
}

void Entries::CollectLongText(FieldId field, Bytes text) {
  if (text.size() < kMaxKeyTextBytes) return;
  puts_[LongTextKey(tenant_, collection_, field, doc_, HashOf(text))] = text.substr(0, kMaxFoldedBytes);
}

void Entries::SetRow(FieldId field, std::string cells) {
  std::string& row = rows_[ColumnKey(tenant_, collection_, field, doc_)];
  if (cells.size() < kMaxRowBytes) {
    row = kInlineRow + std::move(cells);
    return;
  }
  row = kOverflowRow;
  uint32_t chunk = 0;
  for (size_t at = 0; at < cells.size(); at += kOverflowChunkBytes) {
    std::string key = OverflowPrefix(tenant_, collection_, field, doc_);
    AppendBe(&key, chunk++);
    puts_[key] = cells.substr(at, kOverflowChunkBytes);
  }
}

}  // namespace hilum::storage
