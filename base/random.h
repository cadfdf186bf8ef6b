// Randomness behind an interface, so that tests repeat. Implementations are safe for concurrent use.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace hilum {

class Random {
 public:
  virtual ~Random() = default;
  // Unpredictable bytes, fit for keys and boundaries.
  virtual void Fill(std::span<char> out) = 0;

  // `bytes` random bytes as lower-case hexadecimal.
  std::string Hex(size_t bytes);
  // RFC 9562 version 4, lower case.
  std::string Uuid();
};

// getrandom(2).
class SystemRandom : public Random {
 public:
  void Fill(std::span<char> out) override;
};

}  // namespace hilum
