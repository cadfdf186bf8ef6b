// One line of JSON for each thing measured; run.py reads them.
#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <initializer_list>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/support/figures.h"

namespace hilum::bench {

// `text`: which of many, without quotes.
inline void Report(const std::string& what, std::initializer_list<std::pair<const char*, double>> figures,
                   const std::string& text = "") {
  std::printf("{\"what\":\"%s\"", what.c_str());
  if (!text.empty()) std::printf(",\"text\":\"%s\"", text.c_str());
  for (const auto& [name, value] : figures) std::printf(",\"%s\":%.6g", name, value);
  std::printf("}\n");
  std::fflush(stdout);
}

// Of `work(thread)` on each of `threads` threads.
inline double Seconds(int threads, const std::function<void(int)>& work) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) all.emplace_back(work, i);
  for (std::thread& thread : all) thread.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace hilum::bench
