// A process that commits until it is killed or its store fails: the other half of the crash and fault tests.
//
//   kv_child DIRECTORY THREADS [ROWS]      of each commit in each family; 1 unless given
// Each acknowledged commit is a line "ack KEY SEQUENCE" on standard output, written in one piece after Run returned.
// When the store fails it prints "failed CODE-NAME", then what health() and reads say, and exits with status 3.
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>
#include <vector>

#include "storage/kv/writer.h"
#include "tests/storage/kv/kv_testing.h"

namespace hilum::storage::testing {
namespace {

void Say(const std::string& line) {
  if (::write(STDOUT_FILENO, (line + "\n").data(), line.size() + 1) < 0) _exit(4);
}

void CommitUntilFailure(Writer& writer, int thread, int rows) {
  for (uint64_t i = 0;; ++i) {
    const std::string key = std::to_string(thread) + "-" + std::to_string(i);
    const auto sequence = writer.Run([&](Txn& txn) {
      // A row in each of two families, so that a torn commit would show.
      for (int row = 0; row < rows; ++row) {
        const std::string name = row == 0 ? key : key + "/" + std::to_string(row);
        txn.Put(Family::kCatalogue, name, ValueFor(name));
        txn.Put(Family::kResource, name, ValueFor(name));
      }
      return Status::Ok();
    });
    if (!sequence.ok()) {
      Say("failed " + std::string(CodeName(sequence.status().code())));
      return;
    }
    Say("ack " + key + " " + std::to_string(*sequence));
  }
}

int Main(const std::string& directory, int thread_count, int rows) {
  std::atomic<int> fatal_calls{0};
  auto options = SmallOptions(directory);
  options.on_fatal = [&](const Status&) { ++fatal_calls; };
  auto kv = OpenKv(options);
  if (!kv.ok()) {
    Say("refused " + kv.status().ToString());
    return 2;
  }
  auto writer = Writer::Start(**kv, TestMergers(), {});
  Say("ready");
  std::vector<std::thread> threads;
  for (int i = 0; i < thread_count; ++i) threads.emplace_back([&, i] { CommitUntilFailure(*writer, i, rows); });
  for (auto& thread : threads) thread.join();

  Say("health " + std::string(CodeName((*kv)->health().code())));
  Say("read " + std::to_string(Read(**kv, Family::kCatalogue, "0-0") == ValueFor("0-0")));
  Say("again " + std::string(CodeName((*kv)->Commit(OnePut(Family::kCatalogue, "x", "y")).status().code())));
  writer.reset();
  kv->reset();
  Say("fatal " + std::to_string(fatal_calls));
  return 3;
}

}  // namespace
}  // namespace hilum::storage::testing

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return 1;
  return hilum::storage::testing::Main(argv[1], std::atoi(argv[2]), argc == 4 ? std::atoi(argv[3]) : 1);
}
