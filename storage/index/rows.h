// A row of a column: all values of one field of one document, as far as sorting, checking and following them need.
//
// Inline rows are a byte 0 and the values one after the other; a row that would exceed kMaxRowBytes is the byte 1
// alone and its values lie in kColumnOverflow. An empty row: no values. Pure functions.
#pragma once

#include <optional>
#include <string>

#include "storage/index/keys.h"
#include "storage/index/position.h"
#include "storage/index/values.h"

namespace hilum::storage {

inline constexpr char kInlineRow = 0;
inline constexpr char kOverflowRow = 1;

// Dates, numbers and quantities. The hashes are those of a quantity's unit, 0 where it has none.
struct RangeCell {
  Extent extent;
  uint64_t code_hash = 0;
  uint64_t system_hash = 0;
};

void AppendRangeCell(std::string* row, FieldKind kind, const RangeCell& cell);
bool ReadRangeCell(ByteReader* in, FieldKind kind, RangeCell* out);
void AppendTextCell(std::string* row, Bytes text);
bool ReadTextCell(ByteReader* in, KeyText* out);
void AppendReferenceCell(std::string* row, const ReferenceValue& reference);
bool ReadReferenceCell(ByteReader* in, ReferenceValue* out);

// 0 for an absent part: so that a part is asked for only when it is not.
inline uint64_t UnitHash(Bytes part) {
  return part.empty() ? 0 : HashOf(part);
}

// Where a document stands in the order of a field: the least of its values, or the greatest when descending. Compared
// as bytes. nullopt when the cells are damaged or there is none. `cells`: the row without its first byte.
std::optional<std::string> SortPosition(FieldKind kind, Bytes cells, bool descending);
std::string RangeSortPosition(uint64_t start);
// The same by values that need not be in the index. Not of references.
std::optional<std::string> SortPosition(FieldId field, const DocumentValues& values, bool descending);

inline bool IsRange(FieldKind kind) {
  return kind == FieldKind::kDate || kind == FieldKind::kNumber || kind == FieldKind::kQuantity;
}
inline LineKind LineOf(FieldKind kind) {
  return kind == FieldKind::kDate ? LineKind::kDate : LineKind::kNumber;
}

}  // namespace hilum::storage
