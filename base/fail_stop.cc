#include "base/fail_stop.h"

#include <utility>

namespace hilum {

FailStop::FailStop(std::string what, std::function<void(const Status&)> on_fatal, Logger log)
    : what_(std::move(what)), on_fatal_(std::move(on_fatal)), log_(std::move(log)) {}

Status FailStop::Trip(const Status& cause) {
  cause.IgnoreError();  // from here on status() tells it
  State serving = State::kServing;
  const State stopped = cause.code() == Code::kCorruption ? State::kDamaged : State::kFailed;
  if (state_.compare_exchange_strong(serving, stopped)) {
    log_.Error(what_ + " is read-only from now on", {{"cause", cause.ToString()}});
    if (on_fatal_) on_fatal_(cause);
  }
  return status();
}

Status FailStop::status() const {
  switch (state_) {
    case State::kServing:
      break;
    case State::kFailed:
      return Unavailable(what_ +
                         " is read-only since a write failed: the log of the server has the cause; check the disk, "
                         "then restart to recover");
    case State::kDamaged:
      return Unavailable(what_ +
                         " is read-only since what it has stored was found damaged: the log of the server has the "
                         "cause; starting again does not help: keep the folder, restore a backup");
  }
  return Status::Ok();
}

}  // namespace hilum
