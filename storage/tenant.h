// A tenant owns data that no other tenant can see; its number starts every key.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace hilum::storage {

enum class Tenant : uint32_t { kDefault = 0 };

inline void AppendTenant(std::string* key, Tenant tenant) {
  AppendBe<uint32_t>(key, static_cast<uint32_t>(tenant));
}

}  // namespace hilum::storage
