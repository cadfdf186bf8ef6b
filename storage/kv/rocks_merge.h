// RocksDB's merge operator and compaction filter over a Merger.
#pragma once

#include <rocksdb/compaction_filter.h>
#include <rocksdb/merge_operator.h>

#include <memory>

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

// Drops values that say nothing.
class RocksDropNothing : public rocksdb::CompactionFilterFactory {
 public:
  // `merger` outlives the factory and its filters.
  explicit RocksDropNothing(const Merger& merger) : merger_(merger) {}

  const char* Name() const override { return "hilum.drop_nothing"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& context) override;

 private:
  const Merger& merger_;
};

}  // namespace hilum::storage
