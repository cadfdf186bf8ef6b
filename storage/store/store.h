// Everything durable under one data folder, opened together: key-value store, object segments, catalogue, index.
//
// Safe for concurrent use. Only one process can have a data folder open. The clock, disk and logger outlive the store.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/disk.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "storage/catalogue/catalogue.h"
#include "storage/index/index.h"
#include "storage/kv/kv.h"
#include "storage/kv/writer.h"
#include "storage/log/commit_signal.h"
#include "storage/object/object_store.h"
#include "storage/store/object_syncs.h"

namespace hilum::storage {

inline constexpr char kPartOfBackup[] = ".part";

// Refuses, with kCorruption, a data folder whose segments hold objects while the rows that say what they are are gone:
// a new store made beside them would seem to have lost nothing, and compaction would remove them. Looks at names and
// sizes only; OK when there is no such folder.
Status CheckRowsAreThere(Disk& disk, const std::string& directory);

// Whether there is a store in the folder; kCorruption where the rows of one are gone. Looks at names and sizes only.
Result<bool> HasStore(Disk& disk, const std::string& directory);

struct StoreOptions {
  std::string directory;
  uint64_t block_cache_bytes = 64 << 20;
  uint64_t write_buffer_bytes = 64 << 20;
  uint64_t segment_bytes = 1ull << 30;
  uint64_t low_water_bytes = 1ull << 30;
  bool direct_writes = true;  // of large objects, past the page cache
  uint64_t room_ahead_bytes = 0;
  bool accept_loss = false;
  std::chrono::seconds keep_deleted{3600};  // before the bytes of a deleted object may be overwritten
  // Called once, from any thread, when the store can no longer promise durability: stop the process.
  std::function<void(const Status&)> on_fatal;
};

// Held from before an object is written until its row is committed (or given up): compaction leaves segments alone that
// may hold such objects. Used by one thread at a time.
class UploadTicket {
 public:
  UploadTicket() = default;
  UploadTicket(UploadTicket&& other) noexcept
      : tickets_(std::exchange(other.tickets_, nullptr)), number_(other.number_) {}
  UploadTicket& operator=(UploadTicket&& other) noexcept {
    std::swap(tickets_, other.tickets_);
    std::swap(number_, other.number_);
    return *this;
  }
  ~UploadTicket();

  // Every object is written through this, or at least the end of it: `write` is ObjectStore::Put or
  // ObjectWriter::Finish.
  Result<ObjectRef> Place(const std::function<Result<ObjectRef>()>& write);

 private:
  friend class Store;
  struct Tickets;
  UploadTicket(Tickets* tickets, uint64_t number) : tickets_(tickets), number_(number) {}
  Tickets* tickets_ = nullptr;
  uint64_t number_ = 0;
};

// Puts and deletes of one transaction; see Store::ChangeCatalogue.
class CatalogueTxn {
 public:
  // As those of CatalogueWriter.
  Result<PutOutcome> Put(const NewInstance& instance, const std::optional<ObjectRef>& expected);
  Status Delete(const InstanceName& name);
  Result<bool> IsCurrent(const Version& version) { return catalogue_.IsCurrent(txn_, version); }
  Status Supplement(Doc instance, uint64_t version, const dicom::Header& header);
  Txn& txn() { return txn_; }

 private:
  friend class Store;
  CatalogueTxn(const CatalogueWriter& catalogue, Txn& txn, bool observed)
      : catalogue_(catalogue), txn_(txn), observed_(observed) {}
  CatalogueChanges* changes() { return observed_ ? &changes_ : nullptr; }

  const CatalogueWriter& catalogue_;
  Txn& txn_;
  const bool observed_;
  CatalogueChanges changes_;
};

struct CompactionOutcome {
  uint64_t reclaimed_bytes = 0;
  Status first_error;  // OK, or why the first of those segments that stay could not be rewritten
};

class Store {
 public:
  static Result<std::unique_ptr<Store>> Open(const StoreOptions& options, Disk& disk, const Clock& clock,
                                             Random& random, Logger log);
  ~Store();

  Kv& kv() { return *kv_; }
  Writer& writer() { return *writer_; }
  ObjectStore& objects() { return *objects_; }
  // For those who follow the change log.
  CommitSignal& commits() { return commits_; }
  const Schema& schema() const { return schema_; }
  // For collections of modules above. REQUIRES: nothing else uses the store yet.
  void AddField(CollectionId collection, FieldSpec field) { schema_.Add(collection, field); }
  // The only way to change instances: runs the task as Writer::Run does, and then the observer, in the same
  // transaction.
  Result<uint64_t> ChangeCatalogue(const std::function<Status(CatalogueTxn&)>& task, Space space = Space::kUsual);
  // Written objects, durable before any commit of ChangeCatalogue that is called after this. An error is of the disk.
  Status SyncBeforeCommit(std::span<const ObjectRef> refs) { return object_syncs_->Add(refs); }
  // Who is told of changes; nullptr for nobody. REQUIRES: nothing changes instances meanwhile; the observer outlives
  // what does.
  void Observe(CatalogueObserver* observer) { observer_ = observer; }
  // A view of the catalogue as of now.
  CatalogueReader Read() { return CatalogueReader(*kv_, schema_, tables_.Current(), Tenant::kDefault); }
  // What is taken from instances; extended_tags.h changes it.
  const AttributeTables& attributes() const { return tables_; }
  // Makes the extended tags that are on disk now part of it. One call at a time, none of which overlaps a change of the
  // tags: else an older table would replace a newer one.
  Status LoadAttributes();

  // OK, or why nothing can be stored.
  Status health() const;
  // kDiskFull while the disk is so full that nothing would be stored; for who can still be spared the sending.
  Status CheckSpace() const { return objects_->CheckSpace(Space::kUsual, 0); }

  // Thread-safe; the store outlives the ticket.
  UploadTicket BeginUpload();

  // Removes an instance, a whole series (no SOP Instance UID) or a whole study; kNotFound when there is none. Large
  // ones go in several commits: a crash in between leaves the rest, and the request unacknowledged. With `is_meant`
  // only the version that it says yes to goes, whatever is stored meanwhile; else kConflict, and nothing is removed.
  // What is stored when some of the commits are done stays.
  Status Delete(const std::string& study_uid, const std::optional<std::string>& series_uid,
                const std::optional<std::string>& sop_uid,
                const std::function<bool(const Version&)>& is_meant = nullptr);

  // Reclaims the space of deleted objects: rewrites sealed segments that are less than half alive and that no
  // object was deleted from for StoreOptions::keep_deleted. A segment that cannot be rewritten does not keep the others
  // from it; one with damage is left alone until something more is deleted from it, or until the next start.
  // Ends between two segments when `stop` asks for it.
  CompactionOutcome CompactObjects(const std::stop_token& stop = {});

  // Writes a consistent copy into `directory` (must not exist) while the store stays in use. The copy opens like any
  // store. It gets its name once it is whole: what an error or a crash leaves of it is beside it, with kPartOfBackup
  // behind the name, and of no use; the message of an error says to delete it.
  Status Backup(const std::string& directory);

 private:
  // What a deletion takes, as it is now: last come, first gone.
  struct Doomed {
    struct Instance {
      InstanceName name;
      Version version;
    };
    Version whole;
    std::vector<Instance> instances;
  };

  Store();
  Result<Doomed> FindDoomed(const std::string& study_uid, const std::optional<std::string>& series_uid,
                            const std::optional<std::string>& sop_uid);
  // The bytes given back. REQUIRES: maintenance_ is held.
  Result<uint64_t> CompactIfWorthIt(const SegmentInfo& segment);
  // What rows point at in a segment, in the order of the file.
  Result<std::vector<ObjectStore::LiveObject>> LiveObjects(uint32_t segment);
  Status CompactSegment(const SegmentInfo& segment);
  // Whether it is too early to give back what was freed then. A time to come counts as that when it is noticed.
  bool IsKept(uint32_t segment, Micros freed);

  Disk* disk_ = nullptr;
  const Clock* clock_ = nullptr;
  std::chrono::seconds keep_deleted_{0};
  Logger log_;
  Schema schema_;
  AttributeTables tables_;
  std::shared_ptr<File> lock_;
  std::unique_ptr<UploadTicket::Tickets> tickets_;
  uint64_t segment_bytes_ = 0;
  std::mutex maintenance_;  // compaction and backup exclude each other
  // Guarded by maintenance_: segment -> when it was noticed that its objects were deleted by a clock that was set back
  // since, and -> its live bytes when damage was found in it.
  std::map<uint32_t, Micros> freed_ahead_;
  std::map<uint32_t, uint64_t> damaged_at_;
  CommitSignal commits_;
  std::unique_ptr<Kv> kv_;
  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<ObjectSyncs> object_syncs_;
  std::unique_ptr<CatalogueWriter> catalogue_;
  CatalogueObserver* observer_ = nullptr;
  std::unique_ptr<Writer> writer_;
};

// Keeps a data folder from being opened while it is copied, until the file is dropped. kUnavailable when a process has
// it open. Null for a backup that nobody ever opened: it has no lock.
Result<std::shared_ptr<File>> LockForCopy(Disk& disk, const std::string& directory);

// What a check found: the first 1000 in words, all of them counted.
struct Findings {
  std::vector<std::string> texts;
  uint64_t left_out = 0;

  void Add(std::string text);
  uint64_t count() const { return texts.size() + left_out; }
};

// What `hilum verify` finds about images. Counting goes on after a finding.
struct VerifyReport {
  uint64_t studies = 0;
  uint64_t series = 0;
  uint64_t instances = 0;
  uint64_t bytes = 0;  // of objects read and checked
  Findings findings;
};

struct VerifyOptions {
  bool objects = true;                                // read every object and check every checksum
  std::function<bool(const VerifyReport&)> progress;  // called now and then; false stops
};

// Checks files, checksums of objects, and that rows, counters, index and segment accounting agree. Works on a snapshot
// while the store is in use.
Result<VerifyReport> Verify(Store& store, const VerifyOptions& options);

// Whether the segments that rows point into are there, and reach that far: a look at names and sizes, before serving
// and before anything is written to them. kCorruption names the first that does not.
Status CheckSegments(Store& store);

// Checks the stored bytes of one instance. Compaction or deletion since `row` was read is no error: what counts is the
// place it has now.
Status VerifyInstanceObject(Store& store, Doc doc, const InstanceRow& row);

}  // namespace hilum::storage
