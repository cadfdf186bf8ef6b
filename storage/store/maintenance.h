// What the store does for itself in the background: gives the space of deleted objects back, and reads all stored
// objects over and over to find damage before a user does (scrubbing).
//
// One thread, started by the constructor and joined by the destructor. The store, registry and logger outlive it.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <thread>

#include "base/log.h"
#include "base/metrics.h"
#include "storage/store/store.h"

namespace hilum::storage {

struct MaintenanceOptions {
  std::chrono::seconds compact_every{300};
  uint64_t scrub_bytes_per_second = 8 << 20;  // 0: no scrubbing
  std::chrono::seconds scrub_pause{3600};     // between the end of a pass and the begin of the next
};

class Maintenance {
 public:
  Maintenance(Store& store, const MaintenanceOptions& options, Registry& metrics, Logger log);
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;

 private:
  void Work(const std::stop_token& stop);
  // Checks the next objects until about a second's worth of bytes is read; false at the end of a pass. An error when
  // the rows cannot be read: the next slice begins where this one did.
  Result<bool> ScrubSlice();

  Store& store_;
  const MaintenanceOptions options_;
  Logger log_;
  Counter& scrubbed_bytes_;
  Counter& scrub_findings_;
  Gauge& damaged_objects_;
  Counter& scrub_passes_;
  Counter& reclaimed_bytes_;
  std::string scrub_position_;  // row key of the next instance
  int64_t damaged_so_far_ = 0;  // in the pass that is under way
  std::jthread thread_;         // ends before what it uses
};

}  // namespace hilum::storage
