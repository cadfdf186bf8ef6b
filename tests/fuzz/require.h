// How fuzz targets say what must hold whatever the input is.
#pragma once

#include <cstdlib>

namespace hilum::fuzz {

inline void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace hilum::fuzz
