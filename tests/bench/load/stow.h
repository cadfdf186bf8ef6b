// STOW-RS load: whole requests (RunStow), or uploads held back before their end (RunInflight).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace hilum::load {

struct StowOptions {
  std::string url = "http://127.0.0.1:8042/dicom-web/studies";
  uint64_t clients = 4;
  uint64_t requests = 100;  // of each client
  uint64_t size = 512 * 1024 + 4096;
  uint64_t batch = 1;  // instances of one request
  uint64_t per_series = 100;
  uint64_t per_study = 4;    // series of one study
  uint64_t run = 0;          // 0: chosen by the clock. Runs of the same number store the same instances
  uint64_t total = 1 << 30;  // inflight: bytes of all uploads together
};

// True when every request was acknowledged.
Result<bool> RunStow(const StowOptions& options);

// Opens the uploads, sends all but the last bytes, prints {"op":"inflight","held":true,...}, waits for a line on
// standard input (or its end), then finishes them and prints the report.
Result<bool> RunInflight(const StowOptions& options);

}  // namespace hilum::load
