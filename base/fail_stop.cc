#include "base/fail_stop.h"

#include <utility>

namespace hilum {

FailStop::FailStop(std::string what, std::function<void(const Status&)> on_fatal, Logger log)
    : what_(std::move(what)), on_fatal_(std::move(on_fatal)), log_(std::move(log)) {}

Status FailStop::Trip(Status cause) {
  {
    const std::lock_guard lock(mu_);
    if (tripped_) return cause;
    cause_ = cause.ToString();
    tripped_ = true;
  }
  log_.Error(what_ + " is read-only from now on", {{"cause", cause.ToString()}});
  if (on_fatal_) on_fatal_(cause);
  return cause;
}

Status FailStop::status() const {
  if (!tripped_) return Status::Ok();
  const std::lock_guard lock(mu_);
  return Unavailable(what_ + " is read-only since: " + cause_ + "; check the disk, then restart to recover");
}

}  // namespace hilum
