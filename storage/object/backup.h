// The copying half of a backup.
#pragma once

#include <cstdint>
#include <string>

#include "base/disk.h"

namespace hilum::storage::segment {

// Copies the first `bytes` of a file, or as many as it has, into the new file `to`, durably but for the name.
Status CopyFile(Disk& disk, const File& from, uint64_t bytes, const std::string& to);

}  // namespace hilum::storage::segment
