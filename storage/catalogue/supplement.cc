// Rows of instances that are stored already get attributes that the table was extended by, and lose those that were
// taken out of it.
#include <algorithm>

#include "storage/catalogue/catalogue.h"

namespace hilum::storage {
namespace {

template <typename Row>
Result<std::optional<Row>> Read(Txn& txn, Tenant tenant, Level level, Doc doc, std::optional<Row> (*decode)(Bytes)) {
  HILUM_ASSIGN_OR_RETURN(const auto bytes, txn.Get(Family::kCatalogue, RowKey(tenant, level, doc)));
  if (!bytes) return std::optional<Row>();
  std::optional<Row> row = decode(*bytes);
  if (!row) return Corruption("the catalogue row of document " + std::to_string(doc) + " is damaged; run hilum verify");
  return row;
}

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
Status Fill(Txn& txn, const IndexWriter& index, const AttributeTable& table, Tenant tenant, Level level, Doc doc,
            const Row& row, const dicom::Header& header) {
  KeptAttributes attributes = row.attributes;
  if (!FillGaps(table, level, header, &attributes)) return Status::Ok();
  return Rewrite(txn, index, table, tenant, level, doc, row, std::move(attributes));
}

template <typename Row>
Status StripRow(Txn& txn, const IndexWriter& index, const AttributeTable& table, Tenant tenant, Level level, Doc doc,
                const std::vector<dicom::TagPath>& paths, std::optional<Row> (*decode)(Bytes)) {
  HILUM_ASSIGN_OR_RETURN(const std::optional<Row> row, Read<Row>(txn, tenant, level, doc, decode));
  if (!row) return Status::Ok();
  KeptAttributes attributes = row->attributes;
  const auto removed = std::erase_if(attributes, [&](const KeptAttribute& attribute) {
    return std::find(paths.begin(), paths.end(), attribute.path) != paths.end();
  });
  if (removed == 0) return Status::Ok();
  return Rewrite(txn, index, table, tenant, level, doc, *row, std::move(attributes));
}

}  // namespace

Status CatalogueWriter::Supplement(Txn& txn, Doc instance, uint64_t version, const dicom::Header& header) const {
  const auto table = tables_.Current();
  HILUM_ASSIGN_OR_RETURN(const auto row, Read(txn, tenant_, Level::kInstance, instance, DecodeInstance));
  // What replaced it brought its attributes along.
  if (!row || row->version != version) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(const auto series, Read(txn, tenant_, Level::kSeries, row->series, DecodeSeries));
  if (!series) return Corruption("instance " + row->uid + " has no series; run hilum verify");
  HILUM_ASSIGN_OR_RETURN(const auto study, Read(txn, tenant_, Level::kStudy, series->study, DecodeStudy));
  if (!study) return Corruption("series " + series->uid + " has no study; run hilum verify");
  HILUM_RETURN_IF_ERROR(Fill(txn, index_, *table, tenant_, Level::kInstance, instance, *row, header));
  HILUM_RETURN_IF_ERROR(Fill(txn, index_, *table, tenant_, Level::kSeries, row->series, *series, header));
  return Fill(txn, index_, *table, tenant_, Level::kStudy, series->study, *study, header);
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
