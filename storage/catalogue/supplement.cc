// Rows of instances that are stored already get attributes that the table was extended by, and lose those that were
// taken out of it.
#include <algorithm>

#include "storage/catalogue/catalogue.h"
#include "storage/catalogue/row_change.h"
#include "storage/log/change_log.h"

namespace hilum::storage {
namespace {

// Writes the row with other attributes, and the difference to the index.
template <typename Row>
Status Rewrite(Txn& txn, const IndexWriter& index, const AttributeTable& table, Tenant tenant, Level level, Doc doc,
               Row row, KeptAttributes attributes) {
  const DocumentValues before = IndexValues(table, row);
  row.attributes = std::move(attributes);
  const DocumentValues after = IndexValues(table, row);
  txn.Put(Family::kCatalogue, RowKey(tenant, level, doc), Encode(row));
  return index.Update(txn, CollectionOf(level), doc, &before, &after);
}

template <typename Row>
Status StripRow(Txn& txn, const IndexWriter& index, const AttributeTable& table, Tenant tenant, Level level, Doc doc,
                const std::vector<dicom::TagPath>& paths, std::optional<Row> (*decode)(Bytes)) {
  HILUM_ASSIGN_OR_RETURN(const std::optional<Row> row, ReadRow<Row>(txn, tenant, level, doc, decode));
  if (!row) return Status::Ok();
  KeptAttributes attributes = row->attributes;
  const auto removed = std::erase_if(attributes, [&](const KeptAttribute& attribute) {
    return std::find(paths.begin(), paths.end(), attribute.path) != paths.end();
  });
  if (removed == 0) return Status::Ok();
  return Rewrite(txn, index, table, tenant, level, doc, *row, std::move(attributes));
}

}  // namespace

template <typename Row>
Result<bool> CatalogueWriter::Complete(Txn& txn, const AttributeTable& table, Level level, Doc doc,
                                       const Replacement& read, Row* row) const {
  if (IsNewer(read.instance, row->sources)) return FillFrom(table, level, *read.header, read.instance, row);
  // Later instances may have given what this one has, too.
  const bool filled = FillGaps(table, level, *read.header, &row->attributes);
  if (!filled && row->sources) return false;
  HILUM_ASSIGN_OR_RETURN(const bool changed, DescribeAgain(txn, table, level, doc, read, row));
  return filled || changed;
}

Status CatalogueWriter::Supplement(Txn& txn, Doc instance, uint64_t version, const dicom::Header& header,
                                   CatalogueChanges* changes) const {
  const auto table = tables_.Current();
  HILUM_ASSIGN_OR_RETURN(auto old, ReadRow(txn, tenant_, Level::kInstance, instance, DecodeInstance));
  // What replaced it brought its attributes along.
  if (!old || old->version != version) return Status::Ok();
  RowChange<InstanceRow> row{instance, old, *old};
  HILUM_ASSIGN_OR_RETURN(auto old_series, ReadRow(txn, tenant_, Level::kSeries, old->series, DecodeSeries));
  if (!old_series) return Corruption("instance " + old->uid + " has no series; run hilum verify");
  RowChange<SeriesRow> series{old->series, old_series, *old_series};
  HILUM_ASSIGN_OR_RETURN(auto old_study, ReadRow(txn, tenant_, Level::kStudy, old_series->study, DecodeStudy));
  if (!old_study) return Corruption("series " + old_series->uid + " has no study; run hilum verify");
  RowChange<StudyRow> study{old_series->study, old_study, *old_study};

  const Replacement read{instance, &header};
  HILUM_ASSIGN_OR_RETURN(const bool series_changed,
                         Complete(txn, *table, Level::kSeries, series.doc, read, &series.after));
  HILUM_ASSIGN_OR_RETURN(const bool study_changed, Complete(txn, *table, Level::kStudy, study.doc, read, &study.after));
  LeavePatients(&study.after, &row.after);
  TakePatient(*table, header, old_study->attributes, study.after.instances - 1, &study.after, &row.after);
  const bool patients_changed = study.after.patients != study.before->patients;
  LeaveDifferences(&series.after, &row.after);
  TakeDifferences(*table, header, series.after.instances - 1, &series.after, &row.after);
  const bool filled = FillGaps(*table, Level::kInstance, header, &row.after.attributes);
  const bool row_changed = filled || row.after.own != row.before->own || row.after.named != row.before->named;
  if (series_changed) CountModality(series.before, series.after, &study.after);
  if (study_changed) HILUM_RETURN_IF_ERROR(SettlePatient(txn, *table, study.doc, study.before, &study.after));
  if (series_changed || study_changed || patients_changed) {
    HILUM_ASSIGN_OR_RETURN(const int64_t now, InstanceChangeTime(txn, tenant_, clock_.Now().count()));
    Touch(now, &study.after);
    if (series_changed) Touch(now, &series.after);
  }
  if (row_changed) HILUM_RETURN_IF_ERROR(Store(txn, index_, *table, tenant_, Level::kInstance, row));
  if (series.after != series.before) HILUM_RETURN_IF_ERROR(Store(txn, index_, *table, tenant_, Level::kSeries, series));
  if (study.after != study.before) HILUM_RETURN_IF_ERROR(Store(txn, index_, *table, tenant_, Level::kStudy, study));
  if (changes == nullptr || (!series_changed && !study_changed && !patients_changed)) return Status::Ok();
  changes->Note(study.doc, {std::move(study.before), std::move(study.after)}, series.doc,
                {std::move(series.before), std::move(series.after)}, row.doc,
                {std::move(row.before), std::move(row.after)});
  return Status::Ok();
}

Status CatalogueWriter::Strip(Txn& txn, Level level, Doc doc, const std::vector<dicom::TagPath>& paths) const {
  const auto table = tables_.Current();
  switch (level) {
    case Level::kInstance:
      return StripRow(txn, index_, *table, tenant_, level, doc, paths, DecodeInstance);
    case Level::kSeries:
      return StripRow(txn, index_, *table, tenant_, level, doc, paths, DecodeSeries);
    case Level::kStudy:
      return StripRow(txn, index_, *table, tenant_, level, doc, paths, DecodeStudy);
    case Level::kPatient:
      break;
  }
  return Internal("attributes are not taken from patients");
}

}  // namespace hilum::storage
