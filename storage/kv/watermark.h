// The watermark: the highest commit sequence ever acknowledged, kept beside the store in a file of its own. A log that
// lost its end opens without complaint; the watermark is what notices.
//
// It also holds a fingerprint of the manifest, because a manifest that lost its end opens without complaint too.
//
// The file is two slots of {magic, store id, sequence, manifest, checksum}, one page apart. Records go to one slot
// until it is synced, then to the other: a write that power loss tears leaves the slot synced before it intact. Safe
// for concurrent use.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/disk.h"
#include "base/result.h"
#include "storage/kv/manifest.h"

namespace hilum::storage {

using StoreId = std::array<char, 16>;

struct WatermarkValue {
  StoreId store{};        // a watermark of another store says nothing about this one
  uint64_t sequence = 0;  // every commit up to this one was acknowledged
  ManifestPrint manifest;
};

// nullopt when there is no file; kCorruption when no slot is intact.
Result<std::optional<WatermarkValue>> ReadWatermark(Disk& disk, const std::string& path);

class Watermark {
 public:
  // Writes `value` to a new or the existing file, durably, and keeps it up to date from then on. `on_error` is called
  // once, on the thread that syncs in the background, when a sync fails.
  static Result<std::unique_ptr<Watermark>> Create(Disk& disk, const std::string& path, const WatermarkValue& value,
                                                   std::function<void(const Status&)> on_error);
  // Syncs what is recorded.
  ~Watermark();

  // Survives the end of the process when it returns, and power loss at most 100 ms later. REQUIRES: sequences rise.
  Status Record(uint64_t sequence);
  // The same for the manifest. REQUIRES: what the print covers is synced.
  Status RecordManifest(const ManifestPrint& manifest);
  // Makes what is recorded survive power loss.
  Status Sync();

 private:
  Watermark(std::shared_ptr<File> file, const WatermarkValue& value, std::function<void(const Status&)> on_error);
  Status WriteLocked();
  Status SyncLocked();
  void SyncRegularly();

  const std::shared_ptr<File> file_;
  const std::function<void(const Status&)> on_error_;
  std::mutex mu_;
  std::condition_variable wake_;
  WatermarkValue value_;
  int slot_ = 0;
  bool unsynced_ = false;
  bool failed_ = false;
  bool stopped_ = false;
  std::thread syncer_;
};

}  // namespace hilum::storage
