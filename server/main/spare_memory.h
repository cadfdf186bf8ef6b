// The allocator keeps what requests gave back, for those that come next. What lay idle for a while goes back to the
// system, but for some (docs/adr/0009-allocator.md). Under sanitizers, which bring allocators of their own, nothing
// happens.
//
// One thread, started by the constructor and joined by the destructor.
#pragma once

#include <thread>

namespace hilum {

class SpareMemory {
 public:
  SpareMemory();
  SpareMemory(const SpareMemory&) = delete;
  SpareMemory& operator=(const SpareMemory&) = delete;

 private:
  std::jthread thread_;
};

}  // namespace hilum
