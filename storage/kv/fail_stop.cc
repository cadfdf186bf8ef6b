#include "storage/kv/fail_stop.h"

#include <utility>

namespace hilum::storage {

FailStop::FailStop(std::function<void(const Status&)> on_fatal, Logger log)
    : on_fatal_(std::move(on_fatal)), log_(std::move(log)) {}

void FailStop::Trip(const Status& cause) {
  {
    std::lock_guard lock(mu_);
    const std::string reason = cause.ToString();
    if (tripped_) return;
    cause_ = reason;
    tripped_ = true;
  }
  log_.Error("the key-value store is read-only from now on", {{"cause", cause.ToString()}});
  if (on_fatal_) on_fatal_(cause);
}

Status FailStop::status() const {
  if (!tripped_) return Status::Ok();
  std::lock_guard lock(mu_);
  return Unavailable("the key-value store is read-only since: " + cause_ +
                     "; check the disk, then restart to recover from the log");
}

}  // namespace hilum::storage
