// Waiting in threads that are asked to stop: std::jthread asks when it is destroyed. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace hilum {

// False as soon as a stop was requested.
inline bool SleepFor(const std::stop_token& stop, std::chrono::milliseconds time) {
  std::mutex mu;
  std::condition_variable_any stopped;
  std::unique_lock lock(mu);
  stopped.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace hilum
