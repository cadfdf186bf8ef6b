#include "tests/bench/load/report.h"

#include <algorithm>
#include <cstdio>

#include "tests/bench/support/figures.h"

namespace hilum::load {

namespace {

// Printable ASCII without quotes and backslashes: enough for a message inside JSON.
std::string Plain(std::string_view text) {
  std::string plain(text.substr(0, 300));
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return c < 0x20 || c > 0x7E || c == '"' || c == '\\'; }, ' ');
  return plain;
}

}  // namespace

void Report::Add(const Figures& figures) {
  const std::lock_guard lock(mu_);
  total_.latencies_ms.insert(total_.latencies_ms.end(), figures.latencies_ms.begin(), figures.latencies_ms.end());
  total_.items += figures.items;
  total_.bytes += figures.bytes;
  total_.failures += figures.failures;
  if (total_.first_failure.empty()) total_.first_failure = figures.first_failure;
}

void Report::Print(std::string_view op, std::string_view items_name,
                   const std::vector<std::pair<std::string, std::string>>& fields,
                   std::chrono::duration<double> elapsed) {
  const std::lock_guard lock(mu_);
  const auto& latencies = total_.latencies_ms;
  const double seconds = std::max(elapsed.count(), 1e-9);
  const std::string items(items_name);
  std::printf("{\"op\":\"%s\"", std::string(op).c_str());
  for (const auto& [name, value] : fields) std::printf(",\"%s\":%s", name.c_str(), value.c_str());
  std::printf(",\"seconds\":%.3f,\"%s\":%llu,\"failures\":%llu", seconds, items.c_str(),
              static_cast<unsigned long long>(total_.items), static_cast<unsigned long long>(total_.failures));
  std::printf(",\"%s_per_s\":%.1f,\"mb_per_s\":%.1f", items.c_str(), static_cast<double>(total_.items) / seconds,
              static_cast<double>(total_.bytes) / seconds / 1e6);
  std::printf(",\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f", bench::Quantile(latencies, 0.5),
              bench::Quantile(latencies, 0.99), bench::Quantile(latencies, 1.0));
  if (!total_.first_failure.empty()) std::printf(",\"first_failure\":\"%s\"", Plain(total_.first_failure).c_str());
  std::printf("}\n");
  std::fflush(stdout);
}

}  // namespace hilum::load
