// What a connection and those who wake it ask of the event loop it belongs to.
#pragma once

#include <cstdint>
#include <span>

namespace hilum::http {

enum class Interest : uint8_t { kNone, kRead, kWrite };

class EventLoop {
 public:
  virtual ~EventLoop() = default;
  // Level-triggered readiness of the connection's socket. Loop thread only.
  virtual void SetInterest(int descriptor, uint64_t tag, Interest interest) = 0;
  // OnWake of the connection with that tag, soon, if it still exists. Any thread.
  virtual void Wake(uint64_t tag) = 0;
  // Room to receive into, shared by all connections of the loop. Loop thread only.
  virtual std::span<char> scratch() = 0;
};

}  // namespace hilum::http
