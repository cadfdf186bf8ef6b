// RocksDB counts, for each thread, what it does: every comparison of keys goes through thread-local memory of a shared
// library. Nobody reads these counts.
#pragma once

#include <rocksdb/perf_level.h>

namespace hilum::storage {

// For this thread, from now on. Costs next to nothing.
inline void StopCounting() {
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
}

}  // namespace hilum::storage
