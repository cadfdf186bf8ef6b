// How much of the disk's durable append rate the object store reaches: Put + Sync of each object by several threads,
// against a bare loop that writes the same bodies to a preallocated file and shares one fdatasync among the waiting
// threads. Both run in turns in one process. And what the loop reaches in blocks that were written before.
//
//   object_append_bench [directory] [threads] [object bytes] [rounds]
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/disk.h"
#include "storage/object/object_store.h"
#include "tests/bench/support/bare_file.h"
#include "tests/bench/support/figures.h"

namespace hilum::storage {
namespace {

constexpr uint64_t kSegmentBytes = 1ull << 30;

using bench::BareFile;
using bench::Median;
using bench::Require;

// MB/s of `append(body)` called by all threads.
template <typename Append>
double Measure(int threads, Bytes body, double seconds, Append append) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  std::atomic<uint64_t> bytes{0};
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) {
    all.emplace_back([&] {
      while (std::chrono::duration<double>(Clock::now() - begin).count() < seconds) {
        append(body);
        bytes += body.size();
      }
    });
  }
  for (std::thread& thread : all) thread.join();
  return static_cast<double>(bytes.load()) / 1e6 / std::chrono::duration<double>(Clock::now() - begin).count();
}

void Run(const std::string& directory, int threads, size_t object_bytes, int rounds) {
  constexpr double kSeconds = 0.2;
  constexpr int kRoundsPerFile = 3;       // keeps the bare file within what is preallocated on any disk below 1.7 GB/s
  constexpr uint64_t kZeros = 512 << 20;  // enough for one round on any disk below 2.6 GB/s
  PosixDisk disk;
  std::mt19937_64 random(1);
  std::vector<char> memory(object_bytes + File::kDirectBytes);
  void* page = memory.data();
  size_t room = memory.size();
  std::align(File::kDirectBytes, object_bytes, page, room);
  const std::span<char> filled(static_cast<char*>(page), object_bytes);
  for (char& byte : filled) byte = static_cast<char>(random());
  const Bytes body(filled.data(), filled.size());
  std::vector<double> bare_rates, rewrite_rates, store_rates, ratios;
  for (int round = 0; round < rounds;) {
    Require(disk.CreateDirectories(directory));
    BareFile file(disk, directory + "/bare");
    ObjectStoreOptions options;
    options.directory = directory + "/objects";
    options.segment_bytes = kSegmentBytes;
    auto opened = ObjectStore::Open(options, disk, Logger());
    Require(opened.status());
    const auto put = [&](Bytes bytes) {
      thread_local ObjectBuffer buffer(bytes.size());  // each thread's body lies ready, as a request's does
      if (buffer.size() == 0) buffer.Append(bytes);
      const auto ref = (*opened)->Put("1.2.840.113619.2.55.3.604688119.868.1249343483.504", buffer);
      Require(ref.status());
      Require((*opened)->Sync({&*ref, 1}));
    };
    const auto append = [&](Bytes bytes) { file.Append(bytes); };
    put(body);
    append(body);
    for (int i = 0; i < kRoundsPerFile; ++i, ++round) {
      double bare = 0, store = 0;
      if (round % 2 == 0) bare = Measure(threads, body, kSeconds, append);
      store = Measure(threads, body, kSeconds, put);
      if (round % 2 == 1) bare = Measure(threads, body, kSeconds, append);
      bare_rates.push_back(bare);
      store_rates.push_back(store);
      ratios.push_back(store / bare);
    }
    BareFile written(disk, directory + "/written", kZeros);
    rewrite_rates.push_back(Measure(threads, body, kSeconds, [&](Bytes bytes) { written.Append(bytes); }));
    std::filesystem::remove_all(directory);
  }
  std::printf(
      "%d threads, %zu bytes: bare append + group fdatasync %.0f MB/s (%.0f MB/s into blocks written before), object "
      "store %.0f MB/s, ratio %.2f (medians of %zu)\n",
      threads, object_bytes, Median(bare_rates), Median(rewrite_rates), Median(store_rates), Median(ratios),
      ratios.size());
}

}  // namespace
}  // namespace hilum::storage

int main(int argc, char** argv) {
  const std::string directory = argc > 1 ? argv[1] : "object_append_bench.tmp";
  const int threads = argc > 2 ? std::atoi(argv[2]) : 8;
  const size_t bytes = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 500'000;
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 30;
  hilum::storage::Run(directory, threads, bytes, rounds);
  return 0;
}
