// A block of a column: a row of bytes for each of 256 documents that has values of the field. A merge operand has the
// same form and replaces the rows it names; an empty row removes one. Rows ascend by document.
//
// Bounded by construction: 256 rows of at most kMaxRowBytes stay within the store's envelope.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"

namespace hilum::storage {

inline constexpr uint32_t kColumnBlockBits = 8;
inline constexpr size_t kMaxRowBytes = 240;

void AppendColumnRow(std::string* out, uint8_t document, Bytes row);

// Calls visit(uint8_t document, Bytes row) for each row, ascending. False when the bytes are damaged.
template <typename Visit>
bool ForEachColumnRow(Bytes block, Visit visit) {
  ByteReader in(block);
  int last = -1;
  while (!in.empty()) {
    Bytes document, row;
    if (!in.ReadBytes(1, &document) || !in.ReadSized(&row) || row.size() > kMaxRowBytes) return false;
    const auto number = static_cast<uint8_t>(document[0]);
    if (number <= last) return false;
    last = number;
    visit(number, row);
  }
  return true;
}

bool FoldColumnBlock(std::optional<Bytes> base, std::span<const Bytes> operands, std::string* out);
bool CombineColumnBlocks(std::span<const Bytes> operands, std::string* out);

}  // namespace hilum::storage
