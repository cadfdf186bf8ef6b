// Tells those who follow the change log that there may be more of it. Safe for concurrent use.
//
// Listeners are called on a thread of the signal, one after the other, right after a commit; commits that follow within
// a short pause share one call. So a burst of commits costs the writer and the listeners little.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace hilum::storage {

class CommitSignal {
 public:
  // Listens until it is destroyed; then no call runs or begins any more. The signal outlives it.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&& other) noexcept
        : signal_(std::exchange(other.signal_, nullptr)), number_(other.number_) {}
    Subscription& operator=(Subscription&& other) noexcept {
      std::swap(signal_, other.signal_);
      std::swap(number_, other.number_);
      return *this;
    }
    ~Subscription() {
      if (signal_ != nullptr) signal_->Unsubscribe(number_);
    }

   private:
    friend class CommitSignal;
    Subscription(CommitSignal* signal, uint64_t number) : signal_(signal), number_(number) {}
    CommitSignal* signal_ = nullptr;
    uint64_t number_ = 0;
  };

  explicit CommitSignal(std::chrono::milliseconds pause = std::chrono::milliseconds(50));
  ~CommitSignal();
  CommitSignal(const CommitSignal&) = delete;
  CommitSignal& operator=(const CommitSignal&) = delete;

  // Something was committed. Quick.
  void Notify();

  // The listener must be quick and must not use the signal. What is committed after this returns is told.
  [[nodiscard]] Subscription Subscribe(std::function<void()> listener);

 private:
  void Tell();
  void Unsubscribe(uint64_t number);

  const std::chrono::milliseconds pause_;
  std::mutex listeners_mu_;  // also held while listeners are called
  std::map<uint64_t, std::function<void()>> listeners_;
  uint64_t next_ = 0;

  std::mutex mu_;
  std::condition_variable wake_;
  bool due_ = false;   // guarded by mu_
  bool stop_ = false;  // guarded by mu_
  std::thread thread_;
};

}  // namespace hilum::storage
