#include "storage/object/compaction.h"

#include "storage/object/record.h"

namespace hilum::storage::segment {
namespace {

// A record whose header alone is damaged comes out whole: its footer says the same.
Result<ObjectRef> CopyRecord(ObjectStore& store, const std::shared_ptr<File>& file, const FoundObject& found) {
  HILUM_ASSIGN_OR_RETURN(const Record record, Record::Open(file, found.ref));
  HILUM_ASSIGN_OR_RETURN(const std::unique_ptr<ObjectWriter> writer, store.NewWriter(found.id));
  HILUM_RETURN_IF_ERROR(record.ReadAll([&](Bytes chunk) { return writer->Append(chunk); }));
  return writer->Finish();
}

}  // namespace

Result<std::vector<ObjectStore::Move>> CopyLiveRecords(
    ObjectStore& store, uint32_t segment, const std::shared_ptr<File>& file,
    const std::function<Result<bool>(Bytes id, const ObjectRef&)>& is_live) {
  std::vector<ObjectStore::Move> moves;
  const auto copy_live = [&](const FoundObject& found) -> Status {
    HILUM_ASSIGN_OR_RETURN(const bool live, is_live(found.id, found.ref));
    if (!live) return Status::Ok();
    HILUM_ASSIGN_OR_RETURN(const ObjectRef copy, CopyRecord(store, file, found));
    moves.push_back({found.id, found.ref, copy});
    return Status::Ok();
  };
  HILUM_RETURN_IF_ERROR(store.Scan(segment, copy_live).WithContext("compact segment " + std::to_string(segment)));
  return moves;
}

}  // namespace hilum::storage::segment
