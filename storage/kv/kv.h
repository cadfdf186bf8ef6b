// The ordered, durable key-value store everything but object bytes lives in: RocksDB behind a narrow interface. No
// other folder sees a RocksDB header, so that another ordered engine can stand here later.
//
// Envelope (kLimit beyond it): keys <= 1 kB, values <= 64 kB (larger ones are chunked by the caller), all changes of a
// task <= 256 MB. Every key starts with the tenant. Safe for concurrent use. All reads may be given a Snapshot; without
// one they see the latest commit.
//
// Durability: Commit returns OK only after the batch is in the synced write-ahead log. Each batch carries the next
// commit sequence, and the watermark file (watermark.h) remembers the highest one given out: Open refuses a store whose
// log ends before it. The first write or sync error makes the store read-only for good (Code::kUnavailable) and calls
// KvOptions::on_fatal: the process should stop and recover from the log. Below the low-water mark of free disk space
// commits answer kDiskFull and change nothing, but those that may use the reserve (storage/space.h); so does a large
// one that does not fit above the reserve. Reads go on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/log.h"
#include "base/result.h"
#include "storage/space.h"

namespace hilum::storage {

// Key spaces. The numbers and names are on disk: never change one, never reuse one.
enum class Family : uint8_t {
  kMeta = 0,       // commit sequence, format version, settings that bind the data
  kObject = 1,     // segment accounting
  kCatalogue = 2,  // patients, studies, series, instances
  kIndex = 3,      // postings and columns; values are merged
  kLog = 4,        // change log
  kResource = 5,   // FHIR resources
};
inline constexpr size_t kFamilyCount = 6;

inline constexpr size_t kMaxKeyBytes = 1024;
inline constexpr size_t kMaxValueBytes = 64 * 1024;
inline constexpr size_t kMaxBatchBytes = 4 * 1024 * 1024;
// A single task that is all or nothing may exceed the batch (docs/adr/0004): a FHIR transaction of 25,000 entries does.
inline constexpr size_t kMaxTaskBytes = 256 * 1024 * 1024;

// Folds merge operands of one family into values. Pure and thread-safe; folding must be associative. The name is on
// disk.
class Merger {
 public:
  virtual ~Merger() = default;
  virtual const char* Name() const = 0;
  // Folds `operands`, oldest first, onto `base` (nullopt: no value yet). False when bytes are damaged: the read reports
  // kCorruption.
  virtual bool Fold(Bytes key, std::optional<Bytes> base, std::span<const Bytes> operands, std::string* out) const = 0;
  // Combines operands, oldest first, into one operand.
  virtual bool Combine(Bytes key, std::span<const Bytes> operands, std::string* out) const = 0;
  // Whether a folded value says the same as no value: compaction then drops it with its key.
  virtual bool IsNothing(Bytes key, Bytes value) const = 0;
};

// Changes that become visible and durable together. Later operations on a key win over earlier ones. Not thread-safe.
class Batch {
 public:
  // `bytes`: about how many it will have.
  explicit Batch(size_t bytes = 0);
  ~Batch();
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;

  void Put(Family family, Bytes key, Bytes value);
  void Delete(Family family, Bytes key);
  // REQUIRES: the family has a Merger.
  void Merge(Family family, Bytes key, Bytes operand);

  bool empty() const;
  size_t bytes() const;

 private:
  friend class RocksKv;
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

// A consistent view of the whole store. Valid as long as the Kv; release it soon, it holds back compaction.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
};

// Walks keys in memcmp order. Views are valid until the iterator moves. After the walk check status(): an error looks
// like an end.
class Iterator {
 public:
  virtual ~Iterator() = default;
  virtual void Seek(Bytes key) = 0;         // first key >= `key` within the range
  virtual void SeekForPrev(Bytes key) = 0;  // last key <= `key` within the range
  virtual void SeekToFirst() = 0;
  virtual void SeekToLast() = 0;
  virtual bool Valid() const = 0;
  virtual void Next() = 0;
  virtual void Prev() = 0;
  virtual Bytes key() const = 0;
  virtual Bytes value() const = 0;
  virtual Status status() const = 0;
};

// A bulk load under way: see Kv::BeginBulkLoad. The Kv outlives it.
class BulkLoad {
 public:
  virtual ~BulkLoad() = default;
};

struct KvOptions {
  std::string directory;
  uint64_t block_cache_bytes = 64 << 20;   // more: fewer disk reads, more memory
  uint64_t write_buffer_bytes = 64 << 20;  // all families together; more: fewer flushes, longer recovery, more memory
  // Free space below which commits answer kDiskFull. Must exceed twice the write buffers: RocksDB aborts on a full
  // disk.
  uint64_t low_water_bytes = 512 << 20;
  bool accept_loss = false;  // open although acknowledged commits are missing, and accept the shorter log as the truth
  // Called once, on whichever thread meets the error; must return soon and not commit.
  std::function<void(const Status&)> on_fatal;
};

class Kv {
 public:
  // `mergers[i]` serves Family(i); null where the family does not merge. They, the disk and the clock outlive the Kv.
  // kCorruption when the store lost acknowledged commits or holds damaged files: the message says what is missing and
  // what to do.
  static Result<std::unique_ptr<Kv>> Open(KvOptions options, std::span<const Merger* const> mergers, Disk& disk,
                                          const Clock& clock, Logger log);
  // Whether a store was ever made in `directory`, and is there still.
  static Result<bool> IsThere(const Disk& disk, const std::string& directory);
  // A clean close writes the watermark; nothing is lost without it.
  virtual ~Kv() = default;

  virtual Result<std::optional<std::string>> Get(Family family, Bytes key,
                                                 const Snapshot* snapshot = nullptr) const = 0;
  // One result for each key, in order.
  virtual Result<std::vector<std::optional<std::string>>> MultiGet(Family family, std::span<const std::string> keys,
                                                                   const Snapshot* snapshot = nullptr) const = 0;
  // Keys in [lower, upper); an empty `upper` means to the end of the family.
  virtual std::unique_ptr<Iterator> NewIterator(Family family, std::string lower, std::string upper,
                                                const Snapshot* snapshot = nullptr) const = 0;
  virtual std::unique_ptr<Snapshot> NewSnapshot() const = 0;

  // Makes the batch durable and visible, and returns its commit sequence. On an error nothing has changed, unless it
  // stopped the store (health()): then the changes may be in the log, and there after the next start; where only the
  // watermark could not be written they are visible already.
  virtual Result<uint64_t> Commit(Batch batch, Space space = Space::kUsual) = 0;

  // As long as the answer lives, the tables of large commits gather before they are compacted: a long series of such
  // commits costs a third less, a read meanwhile looks into up to sixteen times as many tables. Several may overlap.
  virtual std::unique_ptr<BulkLoad> BeginBulkLoad() = 0;

  // Sequence of the last commit.
  virtual uint64_t sequence() const = 0;
  // OK, or why the store is read-only.
  virtual Status health() const = 0;

  // Writes a consistent copy of the store into `directory` (must not exist), hard-linking what does not change; the
  // store stays open. Returns the commit sequence the copy holds at least.
  virtual Result<uint64_t> Checkpoint(const std::string& directory) = 0;
  // Reads every file and checks every checksum; kCorruption names the first bad file.
  virtual Status VerifyFiles() = 0;
  // Flushes memory to tables and compacts everything: for measuring sizes and for tests.
  virtual Status CompactAll() = 0;
  // For metrics: name -> value (memory, files, pending compaction bytes, ...).
  virtual std::vector<std::pair<std::string, uint64_t>> Properties() const = 0;
};

// The smallest key greater than every key that starts with `prefix`; empty when there is none.
std::string PrefixEnd(Bytes prefix);

}  // namespace hilum::storage
