#include "server/fhir_rest/async_jobs.h"

#include <utility>

#include "base/exceptions.h"

namespace hilum::fhir_rest {
namespace {

constexpr size_t kIdBytes = 16;

Status Unknown() {
  return NotFound(
      "there is no such request: it was cancelled, its answer was kept long enough, or the server has been "
      "started anew; send the request again");
}

}  // namespace

AsyncJobs::AsyncJobs(AsyncLimits limits, const Clock& clock, Random& random)
    : limits_(limits), clock_(clock), random_(random), pool_("fhir-async", limits.threads, limits.waiting) {}

AsyncJobs::~AsyncJobs() {
  {
    const std::lock_guard lock(mu_);
    jobs_.clear();
  }
  pool_.Stop();
}

Result<std::string> AsyncJobs::Start(uint64_t bytes, std::function<fhir::Answer()> run) {
  std::string id = random_.Hex(kIdBytes);
  {
    const std::lock_guard lock(mu_);
    ForgetOld();
    if (bytes_ + bytes > limits_.bytes) {
      return Unavailable(
          "too much is kept for requests that were sent with respond-async; fetch and delete their "
          "answers, or send this one without");
    }
    jobs_[id] = {.run = std::move(run), .bytes = bytes};
    bytes_ += bytes;
  }
  if (pool_.TrySubmit([this, id] { RunJob(id); })) return id;
  const std::lock_guard lock(mu_);
  if (const auto job = jobs_.find(id); job != jobs_.end()) Forget(job);
  return Unavailable("too many requests with respond-async wait already; try again later");
}

void AsyncJobs::RunJob(const std::string& id) {
  std::function<fhir::Answer()> run;
  {
    const std::lock_guard lock(mu_);
    const auto job = jobs_.find(id);
    if (job == jobs_.end()) return;
    run = std::exchange(job->second.run, nullptr);
  }
  const auto run_it = [&]() -> Result<fhir::Answer> { return run(); };
  Result<fhir::Answer> answered = WithoutExceptions(run_it);
  if (!answered.ok()) answered = fhir::ErrorAnswer(answered.status());
  auto answer = std::make_shared<const fhir::Answer>(*std::move(answered));
  const std::lock_guard lock(mu_);
  const auto job = jobs_.find(id);
  if (job == jobs_.end()) return;
  bytes_ += answer->body.size() - job->second.bytes;
  job->second.bytes = answer->body.size();
  job->second.done_at = clock_.Monotonic();
  job->second.answer = std::move(answer);
}

Result<AsyncJobs::Progress> AsyncJobs::Ask(const std::string& id) {
  const std::lock_guard lock(mu_);
  ForgetOld();
  const auto job = jobs_.find(id);
  if (job == jobs_.end()) return Unknown();
  Progress progress{.answer = job->second.answer};
  if (!progress.answer) progress.phase = job->second.run ? "waiting" : "running";
  return progress;
}

Status AsyncJobs::Cancel(const std::string& id) {
  const std::lock_guard lock(mu_);
  const auto job = jobs_.find(id);
  if (job == jobs_.end()) return Unknown();
  Forget(job);
  return Status::Ok();
}

void AsyncJobs::Forget(std::map<std::string, Job>::iterator job) {
  bytes_ -= job->second.bytes;
  jobs_.erase(job);
}

void AsyncJobs::ForgetOld() {
  const Micros now = clock_.Monotonic();
  for (auto job = jobs_.begin(); job != jobs_.end();) {
    const auto next = std::next(job);
    if (job->second.answer && now - job->second.done_at > limits_.kept) Forget(job);
    job = next;
  }
}

}  // namespace hilum::fhir_rest
