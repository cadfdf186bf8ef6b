#include "server/dicomweb/codec_failures.h"

namespace hilum::dicomweb {

CodecFailures::CodecFailures(Registry& metrics, Logger log)
    : count_(metrics.counter("hilum_codec_failures_total",
                             "Requests that failed because pixels could not be decoded or encoded")),
      log_(std::move(log)) {}

Status CodecFailures::Tell(const Status& status, const std::string& sop_uid) {
  if (status.code() == Code::kCancelled || status.code() == Code::kUnavailable) return status;
  // Nothing to decode, or nothing we can decode: no failure of pixels.
  if (status.code() == Code::kNotFound || status.code() == Code::kUnsupported)
    return Unsupported("instance " + sop_uid + ": " + status.message());
  if (status.code() == Code::kCorruption || status.code() == Code::kIo) {
    log_.Warning("the stored object could not be read", {{"instance", sop_uid}, {"reason", status.message()}});
    return status;
  }
  count_.Add();
  log_.Warning("pixels could not be decoded or encoded", {{"instance", sop_uid}, {"reason", status.message()}});
  return Status(status.code() == Code::kInternal ? Code::kInternal : Code::kInvalid,
                "instance " + sop_uid + ": " + status.message());
}

}  // namespace hilum::dicomweb
