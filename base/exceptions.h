// Exceptions do not cross a module, but memory may run out anywhere: where one would end a thread, and the process with
// it, it becomes a Status.
#pragma once

#include <exception>
#include <string>
#include <typeinfo>

#include "base/status.h"

namespace hilum {

// What `run` returns, a Status or a Result; kInternal when it throws. The text of the exception is left out: it may
// quote what a client sent.
template <typename F>
auto WithoutExceptions(F&& run) -> decltype(run()) {
  try {
    return run();
  } catch (const std::exception& error) {
    return Internal(std::string("an exception was thrown: ") + typeid(error).name());
  }
}

}  // namespace hilum
