// rocksdb::Status as our Status.
#pragma once

#include <rocksdb/status.h>

#include <string_view>

#include "base/status.h"

namespace hilum::storage {

// `step` says what was being done.
inline Status FromRocks(std::string_view step, const rocksdb::Status& status) {
  if (status.ok()) return Status::Ok();
  const std::string message = std::string(step) + ": " + status.ToString();
  if (status.IsNoSpace()) return DiskFull(message);
  if (status.IsCorruption()) return Corruption(message);
  if (status.IsIOError() || status.IsPathNotFound()) return IoError(message);
  if (status.IsShutdownInProgress() || status.IsBusy()) return Unavailable(message);
  return Internal(message);
}

}  // namespace hilum::storage
