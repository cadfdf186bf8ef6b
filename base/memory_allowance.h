// Memory that many may hold on to together, up to a limit. It counts; it allocates nothing. Safe for concurrent use.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>

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

    // False, and nothing changes, when there is not as much left, or others wait for it.
    bool Grow(uint64_t bytes) {
      if (allowance_ != nullptr && !allowance_->Take(bytes)) return false;
      held_ += bytes;
      return true;
    }
    // Waits in turn until it holds as much, but at most so long; who wants more than there is has all of it. REQUIRES:
    // it holds nothing, since those who hold something and wait for more might wait for each other.
    bool GrowTo(uint64_t bytes, std::chrono::milliseconds limit) {
      if (allowance_ != nullptr) bytes = std::min(bytes, allowance_->total_);
      if (allowance_ != nullptr && !allowance_->TakeInTurn(bytes, limit)) return false;
      held_ = bytes;
      return true;
    }
    // At most what it has.
    void Shrink(uint64_t bytes) {
      bytes = std::min(bytes, held_);
      held_ -= bytes;
      if (allowance_ != nullptr && bytes > 0) allowance_->GiveBack(bytes);
    }
    uint64_t held() const { return held_; }

   private:
    MemoryAllowance* const allowance_;
    uint64_t held_ = 0;
  };

  uint64_t left() const {
    const std::lock_guard lock(mu_);
    return left_;
  }

 private:
  bool Take(uint64_t bytes) {
    const std::lock_guard lock(mu_);
    if (bytes > left_ || !waiting_.empty()) return false;
    left_ -= bytes;
    return true;
  }
  bool TakeInTurn(uint64_t bytes, std::chrono::milliseconds limit) {
    std::unique_lock lock(mu_);
    const uint64_t ticket = ++last_ticket_;
    waiting_.push_back(ticket);
    const bool came = changed_.wait_for(lock, limit, [&] { return waiting_.front() == ticket && bytes <= left_; });
    std::erase(waiting_, ticket);
    if (came) left_ -= bytes;
    changed_.notify_all();  // somebody else is the first now
    return came;
  }
  void GiveBack(uint64_t bytes) {
    const std::lock_guard lock(mu_);
    left_ += bytes;
    changed_.notify_all();
  }

  const uint64_t total_;
  mutable std::mutex mu_;
  std::condition_variable changed_;
  uint64_t left_;
  std::deque<uint64_t> waiting_;  // tickets, in turn
  uint64_t last_ticket_ = 0;
};

}  // namespace hilum
