#include "storage/kv/rocks_merge.h"

namespace hilum::storage {
namespace {

Bytes View(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

template <typename Slices>
std::vector<Bytes> Views(const Slices& slices) {
  std::vector<Bytes> views;
  views.reserve(slices.size());
  for (const auto& slice : slices) views.push_back(View(slice));
  return views;
}

}  // namespace

bool RocksMerge::FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const {
  std::optional<Bytes> base;
  if (in.existing_value != nullptr) base = View(*in.existing_value);
  const auto operands = Views(in.operand_list);
  out->new_value.clear();
  return merger_.Fold(View(in.key), base, operands, &out->new_value);
}

bool RocksMerge::PartialMergeMulti(const rocksdb::Slice& key, const std::deque<rocksdb::Slice>& operands,
                                   std::string* out, rocksdb::Logger*) const {
  out->clear();
  return merger_.Combine(View(key), Views(operands), out);
}

}  // namespace hilum::storage
