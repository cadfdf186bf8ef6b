#include "storage/object/compaction.h"

#include "storage/object/record.h"

namespace hilum::storage::segment {
namespace {

// What is live in a segment, not moved yet. Reads it whole: nothing is copied before all is known to be undamaged,
// because copies from a segment that stays are garbage, made anew at every attempt.
Result<std::vector<ObjectStore::Move>> FindLive(
    const ObjectStore& store, uint32_t segment, const std::shared_ptr<File>& file,
    const std::function<Result<bool>(Bytes id, const ObjectRef&)>& is_live) {
  std::vector<ObjectStore::Move> moves;
  const auto check_live = [&](const FoundObject& found) -> Status {
    HILUM_ASSIGN_OR_RETURN(const bool live, is_live(found.id, found.ref));
    if (!live) return Status::Ok();
    HILUM_ASSIGN_OR_RETURN(const Record record, Record::Open(file, found.ref));
    HILUM_RETURN_IF_ERROR(record.ReadAll([](Bytes) { return Status::Ok(); }));
    moves.push_back({.id = found.id, .from = found.ref});
    return Status::Ok();
  };
  HILUM_RETURN_IF_ERROR(store.Scan(segment, check_live));
  return moves;
}

// A record whose header alone is damaged comes out whole: its footer says the same.
Result<ObjectRef> CopyRecord(ObjectStore& store, const std::shared_ptr<File>& file, const ObjectStore::Move& move) {
  HILUM_ASSIGN_OR_RETURN(const Record record, Record::Open(file, move.from));
  HILUM_ASSIGN_OR_RETURN(const std::unique_ptr<ObjectWriter> writer, store.NewWriter(move.id, Space::kReserve));
  HILUM_RETURN_IF_ERROR(record.ReadAll([&](Bytes chunk) { return writer->Append(chunk); }));
  return writer->Finish();
}

}  // namespace

Result<std::vector<ObjectStore::Move>> CopyLiveRecords(
    ObjectStore& store, uint32_t segment, const std::shared_ptr<File>& file,
    const std::function<Result<bool>(Bytes id, const ObjectRef&)>& is_live) {
  HILUM_ASSIGN_OR_RETURN(std::vector<ObjectStore::Move> moves, FindLive(store, segment, file, is_live));
  for (ObjectStore::Move& move : moves) {
    HILUM_ASSIGN_OR_RETURN(move.to, CopyRecord(store, file, move));
  }
  return moves;
}

}  // namespace hilum::storage::segment
