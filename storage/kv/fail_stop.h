// The one-way switch from serving to read-only. The first error trips it, later ones change nothing. Safe for
// concurrent use.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>

#include "base/log.h"
#include "base/status.h"

namespace hilum::storage {

class FailStop {
 public:
  // `on_fatal` is called once, on the thread that trips; it may be empty.
  FailStop(std::function<void(const Status&)> on_fatal, Logger log);

  void Trip(const Status& cause);

  // OK, or kUnavailable with the first cause.
  Status status() const;

 private:
  const std::function<void(const Status&)> on_fatal_;
  const Logger log_;
  std::atomic<bool> tripped_{false};
  mutable std::mutex mu_;
  std::string cause_;
};

}  // namespace hilum::storage
