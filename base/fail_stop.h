// The one-way switch of a store from serving to read-only: the first error that makes durability uncertain trips it,
// later ones change nothing. Safe for concurrent use.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "base/log.h"
#include "base/status.h"

namespace hilum {

class FailStop {
 public:
  // `what` is read-only once tripped ("the object store"). `on_fatal` is called once, on the thread that trips; it may
  // be empty.
  FailStop(std::string what, std::function<void(const Status&)> on_fatal, Logger log);

  // Returns status(): whoever meets the error is told what everybody is told. The first cause is logged.
  Status Trip(const Status& cause);

  // OK, or kUnavailable, with what to do. It reaches clients, who have no business with paths: the cause is in the log.
  Status status() const;

 private:
  const std::string what_;
  const std::function<void(const Status&)> on_fatal_;
  const Logger log_;
  enum class State : uint8_t { kServing, kFailed, kDamaged };
  std::atomic<State> state_{State::kServing};
};

}  // namespace hilum
