// RocksDB's merge operator over a Merger.
#pragma once

#include <rocksdb/merge_operator.h>

#include "storage/kv/kv.h"

namespace hilum::storage {

class RocksMerge : public rocksdb::MergeOperator {
 public:
  // `merger` outlives the operator.
  explicit RocksMerge(const Merger& merger) : merger_(merger) {}

  const char* Name() const override { return merger_.Name(); }
  bool FullMergeV2(const MergeOperationInput& in, MergeOperationOutput* out) const override;
  bool PartialMergeMulti(const rocksdb::Slice& key, const std::deque<rocksdb::Slice>& operands, std::string* out,
                         rocksdb::Logger* logger) const override;

 private:
  const Merger& merger_;
};

}  // namespace hilum::storage
