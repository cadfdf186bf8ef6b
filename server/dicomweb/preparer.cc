#include "server/dicomweb/preparer.h"

#include <sys/resource.h>

#include <algorithm>

#include "base/exceptions.h"
#include "base/sleep.h"
#include "storage/log/change_log.h"

namespace hilum::dicomweb {
namespace {

constexpr std::chrono::milliseconds kLongestPause{250};
constexpr size_t kChangesAtATime = 1000;
constexpr size_t kMaxWaiting = 10'000;  // series; those beyond it are made at their first request
constexpr std::chrono::milliseconds kTurnStep{5};
constexpr std::chrono::milliseconds kLongestWaitForTurn{250};
constexpr int kNiceness = 10;  // behind the threads that answer requests

}  // namespace

Preparer::Preparer(Service& service, storage::Store& store, std::chrono::milliseconds quiet, Registry& metrics,
                   Logger log)
    : service_(service),
      store_(store),
      quiet_(quiet),
      log_(std::move(log)),
      prepared_(metrics.counter("hilum_prepared_series_total",
                                "Series whose metadata and thumbnail were looked after in the background",
                                {{"outcome", "ready"}})),
      failed_(metrics.counter("hilum_prepared_series_total",
                              "Series whose metadata and thumbnail were looked after in the background",
                              {{"outcome", "failed"}})) {
  const auto latest = storage::LatestChange(store_.kv(), storage::Tenant::kDefault);
  if (latest.ok())
    seen_ = *latest;
  else
    log_.Error("preparing metadata begins with the oldest change", {{"reason", latest.status().message()}});
  thread_ = std::jthread([this](const std::stop_token& stop) { Work(stop); });
}

bool Preparer::WaitForTurn(const std::stop_token& stop) {
  auto waited = std::chrono::milliseconds(0);
  for (; service_.IsAnswering() && waited < kLongestWaitForTurn; waited += kTurnStep) {
    if (!SleepFor(stop, kTurnStep)) return false;
  }
  return !stop.stop_requested();
}

void Preparer::Work(const std::stop_token& stop) {
  setpriority(PRIO_PROCESS, 0, kNiceness);  // of this thread alone, on Linux; as before when it is refused
  const auto pause = std::clamp(quiet_, std::chrono::milliseconds(10), kLongestPause);
  bool readable = true;
  while (SleepFor(stop, pause)) {
    const Status status = ReadLog();
    if (!status.ok() && readable) log_.Error("changes cannot be followed", {{"reason", status.message()}});
    readable = status.ok();
    PrepareQuiet(stop);
  }
}

Status Preparer::ReadLog() {
  for (;;) {
    HILUM_ASSIGN_OR_RETURN(const std::vector<storage::Change> changes,
                           storage::ReadChanges(store_.kv(), storage::Tenant::kDefault, seen_, kChangesAtATime));
    for (const storage::Change& change : changes) {
      seen_ = change.sequence;
      if (change.kind != storage::ChangeKind::kInstance || change.path.size() != 3) continue;
      const SeriesName name(change.path[0], change.path[1]);
      if (last_change_.size() < kMaxWaiting || last_change_.contains(name))
        last_change_[name] = std::chrono::steady_clock::now();
    }
    if (changes.size() < kChangesAtATime) return Status::Ok();
  }
}

void Preparer::PrepareQuiet(const std::stop_token& stop) {
  for (auto it = last_change_.begin(); it != last_change_.end();) {
    if (std::chrono::steady_clock::now() - it->second < quiet_) {
      ++it;
      continue;
    }
    if (!WaitForTurn(stop)) return;
    const Status status = WithoutExceptions([&] { return service_.Prepare(it->first.first, it->first.second); });
    (status.ok() ? prepared_ : failed_).Add();
    if (!status.ok())
      log_.Warning("metadata or thumbnail of a series could not be made ready",
                   {{"series", it->first.second}, {"reason", status.message()}});
    it = last_change_.erase(it);
  }
}

}  // namespace hilum::dicomweb
