#include "storage/log/change_log.h"

#include <utility>

namespace hilum::storage {
namespace {

// Rows of Family::kLog: tenant | sequence (big-endian, from 1) -> the change, and tenant | 0 -> the latest sequence.
constexpr uint64_t kCounter = 0;
constexpr char kValueVersion = 1;

std::string KeyOf(Tenant tenant, uint64_t sequence) {
  std::string key;
  AppendTenant(&key, tenant);
  AppendBe<uint64_t>(&key, sequence);
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

Result<Change> ReadRow(const Iterator& rows) {
  ByteReader key(rows.key().substr(4));
  Change change;
  if (key.ReadBe(&change.sequence) && DecodeChange(rows.value(), &change)) return change;
  return Corruption("change log: the row of sequence " + std::to_string(change.sequence) +
                    " is damaged: restore a backup");
}

Result<uint64_t> DecodeCounter(const std::optional<std::string>& value) {
  if (!value) return uint64_t{0};
  ByteReader in(*value);
  uint64_t latest = 0;
  if (!in.ReadLe(&latest)) return Corruption("change log: the row of the latest sequence is damaged: restore a backup");
  return latest;
}

}  // namespace

Result<uint64_t> AppendChange(Txn& txn, Tenant tenant, Change change) {
  const std::string counter_key = KeyOf(tenant, kCounter);
  HILUM_ASSIGN_OR_RETURN(const auto counter, txn.Get(Family::kLog, counter_key));
  HILUM_ASSIGN_OR_RETURN(const uint64_t latest, DecodeCounter(counter));
  change.sequence = latest + 1;
  std::string counter_value;
  AppendLe<uint64_t>(&counter_value, change.sequence);
  txn.Put(Family::kLog, counter_key, counter_value);
  txn.Put(Family::kLog, KeyOf(tenant, change.sequence), EncodeChange(change));
  return change.sequence;
}

Result<std::vector<Change>> ReadChanges(const Kv& kv, Tenant tenant, uint64_t after, size_t limit,
                                        const Snapshot* snapshot) {
  std::vector<Change> changes;
  if (after == UINT64_MAX) return changes;
  const auto rows =
      kv.NewIterator(Family::kLog, KeyOf(tenant, after + 1), PrefixEnd(KeyOf(tenant, 0).substr(0, 4)), snapshot);
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
  HILUM_ASSIGN_OR_RETURN(const auto counter, kv.Get(Family::kLog, KeyOf(tenant, kCounter), snapshot));
  return DecodeCounter(counter);
}

}  // namespace hilum::storage
