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

class DropNothing : public rocksdb::CompactionFilter {
 public:
  explicit DropNothing(const Merger& merger) : merger_(merger) {}
  const char* Name() const override { return "hilum.drop_nothing"; }
  Decision FilterV2(int, const rocksdb::Slice& key, ValueType type, const rocksdb::Slice& value, std::string*,
                    std::string*) const override {
    return type == ValueType::kValue && merger_.IsNothing(View(key), View(value)) ? Decision::kRemove : Decision::kKeep;
  }

 private:
  const Merger& merger_;
};

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

std::unique_ptr<rocksdb::CompactionFilter> RocksDropNothing::CreateCompactionFilter(
    const rocksdb::CompactionFilter::Context&) {
  return std::make_unique<DropNothing>(merger_);
}

}  // namespace hilum::storage
