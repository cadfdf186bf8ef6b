#include "storage/index/rows.h"

#include "storage/index/text.h"

namespace hilum::storage {
namespace {

// Of one value; nullopt when it leaves none.
struct PositionOfValue {
  using Position = std::optional<std::string>;

  Position operator()(const TokenValue& token) const { return Cut(token.code); }
  Position operator()(const StringValue& string) const { return Cut(FoldForIndex(string.text)); }
  Position operator()(const UriValue& uri) const { return Cut(uri.uri); }
  Position operator()(const DateValue& date) const { return RangeSortPosition(ExtentOf(date).start); }
  Position operator()(const NumberValue& number) const {
    const std::optional<Extent> extent = ExtentOf(number);
    return extent ? Position(RangeSortPosition(extent->start)) : std::nullopt;
  }
  Position operator()(const QuantityValue& quantity) const {
    return operator()(NumberValue{quantity.low, quantity.high});
  }
  Position operator()(const ReferenceValue&) const { return std::nullopt; }

 private:
  static std::string Cut(std::string_view text) { return std::string(text.substr(0, kMaxKeyTextBytes)); }
};

}  // namespace

void AppendRangeCell(std::string* row, FieldKind kind, const RangeCell& cell) {
  AppendLe(row, cell.extent.start);
  AppendLe(row, cell.extent.last);
  if (kind != FieldKind::kQuantity) return;
  AppendLe(row, cell.code_hash);
  AppendLe(row, cell.system_hash);
}

bool ReadRangeCell(ByteReader* in, FieldKind kind, RangeCell* out) {
  if (!in->ReadLe(&out->extent.start) || !in->ReadLe(&out->extent.last)) return false;
  return kind != FieldKind::kQuantity || (in->ReadLe(&out->code_hash) && in->ReadLe(&out->system_hash));
}

void AppendTextCell(std::string* row, Bytes text) {
  AppendSized(row, text.substr(0, kMaxKeyTextBytes));
  if (text.size() >= kMaxKeyTextBytes) AppendLe(row, HashOf(text));
}

bool ReadTextCell(ByteReader* in, KeyText* out) {
  Bytes text;
  if (!in->ReadSized(&text) || text.size() > kMaxKeyTextBytes) return false;
  *out = {std::string(text), text.size() == kMaxKeyTextBytes, 0};
  return !out->cut || in->ReadLe(&out->hash);
}

void AppendReferenceCell(std::string* row, const ReferenceValue& reference) {
  row->push_back(reference.target ? 1 : 0);
  if (reference.target) {
    AppendLe(row, static_cast<uint16_t>(reference.target->collection));
    AppendLe(row, reference.target->doc);
  }
  AppendSized(row, reference.text);
}

bool ReadReferenceCell(ByteReader* in, ReferenceValue* out) {
  *out = {};
  Bytes has_target, text;
  if (!in->ReadBytes(1, &has_target) || static_cast<unsigned char>(has_target[0]) > 1) return false;
  if (has_target[0] != 0) {
    uint16_t collection = 0;
    Doc doc = 0;
    if (!in->ReadLe(&collection) || !in->ReadLe(&doc)) return false;
    out->target = {CollectionId{collection}, doc};
  }
  if (!in->ReadSized(&text)) return false;
  out->text = text;
  return true;
}

std::string RangeSortPosition(uint64_t start) {
  std::string position;
  AppendBe(&position, start);
  return position;
}

std::optional<std::string> SortPosition(FieldId field, const DocumentValues& values, bool descending) {
  std::optional<std::string> best;
  for (const auto& entry : values.entries) {
    if (entry.field != field) continue;
    std::optional<std::string> position = std::visit(PositionOfValue(), entry.value);
    if (position && (!best || (descending ? *position > *best : *position < *best))) best = std::move(position);
  }
  return best;
}

std::optional<std::string> SortPosition(FieldKind kind, Bytes cells, bool descending) {
  std::optional<std::string> best;
  ByteReader in(cells);
  while (!in.empty()) {
    std::string position;
    if (IsRange(kind)) {
      RangeCell cell;
      if (!ReadRangeCell(&in, kind, &cell)) return std::nullopt;
      position = RangeSortPosition(cell.extent.start);
    } else {
      KeyText text;
      if (!ReadTextCell(&in, &text)) return std::nullopt;
      position = std::move(text.text);
    }
    if (!best || (descending ? position > *best : position < *best)) best = std::move(position);
  }
  return best;
}

}  // namespace hilum::storage
