#include "base/fail_stop.h"

#include <utility>

namespace hilum {

FailStop::FailStop(std::string what, std::function<void(const Status&)> on_fatal, Logger log)
    : what_(std::move(what)), on_fatal_(std::move(on_fatal)), log_(std::move(log)) {}

Status FailStop::Trip(const Status& cause) {
  cause.IgnoreError();  // from here on status() tells it
  if (!tripped_.exchange(true)) {
    log_.Error(what_ + " is read-only from now on", {{"cause", cause.ToString()}});
    if (on_fatal_) on_fatal_(cause);
  }
  return status();
}

Status FailStop::status() const {
  if (!tripped_) return Status::Ok();
  return Unavailable(what_ +
                     " is read-only since a write failed: the log of the server has the cause; check the disk, "
                     "then restart to recover");
}

}  // namespace hilum
