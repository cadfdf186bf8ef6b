// Memory that many may hold on to together, up to a limit. It counts; it allocates nothing. Safe for concurrent use.
#pragma once

#include <atomic>
#include <cstdint>

namespace hilum {

class MemoryAllowance {
 public:
  explicit MemoryAllowance(uint64_t bytes) : total_(bytes), left_(bytes) {}

  // What one holder has of it, given back at the end. Used by one thread at a time; the allowance outlives it.
  class Share {
   public:
    // Without an allowance everything is allowed.
    explicit Share(MemoryAllowance* allowance) : allowance_(allowance) {}
    ~Share() { Shrink(held_); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // False, and nothing changes, when there is not as much left.
    bool Grow(uint64_t bytes) {
      if (allowance_ != nullptr && !allowance_->Take(bytes)) return false;
      held_ += bytes;
      return true;
    }
    // At most what it has.
    void Shrink(uint64_t bytes) {
      if (bytes > held_) bytes = held_;
      held_ -= bytes;
      if (allowance_ != nullptr) allowance_->left_.fetch_add(bytes, std::memory_order_relaxed);
    }
    uint64_t held() const { return held_; }

   private:
    MemoryAllowance* const allowance_;
    uint64_t held_ = 0;
  };

  uint64_t total() const { return total_; }
  uint64_t left() const { return left_.load(std::memory_order_relaxed); }

 private:
  bool Take(uint64_t bytes) {
    uint64_t left = left_.load(std::memory_order_relaxed);
    while (left >= bytes)
      if (left_.compare_exchange_weak(left, left - bytes, std::memory_order_relaxed)) return true;
    return false;
  }

  const uint64_t total_;
  std::atomic<uint64_t> left_;
};

}  // namespace hilum
