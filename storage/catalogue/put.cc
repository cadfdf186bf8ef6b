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

  HILUM_ASSIGN_OR_RETURN(auto study, (Load<StudyRow>(txn, index_, tenant_, Level::kStudy,
                                                     StudyKey(tenant_, header.study_uid), DecodeStudy)));
  HILUM_ASSIGN_OR_RETURN(auto series,
                         (Load<SeriesRow>(txn, index_, tenant_, Level::kSeries,
                                          SeriesKey(tenant_, study.doc, header.series_uid), DecodeSeries)));
  HILUM_ASSIGN_OR_RETURN(auto row,
                         (Load<InstanceRow>(txn, index_, tenant_, Level::kInstance,
                                            InstanceKey(tenant_, series.doc, header.sop_uid), DecodeInstance)));
  const std::optional<ObjectRef> held = row.before ? std::optional(row.before->object) : std::nullopt;
  if (held != expected) return Conflict("the instance was stored by another request meanwhile");

  if (!study.before) {
    study.after.uid = header.study_uid;
    study.after.created_micros = now;
    study.after.sources.emplace();
  }
  if (!series.before) {
    series.after.uid = header.series_uid;
    series.after.study = study.doc;
    series.after.created_micros = now;
    series.after.sources.emplace();
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

  if (row.before) LeavePatients(&study.after, &row.after);
  TakePatient(*table, header, study.before ? study.before->attributes : KeptAttributes(),
              study.after.instances - (row.before ? 1 : 0), &study.after, &row.after);
  ForgetPatients(&study.after);
  LeaveDifferences(&series.after, &row.after);
  TakeDifferences(*table, header, series.after.instances - (row.before ? 1 : 0), &series.after, &row.after);
  if (row.before) {
    Count(&study.after.sop_classes, row.before->sop_class(), -1);
    study.after.bytes -= std::min(study.after.bytes, row.before->object.length);
    HILUM_RETURN_IF_ERROR(LeaveObject(txn, row.before->object, clock_.Now().count()));
    HILUM_RETURN_IF_ERROR(ForgetTagErrors(txn, tenant_, *table, row.doc));
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

  Change change;
  change.time_micros = now;
  change.kind = ChangeKind::kInstance;
  change.operation = row.before ? ChangeOperation::kUpdate : ChangeOperation::kCreate;
  change.path = {header.study_uid, header.series_uid, header.sop_uid};
  change.version = row.after.version;
  HILUM_ASSIGN_OR_RETURN([[maybe_unused]] const uint64_t sequence, AppendChange(txn, tenant_, change));
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
  const std::string study_key = StudyKey(tenant_, name.study_uid);
  const auto missing = [&] { return NotFound("there is no instance " + name.sop_uid + " in that series"); };
  const auto exists = [&](const std::string& key) -> Result<bool> {
    HILUM_ASSIGN_OR_RETURN(const std::optional<std::string> found, txn.Get(Family::kCatalogue, key));
    return found.has_value();
  };
  HILUM_ASSIGN_OR_RETURN(const bool has_study, exists(study_key));
  if (!has_study) return missing();
  HILUM_ASSIGN_OR_RETURN(auto study, (Load<StudyRow>(txn, index_, tenant_, Level::kStudy, study_key, DecodeStudy)));
  const std::string series_key = SeriesKey(tenant_, study.doc, name.series_uid);
  HILUM_ASSIGN_OR_RETURN(const bool has_series, exists(series_key));
  if (!has_series) return missing();
  HILUM_ASSIGN_OR_RETURN(auto series,
                         (Load<SeriesRow>(txn, index_, tenant_, Level::kSeries, series_key, DecodeSeries)));
  const std::string instance_key = InstanceKey(tenant_, series.doc, name.sop_uid);
  HILUM_ASSIGN_OR_RETURN(const bool has_instance, exists(instance_key));
  if (!has_instance) return missing();
  HILUM_ASSIGN_OR_RETURN(auto row,
                         (Load<InstanceRow>(txn, index_, tenant_, Level::kInstance, instance_key, DecodeInstance)));

  HILUM_ASSIGN_OR_RETURN(const int64_t now, InstanceChangeTime(txn, tenant_, clock_.Now().count()));
  PutFrameTable(txn, tenant_, row.doc, "", &row.after);
  HILUM_RETURN_IF_ERROR(Remove(txn, index_, *table, tenant_, Level::kInstance, row.doc, *row.before, instance_key));
  HILUM_RETURN_IF_ERROR(LeaveObject(txn, row.before->object, clock_.Now().count()));
  HILUM_RETURN_IF_ERROR(ForgetTagErrors(txn, tenant_, *table, row.doc));
  Count(&study.after.sop_classes, row.before->sop_class(), -1);
  study.after.bytes -= std::min(study.after.bytes, row.before->object.length);
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

  Change change;
  change.time_micros = now;
  change.kind = ChangeKind::kInstance;
  change.operation = ChangeOperation::kDelete;
  change.path = {name.study_uid, name.series_uid, name.sop_uid};
  change.version = row.before->version;
  HILUM_RETURN_IF_ERROR(AppendChange(txn, tenant_, change).status());
  if (changes == nullptr) return Status::Ok();
  RowPair<StudyRow> study_row{std::move(study.before), std::nullopt};
  if (study.after.instances > 0) study_row.after = std::move(study.after);
  RowPair<SeriesRow> series_row{std::move(series.before), std::nullopt};
  if (series.after.instances > 0) series_row.after = std::move(series.after);
  changes->Note(study.doc, std::move(study_row), series.doc, std::move(series_row), row.doc,
                {std::move(row.before), std::nullopt});
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
