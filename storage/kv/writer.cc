#include "storage/kv/writer.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "storage/kv/group_txn.h"
#include "storage/kv/overlay.h"

namespace hilum::storage {
namespace {

// One caller of Run. Shared, because the caller may be gone before the writer thread has finished waking it.
struct Waiter {
  Waiter(Task t, Space s) : task(std::move(t)), space(s) {}

  Task task;
  const Space space;
  std::mutex mu;
  std::condition_variable answered;  // one for each: a group that is done wakes nobody else
  std::optional<Result<uint64_t>> answer;

  void Answer(Result<uint64_t> with) {
    {
      std::lock_guard lock(mu);
      answer.emplace(std::move(with));
    }
    answered.notify_one();
  }
  Result<uint64_t> Wait() {
    std::unique_lock lock(mu);
    answered.wait(lock, [this] { return answer.has_value(); });
    return *std::move(answer);
  }
};
using Waiters = std::vector<std::shared_ptr<Waiter>>;

// A task that has run.
struct Member {
  std::shared_ptr<Waiter> waiter;
  Status outcome;  // the task's own
};

class GroupWriter : public Writer {
 public:
  GroupWriter(Kv& kv, std::span<const Merger* const> mergers, Options options)
      : kv_(kv), mergers_(mergers.begin(), mergers.end()), options_(options) {
    mergers_.resize(kFamilyCount);
    thread_ = std::thread([this] { WriteGroups(); });
  }

  ~GroupWriter() override {
    {
      std::lock_guard lock(mu_);
      stopped_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  Result<uint64_t> Run(Task task, Space space) override;
  size_t waiting() const override {
    std::lock_guard lock(mu_);
    return queue_.size();
  }

 private:
  void WriteGroups();
  Waiters TakeWaiting(bool wait);
  void RunTask(const std::shared_ptr<Waiter>& waiter);
  Status FinishGroup();
  Result<uint64_t> CommitChanges();

  Kv& kv_;
  std::vector<const Merger*> mergers_;
  const Options options_;

  mutable std::mutex mu_;
  std::condition_variable wake_;
  Waiters queue_;
  bool idle_ = false;
  bool stopped_ = false;

  // Of the writer thread.
  std::vector<Member> group_;
  Space group_space_ = Space::kUsual;
  Overlay changes_;
  Overlay task_changes_;
  std::thread thread_;
};

Result<uint64_t> GroupWriter::Run(Task task, Space space) {
  const auto waiter = std::make_shared<Waiter>(std::move(task), space);
  bool wake = false;
  {
    std::lock_guard lock(mu_);
    if (stopped_) return Unavailable("the writer is stopping");
    if (queue_.size() >= options_.queue_limit) {
      return Unavailable("too many changes are waiting to be written: try again later");
    }
    queue_.push_back(waiter);
    wake = std::exchange(idle_, false);
  }
  if (wake) wake_.notify_one();
  return waiter->Wait();
}

// Empty when there is nothing (and, if told to wait, never will be).
Waiters GroupWriter::TakeWaiting(bool wait) {
  std::unique_lock lock(mu_);
  while (wait && queue_.empty() && !stopped_) {
    idle_ = true;
    wake_.wait(lock);
  }
  idle_ = false;
  return std::exchange(queue_, {});
}

void GroupWriter::WriteGroups() {
  ::pthread_setname_np(::pthread_self(), "kv-writer");
  while (true) {
    Waiters waiting = TakeWaiting(/*wait=*/true);
    if (waiting.empty()) return;
    // Those that arrive while tasks run still join the group.
    while (!waiting.empty()) {
      for (const auto& waiter : waiting) RunTask(waiter);
      waiting = TakeWaiting(/*wait=*/false);
    }
    FinishGroup().IgnoreError();  // every waiter has it
  }
}

void GroupWriter::RunTask(const std::shared_ptr<Waiter>& waiter) {
  // What is refused for want of space must not take what may use the reserve down with it.
  if (waiter->space != group_space_ && !group_.empty()) FinishGroup().IgnoreError();  // every waiter has it
  group_space_ = waiter->space;
  GroupTxn txn(kv_, mergers_, &changes_, &task_changes_);
  Status outcome = waiter->task(txn);
  waiter->task = nullptr;
  if (outcome.ok()) outcome = txn.limits();

  if (!outcome.ok()) {
    task_changes_.Clear();
  } else if (changes_.bytes() + task_changes_.bytes() > kMaxBatchBytes) {
    // The group is full. The task has seen its changes; once they are committed it opens the next group.
    Status finished = FinishGroup();
    if (!finished.ok()) {
      task_changes_.Clear();
      waiter->Answer(std::move(finished));
      return;
    }
  }
  changes_.Absorb(&task_changes_);
  group_.push_back({waiter, std::move(outcome)});
}

Status GroupWriter::FinishGroup() {
  const Result<uint64_t> committed = CommitChanges();
  changes_.Clear();
  for (const auto& [waiter, outcome] : group_) {
    // A task's own error may come from changes that were not committed in the end: then that is the answer.
    if (!committed.ok()) {
      waiter->Answer(committed.status());
    } else if (!outcome.ok()) {
      waiter->Answer(outcome);
    } else {
      waiter->Answer(*committed);
    }
  }
  for (const auto& member : group_) member.outcome.IgnoreError();  // read above, unless the commit failed
  group_.clear();
  return committed.status();
}

Result<uint64_t> GroupWriter::CommitChanges() {
  if (changes_.empty()) {
    HILUM_RETURN_IF_ERROR(kv_.health());
    return kv_.sequence();
  }
  HILUM_ASSIGN_OR_RETURN(auto batch, changes_.ToBatch(mergers_));
  HILUM_ASSIGN_OR_RETURN(const uint64_t sequence, kv_.Commit(std::move(batch), {}, group_space_));
  if (options_.on_commit) options_.on_commit();
  return sequence;
}

}  // namespace

std::unique_ptr<Writer> Writer::Start(Kv& kv, std::span<const Merger* const> mergers, Options options) {
  return std::make_unique<GroupWriter>(kv, mergers, options);
}

}  // namespace hilum::storage
