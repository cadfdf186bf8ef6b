#include "storage/log/change_log.h"

#include <algorithm>
#include <utility>

namespace hilum::storage {
namespace {

// Rows of Family::kLog: tenant | sequence (big-endian, from 1) -> the change; tenant | 0 -> Counter; and
// tenant | kNumbers | number of a change of an instance (big-endian, from 1) -> its sequence (big-endian).
constexpr uint64_t kCounter = 0;
constexpr uint64_t kNumbers = UINT64_MAX;
constexpr char kValueVersion = 1;

struct Counter {
  uint64_t latest = 0;               // sequence
  uint64_t instance_changes = 0;     // how many
  int64_t instance_time_micros = 0;  // of the newest of them
  bool numbered = true;              // false: written before there were numbers
};

std::string KeyOf(Tenant tenant, uint64_t sequence) {
  std::string key;
  AppendTenant(&key, tenant);
  AppendBe<uint64_t>(&key, sequence);
  return key;
}

std::string NumberKey(Tenant tenant, uint64_t number) {
  std::string key = KeyOf(tenant, kNumbers);
  AppendBe<uint64_t>(&key, number);
  return key;
}

// version, kind, operation, time (little-endian), version of what changed, count of path elements, the elements.
std::string EncodeChange(const Change& change) {
  std::string value;
  value.push_back(kValueVersion);
  value.push_back(static_cast<char>(change.kind));
  value.push_back(static_cast<char>(change.operation));
  AppendLe<int64_t>(&value, change.time_micros);
  AppendVarint(&value, change.version);
  AppendVarint(&value, change.path.size());
  for (const auto& element : change.path) AppendSized(&value, element);
  return value;
}

bool DecodeChange(Bytes value, Change* change) {
  ByteReader in(value);
  Bytes head;
  uint64_t elements = 0;
  if (!in.ReadBytes(3, &head) || head[0] != kValueVersion) return false;
  change->kind = static_cast<ChangeKind>(head[1]);
  change->operation = static_cast<ChangeOperation>(head[2]);
  if (!in.ReadLe(&change->time_micros) || !in.ReadVarint(&change->version) || !in.ReadVarint(&elements)) return false;
  for (; elements > 0; --elements) {
    Bytes element;
    if (!in.ReadSized(&element)) return false;
    change->path.emplace_back(element);
  }
  return in.empty();
}

Status Damaged(uint64_t sequence) {
  return Corruption("change log: the row of sequence " + std::to_string(sequence) + " is damaged: restore a backup");
}

Result<Change> ReadRow(const Iterator& rows) {
  ByteReader key(rows.key().substr(4));
  Change change;
  if (key.ReadBe(&change.sequence) && DecodeChange(rows.value(), &change)) return change;
  return Damaged(change.sequence);
}

std::string EncodeCounter(const Counter& counter) {
  std::string value;
  AppendLe<uint64_t>(&value, counter.latest);
  AppendLe<uint64_t>(&value, counter.instance_changes);
  AppendLe<int64_t>(&value, counter.instance_time_micros);
  return value;
}

Result<Counter> DecodeCounter(const std::optional<std::string>& value) {
  Counter counter;
  if (!value) return counter;
  ByteReader in(*value);
  if (!in.ReadLe(&counter.latest))
    return Corruption("change log: the row of the latest sequence is damaged: restore a backup");
  counter.numbered = in.ReadLe(&counter.instance_changes) && in.ReadLe(&counter.instance_time_micros);
  return counter;
}

Result<Counter> ReadCounter(const Kv& kv, Tenant tenant, const Snapshot* snapshot) {
  HILUM_ASSIGN_OR_RETURN(const auto value, kv.Get(Family::kLog, KeyOf(tenant, kCounter), snapshot));
  return DecodeCounter(value);
}

// `latest`: the last place of the log; `found`: the first behind `after` that is there.
Status CheckPlace(uint64_t after, uint64_t latest, std::optional<uint64_t> found) {
  const std::string place = std::to_string(after);
  if (after > latest) {
    return NotFound("the change log ends at " + std::to_string(latest) + " and has no place " + place +
                    ": this is an older or another copy of the data; read all data anew and go on from the end");
  }
  if (after == latest || found == after + 1) return Status::Ok();
  return NotFound("changes behind " + place + " were removed from the log, which begins with " +
                  (found ? std::to_string(*found) : "what comes next") + ": read all data anew and go on from the end");
}

std::string EncodeSequence(uint64_t sequence) {
  std::string value;
  AppendBe<uint64_t>(&value, sequence);
  return value;
}

// What a key ends with; 0 of a damaged one.
uint64_t NumberIn(Bytes rest) {
  uint64_t number = 0;
  return ByteReader(rest).ReadBe(&number) ? number : 0;
}

// Both walks of the check go up; numbers lead to the changes of instances in order.
class LogCheck {
 public:
  LogCheck(const Kv& kv, Tenant tenant, const Snapshot* snapshot, const std::function<void(std::string)>& find)
      : find_(find),
        rows_(kv.NewIterator(Family::kLog, KeyOf(tenant, kCounter + 1), KeyOf(tenant, kNumbers), snapshot)),
        numbers_(kv.NewIterator(Family::kLog, NumberKey(tenant, 1), PrefixEnd(KeyOf(tenant, kNumbers)), snapshot)) {}

  Status Run(const Counter& counter) {
    numbers_->SeekToFirst();
    for (rows_->SeekToFirst(); rows_->Valid(); rows_->Next()) {
      const uint64_t sequence = NumberIn(rows_->key().substr(4));
      Follows("sequence", sequence, &latest_);
      Change change;
      if (!DecodeChange(rows_->value(), &change)) {
        find_(Damaged(sequence).message());
      } else if (change.kind == ChangeKind::kInstance) {
        PassNumbersBefore(sequence);
        if (NumberedSequence() == sequence)
          PassNumber();
        else
          find_("change log: the change of an instance with sequence " + std::to_string(sequence) + " has no number");
      }
    }
    PassNumbersBefore(UINT64_MAX);
    if (latest_ != counter.latest) EndsElsewhere("sequence", latest_, counter.latest);
    if (number_ != counter.instance_changes) EndsElsewhere("number", number_, counter.instance_changes);
    HILUM_RETURN_IF_ERROR(rows_->status());
    return numbers_->status();
  }

 private:
  void Follows(const std::string& what, uint64_t found, uint64_t* last) {
    if (found != *last + 1) {
      find_("change log: " + what + " " + std::to_string(*last + 1) +
            (found == *last + 2 ? " is missing" : " to " + std::to_string(found - 1) + " are missing"));
    }
    *last = found;
  }
  void EndsElsewhere(const std::string& what, uint64_t last, uint64_t counted) {
    find_("change log: the last " + what + " is " + std::to_string(last) + ", but the counter says " +
          std::to_string(counted));
  }

  // What the number at hand leads to.
  std::optional<uint64_t> NumberedSequence() const {
    uint64_t sequence = 0;
    if (!numbers_->Valid() || !ByteReader(numbers_->value()).ReadBe(&sequence)) return std::nullopt;
    return sequence;
  }
  void PassNumber() {
    Follows("number", NumberIn(numbers_->key().substr(12)), &number_);
    numbers_->Next();
  }
  void PassNumbersBefore(uint64_t sequence) {
    for (; numbers_->Valid() && NumberedSequence().value_or(0) < sequence; PassNumber()) {
      const uint64_t number = NumberIn(numbers_->key().substr(12));
      find_("change log: number " + std::to_string(number) + " leads to no change of an instance");
    }
  }

  const std::function<void(std::string)>& find_;
  const std::unique_ptr<Iterator> rows_;
  const std::unique_ptr<Iterator> numbers_;
  uint64_t latest_ = 0;  // sequence that was seen
  uint64_t number_ = 0;
};

}  // namespace

std::string_view NameOf(ChangeOperation operation) {
  switch (operation) {
    case ChangeOperation::kCreate:
      return "create";
    case ChangeOperation::kUpdate:
      return "update";
    case ChangeOperation::kDelete:
      return "delete";
  }
  return "update";
}

Result<uint64_t> AppendChange(Txn& txn, Tenant tenant, Change change) {
  const std::string counter_key = KeyOf(tenant, kCounter);
  HILUM_ASSIGN_OR_RETURN(const auto counter_value, txn.Get(Family::kLog, counter_key));
  HILUM_ASSIGN_OR_RETURN(Counter counter, DecodeCounter(counter_value));
  change.sequence = ++counter.latest;
  if (change.kind == ChangeKind::kInstance) {
    counter.instance_time_micros = std::max(counter.instance_time_micros, change.time_micros);
    txn.Put(Family::kLog, NumberKey(tenant, ++counter.instance_changes), EncodeSequence(change.sequence));
  }
  txn.Put(Family::kLog, counter_key, EncodeCounter(counter));
  txn.Put(Family::kLog, KeyOf(tenant, change.sequence), EncodeChange(change));
  return change.sequence;
}

Result<int64_t> InstanceChangeTime(Txn& txn, Tenant tenant, int64_t now_micros) {
  HILUM_ASSIGN_OR_RETURN(const auto value, txn.Get(Family::kLog, KeyOf(tenant, kCounter)));
  HILUM_ASSIGN_OR_RETURN(const Counter counter, DecodeCounter(value));
  return std::max(now_micros, counter.instance_time_micros + 1);
}

Result<std::vector<Change>> ReadChanges(const Kv& kv, Tenant tenant, uint64_t after, size_t limit,
                                        const Snapshot* snapshot) {
  std::vector<Change> changes;
  if (after == UINT64_MAX) return changes;
  const auto rows = kv.NewIterator(Family::kLog, KeyOf(tenant, after + 1), KeyOf(tenant, kNumbers), snapshot);
  for (rows->SeekToFirst(); rows->Valid() && changes.size() < limit; rows->Next()) {
    HILUM_ASSIGN_OR_RETURN(Change change, ReadRow(*rows));
    changes.push_back(std::move(change));
  }
  HILUM_RETURN_IF_ERROR(rows->status());
  return changes;
}

Result<std::vector<Change>> ReadChangesBefore(const Kv& kv, Tenant tenant, uint64_t before, size_t limit,
                                              const Snapshot* snapshot) {
  std::vector<Change> changes;
  const auto rows = kv.NewIterator(Family::kLog, KeyOf(tenant, kCounter + 1), KeyOf(tenant, before), snapshot);
  for (rows->SeekToLast(); rows->Valid() && changes.size() < limit; rows->Prev()) {
    HILUM_ASSIGN_OR_RETURN(Change change, ReadRow(*rows));
    changes.push_back(std::move(change));
  }
  HILUM_RETURN_IF_ERROR(rows->status());
  return changes;
}

Result<uint64_t> LatestChange(const Kv& kv, Tenant tenant, const Snapshot* snapshot) {
  HILUM_ASSIGN_OR_RETURN(const Counter counter, ReadCounter(kv, tenant, snapshot));
  return counter.latest;
}

Result<uint64_t> LatestInstanceChange(const Kv& kv, Tenant tenant, const Snapshot* snapshot) {
  HILUM_ASSIGN_OR_RETURN(const Counter counter, ReadCounter(kv, tenant, snapshot));
  return counter.instance_changes;
}

Result<std::vector<Change>> ReadInstanceChanges(const Kv& kv, Tenant tenant, uint64_t after, size_t limit,
                                                const Snapshot* snapshot) {
  std::vector<Change> changes;
  if (after == UINT64_MAX) return changes;
  std::vector<std::string> keys;
  const auto rows =
      kv.NewIterator(Family::kLog, NumberKey(tenant, after + 1), PrefixEnd(KeyOf(tenant, kNumbers)), snapshot);
  for (rows->SeekToFirst(); rows->Valid() && keys.size() < limit; rows->Next()) {
    Change& change = changes.emplace_back();
    ByteReader key(rows->key().substr(12));
    ByteReader value(rows->value());
    if (!key.ReadBe(&change.instance_number) || !value.ReadBe(&change.sequence)) return Damaged(0);
    keys.push_back(KeyOf(tenant, change.sequence));
  }
  HILUM_RETURN_IF_ERROR(rows->status());
  HILUM_ASSIGN_OR_RETURN(const auto values, kv.MultiGet(Family::kLog, keys, snapshot));
  for (size_t i = 0; i < changes.size(); ++i) {
    if (!values[i] || !DecodeChange(*values[i], &changes[i])) return Damaged(changes[i].sequence);
  }
  return changes;
}

Result<uint64_t> InstanceChangesBefore(const Kv& kv, Tenant tenant, int64_t time_micros, const Snapshot* snapshot) {
  HILUM_ASSIGN_OR_RETURN(uint64_t before, LatestInstanceChange(kv, tenant, snapshot));
  // Times grow with numbers: 1 to `low` are before that time, those above `before` are not.
  for (uint64_t low = 0; low < before;) {
    const uint64_t middle = low + (before - low + 1) / 2;
    HILUM_ASSIGN_OR_RETURN(const auto found, ReadInstanceChanges(kv, tenant, middle - 1, 1, snapshot));
    if (!found.empty() && found[0].time_micros >= time_micros) {
      before = middle - 1;
    } else {
      low = middle;
    }
  }
  return before;
}

Status CheckChangesFollow(const Kv& kv, Tenant tenant, uint64_t after, const Snapshot* snapshot) {
  HILUM_ASSIGN_OR_RETURN(const uint64_t latest, LatestChange(kv, tenant, snapshot));
  HILUM_ASSIGN_OR_RETURN(const auto next, ReadChanges(kv, tenant, after, 1, snapshot));
  return CheckPlace(after, latest, next.empty() ? std::nullopt : std::optional(next[0].sequence));
}

Status CheckInstanceChangesFollow(const Kv& kv, Tenant tenant, uint64_t after, const Snapshot* snapshot) {
  HILUM_ASSIGN_OR_RETURN(const uint64_t latest, LatestInstanceChange(kv, tenant, snapshot));
  HILUM_ASSIGN_OR_RETURN(const auto next, ReadInstanceChanges(kv, tenant, after, 1, snapshot));
  return CheckPlace(after, latest, next.empty() ? std::nullopt : std::optional(next[0].instance_number));
}

Status CheckChangeLog(const Kv& kv, Tenant tenant, const Snapshot* snapshot,
                      const std::function<void(std::string)>& find) {
  HILUM_ASSIGN_OR_RETURN(const Counter counter, ReadCounter(kv, tenant, snapshot));
  return LogCheck(kv, tenant, snapshot, find).Run(counter);
}

Status NumberInstanceChanges(Kv& kv, Tenant tenant) {
  constexpr size_t kChangesAtATime = 4096;
  HILUM_ASSIGN_OR_RETURN(Counter counter, ReadCounter(kv, tenant, nullptr));
  if (counter.numbered) return Status::Ok();
  counter.instance_changes = 0;
  for (uint64_t after = 0;;) {
    HILUM_ASSIGN_OR_RETURN(const std::vector<Change> changes, ReadChanges(kv, tenant, after, kChangesAtATime));
    Batch batch;
    for (const Change& change : changes) {
      after = change.sequence;
      if (change.kind != ChangeKind::kInstance) continue;
      counter.instance_time_micros = std::max(counter.instance_time_micros, change.time_micros);
      batch.Put(Family::kLog, NumberKey(tenant, ++counter.instance_changes), EncodeSequence(change.sequence));
    }
    // The counter is last: a crash before it has everything numbered anew.
    const bool last = changes.size() < kChangesAtATime;
    if (last) batch.Put(Family::kLog, KeyOf(tenant, kCounter), EncodeCounter(counter));
    if (!batch.empty()) HILUM_RETURN_IF_ERROR(kv.Commit(std::move(batch)).status());
    if (last) return Status::Ok();
  }
}

}  // namespace hilum::storage
