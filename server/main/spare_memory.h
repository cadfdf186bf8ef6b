// The allocator of this program, tcmalloc, keeps what requests gave back, for those that come next. What lay idle for a
// while goes back to the system, but for some (docs/adr/0009-allocator.md). Under sanitizers, which bring allocators of
// their own, nothing happens.
#pragma once

#include <thread>

namespace hilum {

// Gives back to the system what nobody uses, but for 64 MB. Safe for concurrent use.
void GiveBackMemory();

// Does so with what lay idle for some seconds: one thread, started by the constructor and joined by the destructor.
class SpareMemory {
 public:
  SpareMemory();
  SpareMemory(const SpareMemory&) = delete;
  SpareMemory& operator=(const SpareMemory&) = delete;

 private:
  std::jthread thread_;
};

}  // namespace hilum
