// Requests that clients do not wait for (Prefer: respond-async, RFC 7240 4.1): run in the background, a few at a time;
// their answers are kept for a while. In memory only: a restart forgets them, and who asks then learns it by 404.
//
// Safe for concurrent use. The clock and random source outlive it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "base/worker_pool.h"
#include "fhir/interactions/interaction.h"

namespace hilum::fhir_rest {

struct AsyncLimits {
  size_t threads = 1;
  size_t waiting = 100;                // requests that wait to be run
  uint64_t bytes = uint64_t{1} << 30;  // of requests that wait and answers that are kept, together
  std::chrono::milliseconds kept = std::chrono::hours(1);
};

class AsyncJobs {
 public:
  AsyncJobs(AsyncLimits limits, const Clock& clock, Random& random);
  // Waits for what runs; what still waits is dropped.
  ~AsyncJobs();

  // The id to ask by; nobody can guess it. `bytes`: of the request. kUnavailable when there are too many. The answer is
  // a 500 when `run` throws.
  Result<std::string> Start(uint64_t bytes, std::function<fhir::Answer()> run);

  struct Progress {
    std::string phase;                           // "waiting" or "running"; empty when it is done
    std::shared_ptr<const fhir::Answer> answer;  // once it is done
  };
  // kNotFound when there is no such request, or no longer.
  Result<Progress> Ask(const std::string& id);
  // Forgets the request and its answer; what runs already runs to its end. kNotFound as for Ask.
  Status Cancel(const std::string& id);

 private:
  struct Job {
    std::function<fhir::Answer()> run;  // while it waits
    uint64_t bytes = 0;
    Micros done_at{};
    std::shared_ptr<const fhir::Answer> answer;
  };
  void RunJob(const std::string& id);
  void Forget(std::map<std::string, Job>::iterator job);
  void ForgetOld();

  const AsyncLimits limits_;
  const Clock& clock_;
  Random& random_;
  std::mutex mu_;
  std::map<std::string, Job> jobs_;
  uint64_t bytes_ = 0;  // of all jobs
  WorkerPool pool_;     // the last member: its threads use the others
};

}  // namespace hilum::fhir_rest
