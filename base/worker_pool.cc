#include "base/worker_pool.h"

#include <pthread.h>

#include <algorithm>
#include <cassert>
#include <system_error>
#include <utility>

namespace hilum {

WorkerPool::WorkerPool(std::string name, size_t threads, size_t queue_limit)
    : name_(name.substr(0, 12)),
      queue_limit_(queue_limit),
      usual_threads_(threads),
      processors_(std::max(1u, std::thread::hardware_concurrency())) {
  assert(threads > 0);
  try {
    const std::lock_guard lock(mu_);
    while (threads_.size() < threads) StartThread();
  } catch (const std::system_error&) {
    Stop();  // threads that nobody joins would end the process
    throw;
  }
}

WorkerPool::~WorkerPool() {
  Stop();
}

void WorkerPool::StartThread() {
  Worker& worker = workers_.emplace_back();
  threads_.emplace_back([this, &worker] { RunTasks(worker); });
  ++idle_;  // before it runs: a task submitted now will find it
}

// Starts a thread for one that is absent, when a task waits for it.
void WorkerPool::StandIn() {
  const size_t wanted = usual_threads_ + std::min(absent_, (kStandIns - 1) * usual_threads_);
  if (stopped_ || queue_.empty() || idle_ > 0 || threads_.size() >= wanted) return;
  try {
    StartThread();
  } catch (const std::system_error&) {  // the system has none to give: the task waits for its turn
    workers_.pop_back();
  }
}

void WorkerPool::Leave() {
  const std::lock_guard lock(mu_);
  ++absent_;
  StandIn();
}

void WorkerPool::Return() {
  const std::lock_guard lock(mu_);
  --absent_;
}

bool WorkerPool::MayBegin(SteadyClock::time_point now) const {
  const Queued& first = queue_.front();
  if (stopped_ || first.kind == TaskKind::kWaits || now - first.since >= kPatience) return true;
  const auto computes = [&](const Worker& worker) { return now - worker.computes_since < kPatience; };
  return static_cast<size_t>(std::ranges::count_if(workers_, computes)) < processors_;
}

WorkerPool::Worker* WorkerPool::ToWake(SteadyClock::time_point now) {
  if (queue_.empty() || asleep_.empty() || waking_ || (watched_ && !MayBegin(now))) return nullptr;
  waking_ = true;
  return asleep_.back();
}

bool WorkerPool::TrySubmit(std::function<void()> task, TaskKind kind) {
  const auto now = SteadyClock::now();
  Worker* next = nullptr;
  {
    const std::lock_guard lock(mu_);
    // An idle thread is about to take a queued task: only what no thread is free for waits.
    if (stopped_ || queue_.size() >= queue_limit_ + idle_) return false;
    queue_.push_back({std::move(task), kind, now});
    next = ToWake(now);
    StandIn();
  }
  if (next != nullptr) next->wake.notify_one();
  return true;
}

void WorkerPool::Stop() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mu_);
    stopped_ = true;
    threads.swap(threads_);
  }
  for (Worker& worker : workers_) worker.wake.notify_one();
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

void WorkerPool::Sleep(Worker& self, std::unique_lock<std::mutex>* lock) {
  asleep_.push_back(&self);
  if (queue_.empty() || watched_) {
    self.wake.wait(*lock);
  } else {
    watched_ = true;
    self.wake.wait_until(*lock, queue_.front().since + kPatience);
    watched_ = false;
  }
  std::erase(asleep_, &self);
  waking_ = false;
}

void WorkerPool::RunTasks(Worker& self) {
  pthread_setname_np(pthread_self(), name_.c_str());
  std::unique_lock lock(mu_);
  while (true) {
    auto now = SteadyClock::now();
    while (queue_.empty() ? !stopped_ : !MayBegin(now)) {
      Sleep(self, &lock);
      now = SteadyClock::now();
    }
    if (queue_.empty()) return;
    Queued next = std::move(queue_.front());
    queue_.pop_front();
    --idle_;
    ++running_;
    if (next.kind == TaskKind::kComputes) self.computes_since = now;
    Worker* const other = ToWake(now);
    lock.unlock();
    if (other != nullptr) other->wake.notify_one();
    next.task();
    next.task = nullptr;  // what the task holds is released outside the lock
    lock.lock();
    self.computes_since = {};
    --running_;
    ++idle_;
  }
}

}  // namespace hilum
