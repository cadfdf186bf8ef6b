// Randomness that repeats. Safe for concurrent use.
#pragma once

#include <cstring>
#include <mutex>
#include <random>
#include <span>

#include "base/random.h"

namespace hilum::testing {

// The same sequence for the same seed.
class SeededRandom : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}

  void Fill(std::span<char> out) override {
    const std::lock_guard lock(mu_);
    while (!out.empty()) {
      const uint64_t value = engine_();
      const size_t length = out.size() < sizeof(value) ? out.size() : sizeof(value);
      std::memcpy(out.data(), &value, length);
      out = out.subspan(length);
    }
  }
  uint64_t Next64() {
    uint64_t value = 0;
    Fill({reinterpret_cast<char*>(&value), sizeof(value)});
    return value;
  }

 private:
  std::mutex mu_;
  std::mt19937_64 engine_;
};

}  // namespace hilum::testing
