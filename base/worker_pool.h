// A fixed number of threads that run tasks from a bounded queue. Safe for concurrent use.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hilum {

class WorkerPool {
 public:
  // `name` is shown by the operating system (at most 12 characters). `queue_limit` tasks may wait for a free thread.
  // REQUIRES: threads > 0.
  WorkerPool(std::string name, size_t threads, size_t queue_limit);
  // Stops (see Stop).
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False, and the task is not taken, when the queue is full or the pool is stopped. A task must not throw.
  bool TrySubmit(std::function<void()> task);
  // Runs what is queued, then joins the threads. Repeats are harmless. REQUIRES: not called from a task.
  void Stop();

  size_t queued() const;
  size_t running() const;

 private:
  void RunTasks();
  // Whether to notify a thread; under the lock.
  bool ShouldWake();

  const std::string name_;
  const size_t queue_limit_;
  mutable std::mutex mu_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  size_t running_ = 0;
  size_t idle_ = 0;
  // Waking a thread takes as long as a small task, and those awake go on with what is queued: one is woken at a time,
  // and wakes the next when there is more.
  size_t asleep_ = 0;
  bool waking_ = false;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace hilum
