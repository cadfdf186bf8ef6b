// What a load run measured, as one JSON line on standard output.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hilum::load {

// Collects from many threads; a thread adds its own figures once, at its end.
class Report {
 public:
  struct Figures {
    std::vector<double> latencies_ms;  // one for each request that succeeded
    uint64_t items = 0;                // instances stored, answers received
    uint64_t bytes = 0;
    uint64_t failures = 0;
    std::string first_failure;
  };

  void Add(const Figures& figures);
  bool failed() const { return total_.failures > 0; }
  // {"op":...,fields...,"seconds":...,"<items_name>":...,"<items_name>_per_s":...,"mb_per_s":...,"p50_ms":...,...}
  void Print(std::string_view op, std::string_view items_name,
             const std::vector<std::pair<std::string, std::string>>& fields, std::chrono::duration<double> elapsed);

 private:
  std::mutex mu_;
  Figures total_;
};

}  // namespace hilum::load
