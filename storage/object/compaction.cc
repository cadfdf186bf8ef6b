#include "storage/object/compaction.h"

#include "storage/object/record.h"

namespace hilum::storage::segment {
namespace {

// A record whose header alone is damaged comes out whole: its footer says the same.
Result<ObjectRef> CopyRecord(ObjectStore& store, const std::shared_ptr<File>& file,
                             const ObjectStore::LiveObject& object) {
  HILUM_ASSIGN_OR_RETURN(const Record record, Record::Open(file, object.ref));
  HILUM_ASSIGN_OR_RETURN(const std::unique_ptr<ObjectWriter> writer, store.NewWriter(object.id, Space::kReserve));
  HILUM_RETURN_IF_ERROR(record.ReadAll([&](Bytes chunk) { return writer->Append(chunk); }));
  return writer->Finish();
}

}  // namespace

Result<std::vector<ObjectStore::Move>> CopyLiveRecords(ObjectStore& store, const std::shared_ptr<File>& file,
                                                       std::span<const ObjectStore::LiveObject> live) {
  // Nothing is copied before all is known to be undamaged: copies from a segment that stays are garbage, made anew at
  // every attempt.
  for (const ObjectStore::LiveObject& object : live) {
    HILUM_ASSIGN_OR_RETURN(const Record record, Record::Open(file, object.ref));
    HILUM_RETURN_IF_ERROR(record.CheckId(object.id));
    HILUM_RETURN_IF_ERROR(record.ReadAll([](Bytes) { return Status::Ok(); }));
  }
  std::vector<ObjectStore::Move> moves;
  moves.reserve(live.size());
  for (const ObjectStore::LiveObject& object : live) {
    HILUM_ASSIGN_OR_RETURN(const ObjectRef to, CopyRecord(store, file, object));
    moves.push_back({object.id, object.ref, to});
  }
  return moves;
}

}  // namespace hilum::storage::segment
