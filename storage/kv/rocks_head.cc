#include "storage/kv/rocks_head.h"

#include "storage/kv/rocks_status.h"

namespace hilum::storage {
namespace {

// Keys begin with a tenant number that no tenant has. The format row holds the version, then the store id; the sequence
// row changes in every commit.
constexpr Bytes kFormatKey =
    "\xFF\xFF\xFF\xFF"
    "format";
constexpr Bytes kSequenceKey =
    "\xFF\xFF\xFF\xFF"
    "sequence";
// 2: numbers stand in posting lists by their first 21 bits, not 26.
constexpr uint32_t kFormatVersion = 2;

// False: the row does not exist.
Result<bool> ReadRow(const RocksHandles& rocks, Bytes key, std::string* value) {
  const auto status = rocks.db->Get(rocksdb::ReadOptions(), rocks.family(Family::kMeta), key, value);
  if (status.IsNotFound()) return false;
  HILUM_RETURN_IF_ERROR(FromRocks("read the head of the store", status));
  return true;
}

}  // namespace

RocksHandles::~RocksHandles() {
  for (auto* family : families) db->DestroyColumnFamilyHandle(family).PermitUncheckedError();
}

uint64_t OldestLog(const RocksHandles& rocks) {
  uint64_t number = 0;
  rocks.db->GetIntProperty(rocksdb::DB::Properties::kMinLogNumberToKeep, &number);
  return number;
}

Result<std::optional<StoreHead>> ReadStoreHead(const RocksHandles& rocks) {
  std::string format, sequence;
  HILUM_ASSIGN_OR_RETURN(const bool has_format, ReadRow(rocks, kFormatKey, &format));
  HILUM_ASSIGN_OR_RETURN(const bool has_sequence, ReadRow(rocks, kSequenceKey, &sequence));
  if (!has_format && !has_sequence) return std::optional<StoreHead>();

  StoreHead head;
  uint32_t version = 0;
  Bytes id;
  ByteReader format_reader(format), sequence_reader(sequence);
  if (!format_reader.ReadLe(&version)) return Corruption("the head of the store is damaged: restore a backup");
  if (version != kFormatVersion) {
    return Unsupported("the store has format " + std::to_string(version) + ", this program reads format " +
                       std::to_string(kFormatVersion) + ": use the version of the program that wrote it");
  }
  if (!format_reader.ReadBytes(head.id.size(), &id) || !sequence_reader.ReadLe(&head.sequence)) {
    return Corruption("the head of the store is damaged: restore a backup");
  }
  std::memcpy(head.id.data(), id.data(), id.size());
  return std::optional<StoreHead>(head);
}

Status WriteStoreHead(const RocksHandles& rocks, const StoreHead& head) {
  std::string format;
  AppendLe<uint32_t>(&format, kFormatVersion);
  format.append(head.id.data(), head.id.size());
  rocksdb::WriteBatch batch;
  auto added = batch.Put(rocks.family(Family::kMeta), kFormatKey, format);
  if (added.ok()) added = AddSequence(rocks, head.sequence, &batch);
  HILUM_RETURN_IF_ERROR(FromRocks("mark the new store", added));
  rocksdb::WriteOptions durable;
  durable.sync = true;
  return FromRocks("mark the new store", rocks.db->Write(durable, &batch));
}

Bytes SequenceKey() {
  return kSequenceKey;
}

std::string EncodeSequence(uint64_t sequence) {
  std::string value;
  AppendLe<uint64_t>(&value, sequence);
  return value;
}

rocksdb::Status AddSequence(const RocksHandles& rocks, uint64_t sequence, rocksdb::WriteBatch* batch) {
  return batch->Put(rocks.family(Family::kMeta), kSequenceKey, EncodeSequence(sequence));
}

}  // namespace hilum::storage
