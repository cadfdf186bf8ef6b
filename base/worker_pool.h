// Threads that run tasks from a bounded queue. Safe for concurrent use.
//
// There are more threads than processors because tasks wait: for disks, clients, commits. Tasks that compute would take
// turns on the processors then, and some would take many times as long as alone. Those begin while fewer of them run
// than there are processors; one that has run for kPatience waits after all and is not counted, and one that has been
// queued for kPatience begins in any case. The thread that fell asleep last is woken first: it is still warm, and the
// scheduler treats it as one that had its share.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hilum {

enum class TaskKind : uint8_t { kComputes, kWaits };

class WorkerPool {
 public:
  // About a time slice of the scheduler: what was preempted once still computes.
  static constexpr std::chrono::milliseconds kPatience{3};

  // `name` is shown by the operating system (at most 12 characters). `queue_limit` tasks may wait for a free thread.
  // REQUIRES: threads > 0. Throws std::system_error when the system has not so many to give.
  WorkerPool(std::string name, size_t threads, size_t queue_limit);
  // Stops (see Stop).
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // The task that makes one waits, for as long as it lives, for somebody who may take long: another thread may stand in
  // for its own, until there are kStandIns times as many as at first.
  static constexpr size_t kStandIns = 4;
  class Absence {
   public:
    explicit Absence(WorkerPool& pool) : pool_(pool) { pool_.Leave(); }
    ~Absence() { pool_.Return(); }
    Absence(const Absence&) = delete;
    Absence& operator=(const Absence&) = delete;

   private:
    WorkerPool& pool_;
  };

  // False, and the task is not taken, when the queue is full or the pool is stopped. A task must not throw.
  bool TrySubmit(std::function<void()> task, TaskKind kind = TaskKind::kWaits);
  // Runs what is queued, then joins the threads. Repeats are harmless. REQUIRES: not called from a task.
  void Stop();

  size_t queued() const;
  size_t running() const;

 private:
  using SteadyClock = std::chrono::steady_clock;
  struct Queued {
    std::function<void()> task;
    TaskKind kind;
    SteadyClock::time_point since;
  };
  struct Worker {
    std::condition_variable wake;
    SteadyClock::time_point computes_since;  // long ago: it does not
  };

  void RunTasks(Worker& self);
  void Leave();
  void Return();
  // The following under the lock.
  bool MayBegin(SteadyClock::time_point now) const;  // the first of the queue; REQUIRES: there is one
  Worker* ToWake(SteadyClock::time_point now);       // null: none
  void Sleep(Worker& self, std::unique_lock<std::mutex>* lock);
  void StartThread();
  void StandIn();

  const std::string name_;
  const size_t queue_limit_;
  const size_t usual_threads_;
  const size_t processors_;
  mutable std::mutex mu_;
  std::deque<Queued> queue_;
  std::deque<Worker> workers_;
  std::vector<Worker*> asleep_;  // the last one fell asleep last
  size_t running_ = 0;
  size_t idle_ = 0;  // threads that run no task
  size_t absent_ = 0;
  // Waking a thread takes as long as a small task, and those awake go on with what is queued: one is woken at a time,
  // and wakes the next when there is more.
  bool waking_ = false;
  bool watched_ = false;  // one of those asleep wakes when the first of the queue has waited for long enough
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace hilum
