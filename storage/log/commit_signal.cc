#include "storage/log/commit_signal.h"

#include <pthread.h>

namespace hilum::storage {

CommitSignal::CommitSignal(std::chrono::milliseconds pause) : pause_(pause), thread_([this] { Tell(); }) {}

CommitSignal::~CommitSignal() {
  {
    const std::lock_guard lock(mu_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void CommitSignal::Notify() {
  {
    const std::lock_guard lock(mu_);
    if (std::exchange(due_, true)) return;
  }
  wake_.notify_one();
}

CommitSignal::Subscription CommitSignal::Subscribe(std::function<void()> listener) {
  const std::lock_guard lock(listeners_mu_);
  listeners_.emplace(++next_, std::move(listener));
  return {this, next_};
}

void CommitSignal::Unsubscribe(uint64_t number) {
  const std::lock_guard lock(listeners_mu_);
  listeners_.erase(number);
}

void CommitSignal::Tell() {
  pthread_setname_np(pthread_self(), "commit-signal");
  std::unique_lock lock(mu_);
  for (;;) {
    wake_.wait(lock, [this] { return due_ || stop_; });
    if (stop_) return;
    due_ = false;
    lock.unlock();
    {
      const std::lock_guard calling(listeners_mu_);
      for (const auto& [number, listener] : listeners_) listener();
    }
    lock.lock();
    wake_.wait_for(lock, pause_, [this] { return stop_; });
  }
}

}  // namespace hilum::storage
