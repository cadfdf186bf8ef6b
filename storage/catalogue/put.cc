#include <algorithm>

#include "base/uid.h"
#include "storage/catalogue/catalogue.h"
#include "storage/catalogue/extended_tags.h"
#include "storage/catalogue/row_change.h"
#include "storage/log/change_log.h"

namespace hilum::storage {
namespace {

constexpr size_t kInlineFrameTableBytes = 4 * 1024;
constexpr size_t kFrameChunkBytes = 60 * 1024;

Result<SegmentAccount> AccountOf(Txn& txn, uint32_t segment) {
  HILUM_ASSIGN_OR_RETURN(const std::optional<std::string> found, txn.Get(Family::kObject, SegmentKey(segment)));
  if (!found) return SegmentAccount();
  const std::optional<SegmentAccount> account = DecodeSegmentAccount(*found);
  if (!account) return Corruption("the accounting of segment " + std::to_string(segment) + " is damaged");
  return *account;
}

Status TakeObject(Txn& txn, const ObjectRef& object, const ObjectOwner& owner) {
  txn.Put(Family::kObject, ObjectKey(object), Encode(owner));
  HILUM_ASSIGN_OR_RETURN(SegmentAccount account, AccountOf(txn, object.segment));
  account.live += ObjectStore::RecordBytes(object.length);
  txn.Put(Family::kObject, SegmentKey(object.segment), Encode(account));
  return Status::Ok();
}

Status LeaveObject(Txn& txn, const ObjectRef& object, int64_t now_micros) {
  txn.Delete(Family::kObject, ObjectKey(object));
  HILUM_ASSIGN_OR_RETURN(SegmentAccount account, AccountOf(txn, object.segment));
  account.live -= std::min(account.live, ObjectStore::RecordBytes(object.length));
  account.freed_micros = now_micros;
  txn.Put(Family::kObject, SegmentKey(object.segment), Encode(account));
  return Status::Ok();
}

void PutFrameTable(Txn& txn, Tenant tenant, Doc doc, const std::string& table, InstanceRow* row) {
  const uint64_t old_chunks = row->frame_chunks;
  row->frame_table.clear();
  row->frame_chunks = 0;
  if (table.size() <= kInlineFrameTableBytes) {
    row->frame_table = table;
  } else {
    for (size_t at = 0; at < table.size(); at += kFrameChunkBytes)
      txn.Put(Family::kCatalogue, FrameChunkKey(tenant, doc, static_cast<uint32_t>(row->frame_chunks++)),
              Bytes(table).substr(at, kFrameChunkBytes));
  }
  for (uint64_t chunk = row->frame_chunks; chunk < old_chunks; ++chunk)
    txn.Delete(Family::kCatalogue, FrameChunkKey(tenant, doc, static_cast<uint32_t>(chunk)));
}

// The object that the instance had until now counts no more.
Status LeaveStored(Txn& txn, Tenant tenant, const AttributeTable& table, int64_t now_micros,
                   const RowChange<InstanceRow>& row, StudyRow* study) {
  Count(&study->sop_classes, row.before->sop_class(), -1);
  study->bytes -= std::min(study->bytes, row.before->object.length);
  HILUM_RETURN_IF_ERROR(LeaveObject(txn, row.before->object, now_micros));
  return ForgetTagErrors(txn, tenant, table, row.doc);
}

// What a study or series has before its first instance.
template <typename Row>
void Begin(const std::string& uid, int64_t now, Row* row) {
  row->uid = uid;
  row->created_micros = now;
  row->sources.emplace();
}

// Notes what the instance says otherwise than its study and series, which have taken in its attributes.
void NoteDifferences(const AttributeTable& table, const dicom::Header& header, RowChange<StudyRow>* study,
                     RowChange<SeriesRow>* series, RowChange<InstanceRow>* row) {
  const uint64_t itself = row->before ? 1 : 0;
  if (row->before) LeavePatients(&study->after, &row->after);
  TakePatient(table, header, study->before ? study->before->attributes : KeptAttributes(),
              study->after.instances - itself, &study->after, &row->after);
  ForgetPatients(&study->after);
  LeaveDifferences(&series->after, &row->after);
  TakeDifferences(table, header, series->after.instances - itself, &series->after, &row->after);
}

Status NoteChange(Txn& txn, Tenant tenant, int64_t now, ChangeOperation operation, const InstanceName& name,
                  uint64_t version) {
  Change change;
  change.time_micros = now;
  change.kind = ChangeKind::kInstance;
  change.operation = operation;
  change.path = {name.study_uid, name.series_uid, name.sop_uid};
  change.version = version;
  return AppendChange(txn, tenant, change).status();
}

// Moves out what is left of the row: nothing, once the last instance has gone.
template <typename Row>
RowPair<Row> TakeLeft(RowChange<Row>* change) {
  RowPair<Row> pair{std::move(change->before), std::nullopt};
  if (change->after.instances > 0) pair.after = std::move(change->after);
  return pair;
}

// Whether attributes may come from the instance.
bool IsSource(const Sources& sources, Doc instance) {
  return !sources || std::ranges::find(*sources, instance) != sources->end();
}

}  // namespace

Result<PutOutcome> CatalogueWriter::Put(Txn& txn, const NewInstance& instance, const std::optional<ObjectRef>& expected,
                                        CatalogueChanges* changes) const {
  const dicom::Header& header = instance.header;
  assert(IsStorableUid(header.study_uid) && IsStorableUid(header.series_uid) && IsStorableUid(header.sop_uid));
  const auto table = tables_.Current();
  if (instance.table != table) return Conflict("the attributes that are kept have changed meanwhile");
  HILUM_ASSIGN_OR_RETURN(const int64_t now, InstanceChangeTime(txn, tenant_, clock_.Now().count()));

  HILUM_ASSIGN_OR_RETURN(auto study,
                         Load(txn, index_, tenant_, Level::kStudy, StudyKey(tenant_, header.study_uid), DecodeStudy));
  HILUM_ASSIGN_OR_RETURN(auto series, Load(txn, index_, tenant_, Level::kSeries,
                                           SeriesKey(tenant_, study.doc, header.series_uid), DecodeSeries));
  HILUM_ASSIGN_OR_RETURN(auto row, Load(txn, index_, tenant_, Level::kInstance,
                                        InstanceKey(tenant_, series.doc, header.sop_uid), DecodeInstance));
  const std::optional<ObjectRef> held = row.before ? std::optional(row.before->object) : std::nullopt;
  if (held != expected) return Conflict("the instance was stored by another request meanwhile");

  if (!study.before) Begin(header.study_uid, now, &study.after);
  if (!series.before) {
    Begin(header.series_uid, now, &series.after);
    series.after.study = study.doc;
    ++study.after.series;
  }
  const Replacement replaced{row.doc, row.before ? &header : nullptr};
  const auto describe = [&](Level level, auto* change) -> Result<bool> {
    const Sources& sources = change->after.sources;
    if (!row.before || IsNewer(row.doc, sources)) return FillFrom(*table, level, header, row.doc, &change->after);
    return DescribeAgain(txn, *table, level, change->doc, replaced, &change->after);
  };
  HILUM_ASSIGN_OR_RETURN(const bool study_changed, describe(Level::kStudy, &study));
  if (study_changed) HILUM_RETURN_IF_ERROR(SettlePatient(txn, *table, study.doc, study.before, &study.after));
  HILUM_ASSIGN_OR_RETURN(const bool series_changed, describe(Level::kSeries, &series));
  if (series_changed) CountModality(series.before, series.after, &study.after);

  NoteDifferences(*table, header, &study, &series, &row);
  if (row.before) {
    HILUM_RETURN_IF_ERROR(LeaveStored(txn, tenant_, *table, clock_.Now().count(), row, &study.after));
    ++row.after.version;
  } else {
    row.after.uid = header.sop_uid;
    row.after.series = series.doc;
    ++series.after.instances;
    ++study.after.instances;
  }
  row.after.attributes = KeepAttributes(*table, Level::kInstance, header);
  row.after.object = instance.object;
  row.after.transfer_syntax = header.layout.transfer_syntax;
  row.after.stored_micros = now;
  PutFrameTable(txn, tenant_, row.doc, instance.frame_table, &row.after);
  Count(&study.after.sop_classes, row.after.sop_class(), +1);
  study.after.bytes += instance.object.length;
  Touch(now, &study.after);
  Touch(now, &series.after);

  HILUM_RETURN_IF_ERROR(Store(txn, index_, *table, tenant_, Level::kStudy, study));
  HILUM_RETURN_IF_ERROR(Store(txn, index_, *table, tenant_, Level::kSeries, series));
  HILUM_RETURN_IF_ERROR(Store(txn, index_, *table, tenant_, Level::kInstance, row));
  HILUM_RETURN_IF_ERROR(TakeObject(txn, instance.object, {tenant_, row.doc}));

  HILUM_RETURN_IF_ERROR(NoteChange(txn, tenant_, now, row.before ? ChangeOperation::kUpdate : ChangeOperation::kCreate,
                                   {header.study_uid, header.series_uid, header.sop_uid}, row.after.version));
  const PutOutcome outcome = row.before ? PutOutcome::kReplaced : PutOutcome::kCreated;
  if (changes != nullptr) {
    changes->Note(study.doc, {std::move(study.before), std::move(study.after)}, series.doc,
                  {std::move(series.before), std::move(series.after)}, row.doc,
                  {std::move(row.before), std::move(row.after)});
  }
  return outcome;
}

Result<bool> CatalogueWriter::IsCurrent(Txn& txn, const Version& version) const {
  HILUM_ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                         txn.Get(Family::kCatalogue, RowKey(tenant_, version.level, version.doc)));
  if (!bytes) return false;
  const auto is_of = [&](const auto& row) { return row && VersionOf(version.doc, *row).number == version.number; };
  switch (version.level) {
    case Level::kStudy:
      return is_of(DecodeStudy(*bytes));
    case Level::kSeries:
      return is_of(DecodeSeries(*bytes));
    case Level::kInstance:
      return is_of(DecodeInstance(*bytes));
    case Level::kPatient:
      break;
  }
  return Internal("versions of patients are not counted");
}

Status CatalogueWriter::Delete(Txn& txn, const InstanceName& name, CatalogueChanges* changes) const {
  const auto table = tables_.Current();
  const auto load = [&]<typename Row>(Level level, const std::string& key,
                                      std::optional<Row> (*decode)(Bytes)) -> Result<RowChange<Row>> {
    HILUM_ASSIGN_OR_RETURN(std::optional<RowChange<Row>> found, Find(txn, tenant_, level, key, decode));
    if (!found) return NotFound("there is no instance " + name.sop_uid + " in that series");
    return *std::move(found);
  };
  const std::string study_key = StudyKey(tenant_, name.study_uid);
  HILUM_ASSIGN_OR_RETURN(auto study, load(Level::kStudy, study_key, DecodeStudy));
  const std::string series_key = SeriesKey(tenant_, study.doc, name.series_uid);
  HILUM_ASSIGN_OR_RETURN(auto series, load(Level::kSeries, series_key, DecodeSeries));
  const std::string instance_key = InstanceKey(tenant_, series.doc, name.sop_uid);
  HILUM_ASSIGN_OR_RETURN(auto row, load(Level::kInstance, instance_key, DecodeInstance));

  HILUM_ASSIGN_OR_RETURN(const int64_t now, InstanceChangeTime(txn, tenant_, clock_.Now().count()));
  PutFrameTable(txn, tenant_, row.doc, "", &row.after);
  HILUM_RETURN_IF_ERROR(Remove(txn, index_, *table, tenant_, Level::kInstance, row.doc, *row.before, instance_key));
  HILUM_RETURN_IF_ERROR(LeaveStored(txn, tenant_, *table, clock_.Now().count(), row, &study.after));
  LeaveDifferences(&series.after, &row.after);
  LeavePatients(&study.after, &row.after);
  ForgetPatients(&study.after);
  --series.after.instances;
  --study.after.instances;
  Touch(now, &study.after);
  Touch(now, &series.after);

  const Replacement gone{row.doc, nullptr};
  if (series.after.instances > 0 && IsSource(series.after.sources, row.doc)) {
    HILUM_RETURN_IF_ERROR(DescribeAgain(txn, *table, Level::kSeries, series.doc, gone, &series.after).status());
    CountModality(series.before, series.after, &study.after);
  }
  if (study.after.instances > 0 && IsSource(study.after.sources, row.doc)) {
    HILUM_RETURN_IF_ERROR(DescribeAgain(txn, *table, Level::kStudy, study.doc, gone, &study.after).status());
    HILUM_RETURN_IF_ERROR(SettlePatient(txn, *table, study.doc, study.before, &study.after));
  }
  if (series.after.instances == 0) {
    Count(&study.after.modalities, FirstValue(series.after.attributes, dicom::tags::kModality), -1);
    --study.after.series;
    HILUM_RETURN_IF_ERROR(Remove(txn, index_, *table, tenant_, Level::kSeries, series.doc, *series.before, series_key));
  } else {
    HILUM_RETURN_IF_ERROR(Store(txn, index_, *table, tenant_, Level::kSeries, series));
  }
  if (study.after.instances > 0) {
    HILUM_RETURN_IF_ERROR(Store(txn, index_, *table, tenant_, Level::kStudy, study));
  } else {
    HILUM_RETURN_IF_ERROR(Remove(txn, index_, *table, tenant_, Level::kStudy, study.doc, *study.before, study_key));
    if (study.after.patient) HILUM_RETURN_IF_ERROR(LeavePatient(txn, *table, *study.after.patient, study.doc));
  }

  HILUM_RETURN_IF_ERROR(NoteChange(txn, tenant_, now, ChangeOperation::kDelete, name, row.before->version));
  if (changes != nullptr) {
    changes->Note(study.doc, TakeLeft(&study), series.doc, TakeLeft(&series), row.doc,
                  {std::move(row.before), std::nullopt});
  }
  return Status::Ok();
}

Status CatalogueWriter::Relocate(Txn& txn, Doc instance, const ObjectRef& from, const ObjectRef& to) const {
  const std::string key = RowKey(tenant_, Level::kInstance, instance);
  HILUM_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, txn.Get(Family::kCatalogue, key));
  if (!bytes) return Status::Ok();
  std::optional<InstanceRow> row = DecodeInstance(*bytes);
  if (!row) return Damaged("instance", instance);
  if (row->object != from) return Status::Ok();
  row->object = to;
  txn.Put(Family::kCatalogue, key, Encode(*row));
  HILUM_RETURN_IF_ERROR(LeaveObject(txn, from, clock_.Now().count()));
  return TakeObject(txn, to, {tenant_, instance});
}

}  // namespace hilum::storage
