#include "storage/kv/writer.h"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "storage/kv/group_txn.h"
#include "storage/kv/overlay.h"

namespace hilum::storage {
namespace {

// A group that changes so much is committed at once, and aside.
constexpr size_t kAsideBytes = 1024 * 1024;

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

// Tasks that have run, and their changes, which are committed together.
struct Group {
  std::vector<Member> members;
  Overlay changes;
  Space space = Space::kUsual;

  bool empty() const { return members.empty(); }
  // A task's own error may come from changes that were not committed in the end: then that is the answer.
  void Answer(const Result<uint64_t>& committed) {
    for (auto& [waiter, outcome] : members) {
      Status own = std::move(outcome);
      if (committed.ok() && !own.ok()) {
        waiter->Answer(std::move(own));
      } else {
        own.IgnoreError();
        waiter->Answer(committed);
      }
    }
    members.clear();
  }
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
  void CommitAside();
  Status AwaitCommitAside();
  Result<uint64_t> Commit(const Group& group);

  Kv& kv_;
  std::vector<const Merger*> mergers_;
  const Options options_;

  mutable std::mutex mu_;
  std::condition_variable wake_;
  Waiters queue_;
  bool idle_ = false;
  bool stopped_ = false;
  bool aside_done_ = false;  // the group that was committed aside can be forgotten

  // Of the writer thread.
  Group group_;
  Overlay task_changes_;
  // A large group on its way to the disk. That takes as long as running its tasks did, so those of the next group run
  // meanwhile, over its changes; they are committed after it, and not at all when it fails. The commit only reads it.
  Group aside_;
  std::future<Status> committing_aside_;
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
    if (std::exchange(aside_done_, false)) {
      lock.unlock();
      AwaitCommitAside().IgnoreError();  // every waiter has it, and nobody has seen its changes
      lock.lock();
      continue;
    }
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
    if (waiting.empty()) break;
    // Those that arrive while tasks run still join the group.
    while (!waiting.empty()) {
      for (const auto& waiter : waiting) RunTask(waiter);
      waiting = TakeWaiting(/*wait=*/false);
    }
    FinishGroup().IgnoreError();  // every waiter has it
  }
  AwaitCommitAside().IgnoreError();  // likewise
}

void GroupWriter::RunTask(const std::shared_ptr<Waiter>& waiter) {
  // What is refused for want of space must not take what may use the reserve down with it.
  if (waiter->space != group_.space) {
    FinishGroup().IgnoreError();  // every waiter has it
    AwaitCommitAside().IgnoreError();
    group_.space = waiter->space;
  }
  GroupTxn txn(kv_, mergers_, {&task_changes_, &group_.changes, &aside_.changes});
  Status outcome = waiter->task(txn);
  waiter->task = nullptr;
  if (outcome.ok()) outcome = txn.limits();

  if (!outcome.ok()) {
    task_changes_.Clear();
  } else if (group_.changes.bytes() + task_changes_.bytes() > kMaxBatchBytes) {
    // The group is full. The task has seen its changes; once they are committed it opens the next group.
    Status finished = FinishGroup();
    if (!finished.ok()) {
      task_changes_.Clear();
      waiter->Answer(std::move(finished));
      return;
    }
  }
  group_.changes.Absorb(&task_changes_);
  group_.members.push_back({waiter, std::move(outcome)});
  if (group_.changes.bytes() >= kAsideBytes) FinishGroup().IgnoreError();  // every waiter has it
}

// OK also when the commit is under way: who has seen its changes learns of its failure from the next call.
Status GroupWriter::FinishGroup() {
  if (group_.empty()) return Status::Ok();
  const Status before = AwaitCommitAside();
  if (before.ok() && group_.changes.bytes() >= kAsideBytes) {
    CommitAside();
    return Status::Ok();
  }
  const Result<uint64_t> committed = before.ok() ? Commit(group_) : Result<uint64_t>(before);
  group_.changes.Clear();
  group_.Answer(committed);
  return committed.status();
}

void GroupWriter::CommitAside() {
  std::swap(aside_, group_);
  group_.space = aside_.space;
  // Here, when no thread can be had.
  committing_aside_ = std::async(std::launch::async | std::launch::deferred, [this] {
    const Result<uint64_t> committed = Commit(aside_);
    aside_.Answer(committed);
    const std::lock_guard lock(mu_);
    aside_done_ = true;
    if (std::exchange(idle_, false)) wake_.notify_one();
    return committed.status();
  });
  if (committing_aside_.wait_for(std::chrono::seconds(0)) == std::future_status::deferred) {
    AwaitCommitAside().IgnoreError();  // every waiter has it, and nobody has seen its changes
  }
}

// OK when there is none.
Status GroupWriter::AwaitCommitAside() {
  if (!committing_aside_.valid()) return Status::Ok();
  Status committed = committing_aside_.get();
  aside_.changes.Clear();
  const std::lock_guard lock(mu_);
  aside_done_ = false;
  return committed;
}

Result<uint64_t> GroupWriter::Commit(const Group& group) {
  if (group.changes.empty()) {
    HILUM_RETURN_IF_ERROR(kv_.health());
    return kv_.sequence();
  }
  HILUM_ASSIGN_OR_RETURN(auto batch, group.changes.ToBatch(mergers_));
  if (options_.before_commit) HILUM_RETURN_IF_ERROR(options_.before_commit());
  HILUM_ASSIGN_OR_RETURN(const uint64_t sequence, kv_.Commit(std::move(batch), group.space));
  if (options_.on_commit) options_.on_commit();
  return sequence;
}

}  // namespace

std::unique_ptr<Writer> Writer::Start(Kv& kv, std::span<const Merger* const> mergers, Options options) {
  return std::make_unique<GroupWriter>(kv, mergers, options);
}

}  // namespace hilum::storage
