// RocksDB's write-ahead logs, checked before it reads them. What it cannot make out in one, a length past the end of
// the file or the type that a recycled log has, it takes for the end of that log, and goes on with the next: commits
// between are lost, and the last one is there, so that the watermark has nothing to say. Only the newest log may end
// anywhere.
#pragma once

#include <cstdint>
#include <string>

#include "base/disk.h"

namespace hilum::storage {

// kCorruption, naming file and offset, when a log older than the newest that holds anything is not whole commits to its
// very end. Logs whose number is below `oldest_needed` are not looked at.
Status CheckClosedLogs(Disk& disk, const std::string& db_path, uint64_t oldest_needed);

}  // namespace hilum::storage
