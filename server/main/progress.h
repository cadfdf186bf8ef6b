// One line on standard error that shows how far a long command is: part done, rate, time left. Shown on terminals only,
// at most five times a second. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hilum {

class Progress {
 public:
  // `total` things; 0: unknown.
  Progress(std::string what, uint64_t total, std::string unit);
  void Show(uint64_t done, uint64_t bytes);
  void Done();

 private:
  const std::string what_;
  const uint64_t total_;
  const std::string unit_;
  const bool terminal_;
  const std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace hilum
