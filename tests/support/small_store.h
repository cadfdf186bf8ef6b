// How tests open stores: small, and on disks that are nearly full.
#pragma once

#include <string>

#include "storage/store/store.h"

namespace hilum::testing {

inline storage::StoreOptions SmallStore(std::string directory) {
  storage::StoreOptions options;
  options.directory = std::move(directory);
  options.segment_bytes = 1 << 20;
  options.low_water_bytes = 40 << 20;
  options.write_buffer_bytes = 16 << 20;
  return options;
}

}  // namespace hilum::testing
