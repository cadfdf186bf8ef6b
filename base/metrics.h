// Counters, gauges and histograms, and their Prometheus text exposition (format 0.0.4).
//
// A Registry owns its series; references stay valid as long as it lives. Everything is safe for concurrent use;
// updating a series is one or two relaxed atomic operations. Labels are fixed at creation: never put a client's text
// into one.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace hilum {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void Add(uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void Set(int64_t to) { value_.store(to, std::memory_order_relaxed); }
  void Add(int64_t by) { value_.fetch_add(by, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// Buckets are upper bounds in seconds (or any unit the name states), ascending; +Inf is implied.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);
  void Observe(double value);
  const std::vector<double>& bounds() const { return bounds_; }
  // Observations at or below bounds()[i]; i == bounds().size() counts all.
  uint64_t CumulativeCount(size_t i) const;
  double sum() const;

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

// Buckets for how long requests take.
std::vector<double> RequestSeconds();

// Observes for how many seconds it was there.
class Stopwatch {
 public:
  explicit Stopwatch(Histogram& histogram) : histogram_(histogram) {}
  ~Stopwatch() { histogram_.Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count()); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  Histogram& histogram_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

class Registry {
 public:
  Registry();
  ~Registry();
  // The same name and labels give the same series. REQUIRES: one kind and one help text per name.
  Counter& counter(const std::string& name, const std::string& help, Labels labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, Labels labels = {});
  Histogram& histogram(const std::string& name, const std::string& help, std::vector<double> bounds,
                       Labels labels = {});
  // `read` is called at every exposition, on the caller's thread, while nothing of the Registry is locked; it must stay
  // valid as long as the Registry.
  void gauge_function(const std::string& name, const std::string& help, std::function<double()> read,
                      Labels labels = {});
  // The same for figures that are read all at once: each is one series.
  struct Sample {
    Labels labels;
    double value = 0;
  };
  void gauge_functions(const std::string& name, const std::string& help, std::function<std::vector<Sample>()> read);

  std::string Expose() const;

 private:
  struct Family;
  using ReadSamples = std::function<std::vector<Sample>()>;
  // By name of the family.
  std::map<std::string, std::vector<Sample>> ReadFunctions() const;
  Family& FamilyFor(const std::string& name, const std::string& help, const char* type);
  mutable std::mutex mu_;
  std::map<std::string, std::unique_ptr<Family>> families_;
};

}  // namespace hilum
