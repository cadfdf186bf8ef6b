// How an exchange waits without a worker: what Responder::Park left behind, and whether somebody called its waker.
// Used by the owner of the connection alone; only a waker may be called by others.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "server/http/event_loop.h"
#include "server/http/http.h"

namespace hilum::http {

class Parking {
 public:
  // The loop outlives this object and its wakers.
  Parking(EventLoop& loop, uint64_t tag) : loop_(loop), tag_(tag) {}

  std::function<void()> Waker() {
    if (!woken_) woken_ = std::make_shared<std::atomic<bool>>(false);
    return [woken = woken_, loop = &loop_, tag = tag_] {
      if (!woken->exchange(true)) loop->Wake(tag);
    };
  }
  void Park(std::chrono::milliseconds limit, Resume resume) {
    limit_ = limit;
    resume_ = std::move(resume);
  }

  bool parked() const { return resume_ != nullptr; }
  std::chrono::milliseconds limit() const { return limit_; }
  bool woken() const { return woken_ && woken_->load(); }
  // Ends the waiting.
  Resume Take() {
    if (woken_) woken_->store(false);
    return std::exchange(resume_, nullptr);
  }

 private:
  EventLoop& loop_;
  const uint64_t tag_;
  std::shared_ptr<std::atomic<bool>> woken_;
  std::chrono::milliseconds limit_{0};
  Resume resume_;
};

}  // namespace hilum::http
