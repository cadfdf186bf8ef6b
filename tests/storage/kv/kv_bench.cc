// How fast tasks become durable, against what the disk can do in the same run.
//
//   kv_bench DIRECTORY [SECONDS [THREADS KEYS MERGED]]     DIRECTORY must not exist; it is removed afterwards
// Without a load of its own it runs a range of them.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>
#include <vector>

#include "storage/kv/writer.h"
#include "tests/storage/kv/kv_testing.h"

namespace hilum::storage::testing {
namespace {

using Seconds = std::chrono::duration<double>;

double Since(std::chrono::steady_clock::time_point start) {
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

// Appends of `bytes` with fdatasync, one after the other: the physical limit of a commit.
double AppendsPerSecond(const std::string& directory, double seconds, size_t bytes) {
  const std::string path = directory + "/append";
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  const std::string data(bytes, 'x');
  const auto start = std::chrono::steady_clock::now();
  int count = 0;
  for (; Since(start) < seconds; ++count) {
    if (::write(file, data.data(), data.size()) < 0 || ::fdatasync(file) != 0) std::abort();
  }
  const double rate = count / Since(start);
  ::close(file);
  ::unlink(path.c_str());
  return rate;
}

uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

struct Load {
  int threads;
  int keys;        // each task
  int merge_keys;  // of them into the merging family
};

void Measure(Kv& kv, Writer& writer, const Load& load, double seconds, double appends) {
  std::atomic<uint64_t> tasks{0};
  std::atomic<bool> stop{false};
  std::vector<std::vector<double>> latencies(static_cast<size_t>(load.threads));
  const auto work = [&](int thread) {
    std::mt19937_64 random(static_cast<uint64_t>(thread) * 7919 + static_cast<uint64_t>(load.keys));
    for (uint64_t i = 0; !stop; ++i) {
      const auto start = std::chrono::steady_clock::now();
      const auto outcome = writer.Run([&](Txn& txn) {
        for (int k = 0; k < load.keys; ++k) {
          const uint64_t number = random();
          const Bytes key(reinterpret_cast<const char*>(&number), sizeof(number));
          if (k < load.merge_keys)
            txn.Merge(Family::kIndex, key.substr(0, 2), "a");
          else
            txn.Put(Family::kCatalogue, key,
                    "a value of an ordinary size, a hundred bytes or so, as rows of the catalogue have them, more or "
                    "less");
        }
        return Status::Ok();
      });
      if (!outcome.ok()) {
        std::fprintf(stderr, "%s\n", outcome.status().ToString().c_str());
        std::abort();
      }
      latencies[static_cast<size_t>(thread)].push_back(Since(start));
      ++tasks;
    }
  };
  const uint64_t commits_before = kv.sequence();
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int t = 0; t < load.threads; ++t) threads.emplace_back(work, t);
  std::this_thread::sleep_for(Seconds(seconds));
  stop = true;
  for (auto& thread : threads) thread.join();
  const double took = Since(start);

  std::vector<double> all;
  for (const auto& some : latencies) all.insert(all.end(), some.begin(), some.end());
  std::sort(all.begin(), all.end());
  const double commits = static_cast<double>(kv.sequence() - commits_before) / took;
  std::printf(
      "%3d threads x %2d keys (%2d merged): %7.0f tasks/s  %6.0f commits/s = %.2f of bare appends  p50 %.2f ms  p99 "
      "%.2f ms  RSS %lu MiB\n",
      load.threads, load.keys, load.merge_keys, static_cast<double>(tasks) / took, commits, commits / appends,
      all[all.size() / 2] * 1e3, all[all.size() * 99 / 100] * 1e3, ResidentBytes() >> 20);
  std::fflush(stdout);
}

int Main(const std::string& directory, double seconds, std::vector<Load> loads) {
  KvOptions options;
  options.directory = directory;
  auto kv = OpenKv(options);
  if (!kv.ok()) {
    std::fprintf(stderr, "%s\n", kv.status().ToString().c_str());
    return 1;
  }
  const auto writer = Writer::Start(**kv, TestMergers(), {});
  const double appends = AppendsPerSecond(directory, seconds / 2, 300);
  std::printf("bare append of 300 B + fdatasync: %.0f/s\n", appends);
  if (loads.empty()) {
    loads = {{1, 1, 0}, {8, 1, 0}, {64, 1, 0}, {1, 20, 0}, {8, 20, 0}, {8, 20, 10}, {64, 20, 10}};
  }
  for (const Load& load : loads) {
    Measure(**kv, *writer, load, seconds, appends);
  }
  return 0;
}

}  // namespace
}  // namespace hilum::storage::testing

int main(int argc, char** argv) {
  if (argc < 2 || std::filesystem::exists(argv[1])) {
    std::fprintf(stderr, "usage: kv_bench DIRECTORY [SECONDS]; DIRECTORY must not exist\n");
    return 1;
  }
  std::vector<hilum::storage::testing::Load> loads;
  if (argc > 5) loads.push_back({std::atoi(argv[3]), std::atoi(argv[4]), std::atoi(argv[5])});
  const int status = hilum::storage::testing::Main(argv[1], argc > 2 ? std::atof(argv[2]) : 3, std::move(loads));
  std::filesystem::remove_all(argv[1]);
  return status;
}
