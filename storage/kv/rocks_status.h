// rocksdb::Status as our Status.
#pragma once

#include <rocksdb/status.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/status.h"

namespace hilum::storage {

// On one line: RocksDB quotes errors of the system with their line ends.
inline std::string RocksMessage(std::string_view step, const rocksdb::Status& status) {
  std::string message = std::string(step) + ": " + status.ToString();
  while (message.ends_with('\n')) message.pop_back();
  std::ranges::replace(message, '\n', ' ');
  return message;
}

// `step` says what was being done with the open store: what is damaged then are its tables.
inline Status FromRocks(std::string_view step, const rocksdb::Status& status) {
  if (status.ok()) return Status::Ok();
  const std::string message = RocksMessage(step, status);
  if (status.IsNoSpace()) return DiskFull(message);
  if (status.IsCorruption())
    return Corruption(message +
                      ": a table of rows is damaged; starting again does not help: keep the folder, restore a backup");
  if (status.IsIOError() || status.IsPathNotFound()) return IoError(message);
  if (status.IsShutdownInProgress() || status.IsBusy()) return Unavailable(message);
  return Internal(message);
}

}  // namespace hilum::storage
