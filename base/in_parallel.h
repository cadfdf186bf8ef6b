// Two halves of one task at the same time: for work that somebody waits for.
#pragma once

#include <future>

#include "base/exceptions.h"
#include "base/status.h"

namespace hilum {

// Runs both and returns when both are over; `second` in a thread of its own, or after `first` when none can be had.
// The error of `first` counts before that of `second`; kInternal when one throws.
template <class First, class Second>
Status InParallel(First first, Second second) {
  std::future<Status> other =
      std::async(std::launch::async | std::launch::deferred, [&second] { return WithoutExceptions(second); });
  Status status = WithoutExceptions(first);
  Status other_status = other.get();
  if (status.ok()) return other_status;
  other_status.IgnoreError();
  return status;
}

}  // namespace hilum
