#include "base/worker_pool.h"

#include <pthread.h>

#include <cassert>
#include <utility>

namespace hilum {

WorkerPool::WorkerPool(std::string name, size_t threads, size_t queue_limit)
    : name_(name.substr(0, 12)), queue_limit_(queue_limit) {
  assert(threads > 0);
  // Threads that have not started yet count as idle: a task submitted now will find them.
  idle_ = threads;
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { RunTasks(); });
}

WorkerPool::~WorkerPool() {
  Stop();
}

bool WorkerPool::ShouldWake() {
  if (queue_.empty() || asleep_ == 0 || waking_) return false;
  return waking_ = true;
}

bool WorkerPool::TrySubmit(std::function<void()> task) {
  bool wake = false;
  {
    const std::lock_guard lock(mu_);
    // An idle thread is about to take a queued task: only what no thread is free for waits.
    if (stopped_ || queue_.size() >= queue_limit_ + idle_) return false;
    queue_.push_back(std::move(task));
    wake = ShouldWake();
  }
  if (wake) wake_.notify_one();
  return true;
}

void WorkerPool::Stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mu_);
    stopped_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

size_t WorkerPool::queued() const {
  const std::lock_guard lock(mu_);
  return queue_.size();
}

size_t WorkerPool::running() const {
  const std::lock_guard lock(mu_);
  return running_;
}

void WorkerPool::RunTasks() {
  pthread_setname_np(pthread_self(), name_.c_str());
  std::unique_lock lock(mu_);
  while (true) {
    while (queue_.empty() && !stopped_) {
      ++asleep_;
      wake_.wait(lock);
      --asleep_;
      waking_ = false;
    }
    if (queue_.empty()) return;
    std::function<void()> task = std::move(queue_.front());
    queue_.pop_front();
    --idle_;
    ++running_;
    const bool wake = ShouldWake();
    lock.unlock();
    if (wake) wake_.notify_one();
    task();
    task = nullptr;  // what the task holds is released outside the lock
    lock.lock();
    --running_;
    ++idle_;
  }
}

}  // namespace hilum
