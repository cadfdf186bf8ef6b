// Retrieval load: many clients fetch a list of URLs over and over.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace hilum::load {

struct GetOptions {
  std::vector<std::string> urls;  // of one server
  std::string accept = "*/*";
  uint64_t clients = 4;
  uint64_t requests = 100;  // of each client
  // Requests a second of each client, as a viewer asks that plays a stack; latencies then count from when a request was
  // due. 0: the next one when the last one is answered.
  uint64_t rate = 0;
};

// True when every answer was 200 or 206.
Result<bool> RunGet(const GetOptions& options);

}  // namespace hilum::load
