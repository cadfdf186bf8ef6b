// Each compaction of the first level rewrites most of what the next one holds, because keys of an import lie
// everywhere: the more tables it takes at once, the fewer times that happens.
#include "storage/kv/rocks_kv.h"
#include "storage/kv/rocks_status.h"

namespace hilum::storage {

class RocksBulkLoad : public BulkLoad {
 public:
  explicit RocksBulkLoad(RocksKv& kv) : kv_(kv) { kv_.CountBulkLoads(1); }
  ~RocksBulkLoad() override { kv_.CountBulkLoads(-1); }

 private:
  RocksKv& kv_;
};

std::unique_ptr<BulkLoad> RocksKv::BeginBulkLoad() {
  return std::make_unique<RocksBulkLoad>(*this);
}

void RocksKv::CountBulkLoads(int more) {
  const std::lock_guard lock(bulk_loads_mu_);
  const bool was_loading = bulk_loads_ > 0;
  bulk_loads_ += more;
  const bool loading = bulk_loads_ > 0;
  if (loading == was_loading) return;
  const auto first_level = loading ? FirstLevelOfBulkLoad(options_) : UsualFirstLevel(options_);
  for (auto* family : rocks_.families) {
    const auto set =
        rocks_.db->SetOptions(family, {{"level0_file_num_compaction_trigger", std::to_string(first_level.tables)},
                                       // With levels of dynamic size, also what the first may hold.
                                       {"max_bytes_for_level_base", std::to_string(first_level.bytes)}});
    // It is a matter of speed only.
    if (!set.ok()) log_.Warning("compaction keeps its pace", {{"problem", FromRocks("set options", set).message()}});
  }
}

}  // namespace hilum::storage
