#include "storage/index/entries.h"

#include <algorithm>

#include "storage/index/column_block.h"
#include "storage/index/rows.h"
#include "storage/index/text.h"

namespace hilum::storage {
namespace {

constexpr size_t kOverflowChunkBytes = 32 * 1024;
// Of a value.
constexpr size_t kUsualPostings = 4;
constexpr size_t kUsualPostingBytes = kUsualPostings * 25;

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
void IndexEntries::AddPosting(Entry entry, FieldId field, AppendValue append_value) {
  AppendEntryPrefix(&postings_, tenant_, collection_, entry, field);
  append_value(&postings_);
  postings_.append(kBlockBytes, '\0');
  posting_ends_.push_back(postings_.size());
}

void IndexEntries::SetDoc(Doc doc) {
  std::string block, number;
  AppendBe<uint32_t>(&block, doc >> 16);
  AppendBe(&number, doc);
  for (const size_t end : posting_ends_) block.copy(&postings_[end - kBlockBytes], kBlockBytes);
  for (auto& [key, value] : puts_) key.replace(kEntryPrefixBytes, number.size(), number);
}

std::vector<Bytes> IndexEntries::Postings() const {
  std::vector<Bytes> keys;
  keys.reserve(posting_ends_.size());
  size_t begin = 0;
  for (const size_t end : posting_ends_) {
    keys.push_back(Bytes(postings_).substr(begin, end - begin));
    begin = end;
  }
  return keys;
}

std::vector<std::pair<FieldId, Bytes>> IndexEntries::Rows() const {
  std::vector<std::pair<FieldId, Bytes>> rows;
  rows.reserve(row_ends_.size());
  size_t begin = 0;
  for (const auto& [field, end] : row_ends_) {
    rows.emplace_back(field, Bytes(rows_).substr(begin, end - begin));
    begin = end;
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<std::pair<std::string, std::string>> IndexEntries::Puts() const {
  auto puts = puts_;
  std::sort(puts.begin(), puts.end());
  puts.erase(std::unique(puts.begin(), puts.end()), puts.end());
  return puts;
}

Status IndexEntries::Add(const DocumentValues& values) {
  std::vector<const DocumentValues::Entry*> sorted;
  sorted.reserve(values.entries.size());
  for (const auto& entry : values.entries) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* a, const auto* b) { return a->field != b->field ? a->field < b->field : a < b; });
  postings_.reserve(postings_.size() + kUsualPostingBytes * sorted.size());
  posting_ends_.reserve(posting_ends_.size() + kUsualPostings * sorted.size());

  Values of_field;
  for (size_t i = 0; i < sorted.size();) {
    const FieldId id = sorted[i]->field;
    const FieldSpec* field = schema_->Find(collection_, id);
    if (field == nullptr) {
      return Internal("index field " + std::to_string(static_cast<int>(id)) + " is not in the schema of collection " +
                      std::to_string(static_cast<int>(collection_)));
    }
    of_field.clear();
    for (; i < sorted.size() && sorted[i]->field == id; ++i) {
      if (!Fits(field->kind, sorted[i]->value)) {
        return Internal("a value of index field " + std::to_string(static_cast<int>(id)) + " has another kind");
      }
      of_field.push_back(&sorted[i]->value);
    }
    AddField(*field, of_field);
  }
  return Status::Ok();
}

void IndexEntries::AddField(const FieldSpec& field, const Values& values) {
  cells_.clear();
  size_t count = 0;
  for (const IndexValue* value : values) {
    ++count;
    switch (field.kind) {
      case FieldKind::kToken:
        AddToken(field, std::get<TokenValue>(*value));
        break;
      case FieldKind::kString:
        AddString(field, std::get<StringValue>(*value));
        break;
      case FieldKind::kUri:
        AddUri(field, std::get<UriValue>(*value));
        break;
      case FieldKind::kReference:
        AddReference(field, std::get<ReferenceValue>(*value));
        break;
      case FieldKind::kQuantity:
        AddQuantity(field, std::get<QuantityValue>(*value));
        break;
      case FieldKind::kDate: {
        const Extent extent = ExtentOf(std::get<DateValue>(*value));
        AddRange(field, extent);
        AppendRangeCell(&cells_, field.kind, {extent});
        break;
      }
      case FieldKind::kNumber: {
        const auto extent = ExtentOf(std::get<NumberValue>(*value));
        if (!extent) {
          --count;
          break;
        }
        AddRange(field, *extent);
        AppendRangeCell(&cells_, field.kind, {*extent});
        break;
      }
    }
  }
  // Quantities that are not numbers leave no cell.
  if (field.kind == FieldKind::kQuantity) count = cells_.size() / (2 * sizeof(Extent));
  if (count == 0) return;
  AddPosting(Entry::kPresent, field.id, [](std::string*) {});
  if (cells_.empty()) return;
  if (count > 1) AddPosting(Entry::kMulti, field.id, [](std::string*) {});
  AddRow(field.id);
}

void IndexEntries::AddToken(const FieldSpec& field, const TokenValue& token) {
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
  if (field.sortable) AppendTextCell(&cells_, token.code);
}

void IndexEntries::AddString(const FieldSpec& field, const StringValue& string) {
  const std::string folded = FoldForIndex(string.text);
  AddPosting(Entry::kText, field.id, [&](std::string* key) {
    AppendText(key, folded);
    AppendBe(key, HashOf(string.text));
  });
  AddLongText(field.id, folded);
  for (const std::string_view word : Words(folded)) {
    AddPosting(Entry::kWord, field.id, [&](std::string* key) { AppendText(key, word); });
  }
  if (field.contains) {
    for (const std::string_view trigram : Trigrams(folded)) {
      AddPosting(Entry::kTrigram, field.id, [&](std::string* key) { *key += trigram; });
    }
  }
  if (field.sortable || field.contains) AppendTextCell(&cells_, folded);
}

void IndexEntries::AddUri(const FieldSpec& field, const UriValue& uri) {
  AddPosting(Entry::kText, field.id, [&](std::string* key) { AppendText(key, uri.uri); });
  AddLongText(field.id, uri.uri);
  if (field.sortable) AppendTextCell(&cells_, uri.uri);
}

void IndexEntries::AddReference(const FieldSpec& field, const ReferenceValue& reference) {
  if (reference.target) {
    AddPosting(Entry::kReferrer, field.id, [&](std::string* key) {
      AppendBe(key, static_cast<uint16_t>(reference.target->collection));
      AppendBe(key, reference.target->doc);
    });
  } else {
    AddPosting(Entry::kToken, field.id, [&](std::string* key) { AppendTokenKey(key, {}, reference.text); });
  }
  AppendReferenceCell(&cells_, reference);
}

void IndexEntries::AddRange(const FieldSpec& field, const Extent& extent) {
  const LineKind line = LineOf(field.kind);
  const auto add = [&](Entry entry, int level, uint64_t bucket) {
    AddPosting(entry, field.id, [&](std::string* key) {
      key->push_back(static_cast<char>(level));
      AppendBe(key, bucket);
    });
  };
  const bool narrow = BucketOf(line, kFinestLevel, extent.start) == BucketOf(line, kFinestLevel, extent.last);
  for (int level = 0; level <= kFinestLevel; ++level) {
    const uint64_t first = BucketOf(line, level, extent.start);
    add(Entry::kStart, level, first);
    const uint64_t last = narrow ? first : BucketOf(line, level, extent.last);
    if (last == first) continue;
    add(Entry::kEnd, level, last);
    if (level == kFinestLevel) AddPosting(Entry::kWide, field.id, [](std::string*) {});
  }
  if (field.sortable && line == LineKind::kDate) {
    add(Entry::kStart, kSecondLevel, BucketOf(line, kSecondLevel, extent.start));
  }
}

void IndexEntries::AddQuantity(const FieldSpec& field, const QuantityValue& quantity) {
  const auto extent = ExtentOf(NumberValue{quantity.low, quantity.high});
  if (!extent) return;
  AddRange(field, *extent);
  AddPosting(Entry::kToken, field.id, [&](std::string* key) { AppendTokenKey(key, quantity.system, quantity.code); });
  if (!quantity.system.empty()) {
    AddPosting(Entry::kSystem, field.id, [&](std::string* key) { AppendBe(key, HashOf(quantity.system)); });
  }
  AppendRangeCell(&cells_, field.kind, {*extent, UnitHash(quantity.code), UnitHash(quantity.system)});
}

void IndexEntries::AddLongText(FieldId field, Bytes text) {
  if (text.size() < kMaxKeyTextBytes) return;
  puts_.emplace_back(LongTextKey(tenant_, collection_, field, Doc{0}, HashOf(text)), text.substr(0, kMaxFoldedBytes));
}

void IndexEntries::AddRow(FieldId field) {
  if (cells_.size() < kMaxRowBytes) {
    rows_.push_back(kInlineRow);
    rows_ += cells_;
  } else {
    rows_.push_back(kOverflowRow);
    uint32_t chunk = 0;
    for (size_t at = 0; at < cells_.size(); at += kOverflowChunkBytes) {
      std::string key = OverflowPrefix(tenant_, collection_, field, Doc{0});
      AppendBe(&key, chunk++);
      puts_.emplace_back(std::move(key), cells_.substr(at, kOverflowChunkBytes));
    }
  }
  row_ends_.push_back({field, rows_.size()});
}

}  // namespace hilum::storage
