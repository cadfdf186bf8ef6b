// Group commit: every change to the store is a task that one writer thread runs. Tasks that wait together share one
// synced batch. While a large batch is written, the tasks of the next one run.
//
// Because tasks run one at a time and see the pending changes of those before them, they read, decide and write without
// locks or retries: numbering documents, counting instances and refusing duplicates are plain code.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/kv/kv.h"

namespace hilum::storage {

// What a task reads and writes through. Valid during the task, on the writer thread.
class Txn {
 public:
  virtual ~Txn() = default;
  // Sees the changes of this task and of earlier tasks of the group. REQUIRES: the family does not merge.
  virtual Result<std::optional<std::string>> Get(Family family, Bytes key) = 0;
  // One result for each key, in order; for many keys less work than asking for each. REQUIRES: likewise.
  virtual Result<std::vector<std::optional<std::string>>> MultiGet(Family family,
                                                                   std::span<const std::string> keys) = 0;
  // All keys in [lower, upper) in order, pending changes included, at most `limit`. REQUIRES: the family does not
  // merge.
  virtual Result<std::vector<std::pair<std::string, std::string>>> Scan(Family family, Bytes lower, Bytes upper,
                                                                        size_t limit = SIZE_MAX) = 0;
  virtual void Put(Family family, Bytes key, Bytes value) = 0;
  virtual void Delete(Family family, Bytes key) = 0;
  // Operands for one key within a group reach the store as one, combined by the family's Merger.
  virtual void Merge(Family family, Bytes key, Bytes operand) = 0;
};

// Must not block on anything but the store. An error undoes this task's changes alone.
using Task = std::function<Status(Txn&)>;

class Writer {
 public:
  struct Options {
    size_t queue_limit = 4096;  // tasks waiting; more get kUnavailable
    // Called before changes are committed, by one thread at a time; an error is that of the commit.
    std::function<Status()> before_commit;
    // Called when changes were committed, before their tasks are answered, by one thread at a time: must be quick.
    std::function<void()> on_commit;
  };
  // `mergers` as given to Kv::Open; they and `kv` outlive the writer.
  static std::unique_ptr<Writer> Start(Kv& kv, std::span<const Merger* const> mergers, Options options);
  // Finishes what waits, then stops.
  virtual ~Writer() = default;

  // Runs the task and waits until it is durable. The task's own error, or why the group could not be committed; then
  // nothing of it happened, unless the store has stopped (Kv::Commit). A group that could not be committed takes down
  // those tasks that saw its changes. Safe for concurrent use. The value is the commit sequence of the group. Tasks of
  // one group use the same space.
  virtual Result<uint64_t> Run(Task task, Space space = Space::kUsual) = 0;

  // Tasks that wait to be run.
  virtual size_t waiting() const = 0;
};

}  // namespace hilum::storage
