#include "storage/index/column_block.h"

#include <array>

namespace hilum::storage {
namespace {

using Rows = std::array<std::optional<Bytes>, 1 << kColumnBlockBits>;

bool Apply(Bytes block, Rows* rows) {
  return ForEachColumnRow(block, [&](uint8_t document, Bytes row) { (*rows)[document] = row; });
}

void Write(const Rows& rows, bool keep_removals, std::string* out) {
  out->clear();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] && (keep_removals || !rows[i]->empty())) AppendColumnRow(out, static_cast<uint8_t>(i), *rows[i]);
  }
}

}  // namespace

void AppendColumnRow(std::string* out, uint8_t document, Bytes row) {
  out->push_back(static_cast<char>(document));
  AppendSized(out, row);
}

bool FoldColumnBlock(std::optional<Bytes> base, std::span<const Bytes> operands, std::string* out) {
  Rows rows;
  if (base && !Apply(*base, &rows)) return false;
  for (const Bytes operand : operands) {
    if (!Apply(operand, &rows)) return false;
  }
  Write(rows, /*keep_removals=*/false, out);
  return true;
}

bool CombineColumnBlocks(std::span<const Bytes> operands, std::string* out) {
  Rows rows;
  for (const Bytes operand : operands) {
    if (!Apply(operand, &rows)) return false;
  }
  Write(rows, /*keep_removals=*/true, out);
  return true;
}

}  // namespace hilum::storage
