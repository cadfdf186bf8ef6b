// Secrets that a store keeps for the server, across restarts and in backups: keys that sign what clients hand back
// later, and that make what nobody is to know ahead. Safe for concurrent use.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "storage/store/store.h"

namespace hilum::storage {

inline constexpr size_t kSecretBytes = 32;

// The secret of that name, made when there is none yet. kCorruption when it is damaged.
Result<std::string> StoredSecret(Store& store, Random& random, std::string_view name);

}  // namespace hilum::storage
