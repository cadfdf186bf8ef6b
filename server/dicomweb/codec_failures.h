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

  // The error that a client gets: what is wrong with the pixels, logged and counted, or what is wrong with us. Codecs
  // never say kCorruption or kIo: those are of the store, whose bytes are checked before they are decoded.
  Status Tell(const Status& status, const std::string& sop_uid);

 private:
  Counter& count_;
  Logger log_;
};

}  // namespace hilum::dicomweb
