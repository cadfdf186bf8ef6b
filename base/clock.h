// Time behind an interface, so that tests tick it by hand. Implementations are safe for concurrent use.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace hilum {

using Micros = std::chrono::microseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall-clock time since 1970-01-01T00:00:00Z. May step backwards; never use it to measure.
  virtual Micros Now() const = 0;
  // Time since an arbitrary start; never steps backwards.
  virtual Micros Monotonic() const = 0;
};

class SystemClock : public Clock {
 public:
  Micros Now() const override {
    return std::chrono::duration_cast<Micros>(std::chrono::system_clock::now().time_since_epoch());
  }
  Micros Monotonic() const override {
    return std::chrono::duration_cast<Micros>(std::chrono::steady_clock::now().time_since_epoch());
  }
};

class FakeClock : public Clock {
 public:
  explicit FakeClock(Micros now = std::chrono::seconds(1'700'000'000)) : now_(now.count()) {}
  Micros Now() const override { return Micros(now_.load()); }
  Micros Monotonic() const override { return Micros(now_.load()); }
  void Advance(Micros by) { now_ += by.count(); }

 private:
  std::atomic<int64_t> now_;
};

}  // namespace hilum
