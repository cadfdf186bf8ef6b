// The change log: sequence -> what changed, in the same commit as the change itself. Everything that follows changes is
// a cursor over it. Stateless functions over a Txn or Kv; thread safety is theirs.
//
// Changes of instances are also numbered among themselves, for clients that know of no others (the DICOM change feed).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/kv/kv.h"
#include "storage/kv/writer.h"
#include "storage/tenant.h"

namespace hilum::storage {

// Numbers are on disk.
enum class ChangeKind : uint8_t { kInstance = 1, kResource = 2 };
enum class ChangeOperation : uint8_t { kCreate = 1, kUpdate = 2, kDelete = 3 };
// "create", "update" or "delete".
std::string_view NameOf(ChangeOperation operation);

struct Change {
  uint64_t sequence = 0;  // from 1, without gaps within a tenant; assigned by AppendChange
  int64_t time_micros = 0;
  ChangeKind kind = ChangeKind::kInstance;
  ChangeOperation operation = ChangeOperation::kCreate;
  // What changed: for an instance its Study, Series and SOP Instance UID; for a resource its type and id.
  std::vector<std::string> path;
  uint64_t version = 0;
  // Among the changes of instances, from 1, without gaps; assigned by AppendChange. 0 where it was not read.
  uint64_t instance_number = 0;
};

// Adds the change to the transaction and returns its sequence.
Result<uint64_t> AppendChange(Txn& txn, Tenant tenant, Change change);

// At most `limit` changes with sequence > `after`, oldest first.
Result<std::vector<Change>> ReadChanges(const Kv& kv, Tenant tenant, uint64_t after, size_t limit,
                                        const Snapshot* snapshot = nullptr);

// At most `limit` changes with sequence < `before`, newest first.
Result<std::vector<Change>> ReadChangesBefore(const Kv& kv, Tenant tenant, uint64_t before, size_t limit,
                                              const Snapshot* snapshot = nullptr);

// Sequence of the newest change; 0 when there is none.
Result<uint64_t> LatestChange(const Kv& kv, Tenant tenant, const Snapshot* snapshot = nullptr);

// Whether a client that has all changes up to `after` can go on from there: kNotFound, with what to do, when what
// followed was removed from the log, or when the log does not reach that far.
Status CheckChangesFollow(const Kv& kv, Tenant tenant, uint64_t after, const Snapshot* snapshot = nullptr);
// The same by numbers of changes of instances.
Status CheckInstanceChangesFollow(const Kv& kv, Tenant tenant, uint64_t after, const Snapshot* snapshot = nullptr);

// The time for a change of an instance that happens now: later than that of every one before it, even while the clock
// stands still or goes back. So it tells changes apart and grows with their numbers.
Result<int64_t> InstanceChangeTime(Txn& txn, Tenant tenant, int64_t now_micros);

// At most `limit` changes of instances with number > `after`, oldest first.
Result<std::vector<Change>> ReadInstanceChanges(const Kv& kv, Tenant tenant, uint64_t after, size_t limit,
                                                const Snapshot* snapshot = nullptr);
// Number of the newest change of an instance; 0 when there is none.
Result<uint64_t> LatestInstanceChange(const Kv& kv, Tenant tenant, const Snapshot* snapshot = nullptr);
// How many changes of instances there were before that time.
Result<uint64_t> InstanceChangesBefore(const Kv& kv, Tenant tenant, int64_t time_micros,
                                       const Snapshot* snapshot = nullptr);

// Whether sequences and numbers have no gaps, number changes of instances and end where the counters say. `find` is
// told in words what is not so.
Status CheckChangeLog(const Kv& kv, Tenant tenant, const Snapshot* snapshot,
                      const std::function<void(std::string)>& find);

// Numbers the changes of instances in a log that was written before they were numbered; else does nothing. REQUIRES:
// nothing else writes.
Status NumberInstanceChanges(Kv& kv, Tenant tenant);

}  // namespace hilum::storage
