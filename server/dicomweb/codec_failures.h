// What becomes of pixels that cannot be decoded or encoded. Safe for concurrent use; the registry outlives it.
#pragma once

#include <string>

#include "base/log.h"
#include "base/metrics.h"
#include "base/status.h"

namespace hilum::dicomweb {

class CodecFailures {
 public:
  CodecFailures(Registry& metrics, Logger log);

  // The error that a client gets: its own, whatever happened inside. Logged and counted.
  Status Tell(const Status& status, const std::string& sop_uid);

 private:
  Counter& count_;
  Logger log_;
};

}  // namespace hilum::dicomweb
