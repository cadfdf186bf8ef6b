#include "storage/index/block_set.h"
#include "storage/index/column_block.h"
#include "storage/index/index.h"
#include "storage/index/keys.h"

namespace hilum::storage {
namespace {

enum class Form { kPosting, kColumn, kNotMerged };

Form FormOf(Bytes key) {
  if (key.size() < kEntryPrefixBytes + kBlockBytes) return Form::kNotMerged;
  const auto entry = static_cast<Entry>(key[6]);
  if (entry == Entry::kColumn) return Form::kColumn;
  return entry >= Entry::kLive && entry < Entry::kColumn ? Form::kPosting : Form::kNotMerged;
}

class PostingsAndColumns : public Merger {
 public:
  const char* Name() const override { return "hilum.index.1"; }

  bool Fold(Bytes key, std::optional<Bytes> base, std::span<const Bytes> operands, std::string* out) const override {
    switch (FormOf(key)) {
      case Form::kPosting:
        return FoldBlockSet(base, operands, out);
      case Form::kColumn:
        return FoldColumnBlock(base, operands, out);
      case Form::kNotMerged:
        break;
    }
    return false;
  }

  bool Combine(Bytes key, std::span<const Bytes> operands, std::string* out) const override {
    switch (FormOf(key)) {
      case Form::kPosting:
        return CombineBlockSets(operands, out);
      case Form::kColumn:
        return CombineColumnBlocks(operands, out);
      case Form::kNotMerged:
        break;
    }
    return false;
  }

  bool IsNothing(Bytes key, Bytes value) const override {
    switch (FormOf(key)) {
      case Form::kPosting:
        return IsEmptyBlockSet(value);
      case Form::kColumn:
        return value.empty();
      case Form::kNotMerged:
        break;
    }
    return false;
  }
};

}  // namespace

const Merger& IndexMerger() {
  static const PostingsAndColumns merger;
  return merger;
}

}  // namespace hilum::storage
