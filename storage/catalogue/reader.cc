#include <algorithm>

#include "storage/catalogue/catalogue.h"

namespace hilum::storage {

CatalogueReader::CatalogueReader(const Kv& kv, const Schema& schema, std::shared_ptr<const AttributeTable> table,
                                 Tenant tenant)
    : kv_(kv),
      table_(std::move(table)),
      tenant_(tenant),
      snapshot_(kv.NewSnapshot()),
      index_(kv, schema, tenant, snapshot_.get()) {}

CatalogueReader::~CatalogueReader() = default;

Result<std::optional<Doc>> CatalogueReader::FindDoc(const std::string& key) const {
  HILUM_ASSIGN_OR_RETURN(const auto bytes, kv_.Get(Family::kCatalogue, key, snapshot_.get()));
  if (!bytes) return std::optional<Doc>();
  const std::optional<Doc> doc = DecodeDoc(*bytes);
  if (!doc) return Corruption("a name in the catalogue is damaged; run hilum verify");
  return doc;
}

Result<std::optional<Doc>> CatalogueReader::FindStudy(std::string_view study_uid) const {
  return FindDoc(StudyKey(tenant_, study_uid));
}

Result<std::optional<Doc>> CatalogueReader::FindSeries(Doc study, std::string_view series_uid) const {
  return FindDoc(SeriesKey(tenant_, study, series_uid));
}

Result<std::optional<Doc>> CatalogueReader::FindInstance(const InstanceName& name) const {
  HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> study, FindStudy(name.study_uid));
  if (!study) return std::optional<Doc>();
  HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> series, FindSeries(*study, name.series_uid));
  if (!series) return std::optional<Doc>();
  return FindDoc(InstanceKey(tenant_, *series, name.sop_uid));
}

template <typename Row>
Result<Row> CatalogueReader::ReadRow(Level level, std::string_view what, Doc doc,
                                     std::optional<Row> (*decode)(Bytes)) const {
  HILUM_ASSIGN_OR_RETURN(const auto bytes, kv_.Get(Family::kCatalogue, RowKey(tenant_, level, doc), snapshot_.get()));
  if (!bytes) return NotFound("there is no " + std::string(what) + " " + std::to_string(doc));
  std::optional<Row> row = decode(*bytes);
  if (row) return *std::move(row);
  return Corruption("the row of " + std::string(what) + " " + std::to_string(doc) + " is damaged; run hilum verify");
}

Result<PatientRow> CatalogueReader::Patient(Doc doc) const {
  return ReadRow(Level::kPatient, "patient", doc, DecodePatient);
}

Result<StudyRow> CatalogueReader::Study(Doc doc) const {
  return ReadRow(Level::kStudy, "study", doc, DecodeStudy);
}

Result<SeriesRow> CatalogueReader::Series(Doc doc) const {
  return ReadRow(Level::kSeries, "series", doc, DecodeSeries);
}

Result<InstanceRow> CatalogueReader::Instance(Doc doc) const {
  return ReadRow(Level::kInstance, "instance", doc, DecodeInstance);
}

Result<std::string> CatalogueReader::FrameTable(Doc doc, const InstanceRow& row) const {
  if (row.frame_chunks == 0) return row.frame_table;
  std::string table;
  for (uint64_t chunk = 0; chunk < row.frame_chunks; ++chunk) {
    HILUM_ASSIGN_OR_RETURN(
        const auto bytes,
        kv_.Get(Family::kCatalogue, FrameChunkKey(tenant_, doc, static_cast<uint32_t>(chunk)), snapshot_.get()));
    if (!bytes)
      return Corruption("a part of the frame table of instance " + std::to_string(doc) +
                        " is missing; run hilum verify");
    table.append(*bytes);
  }
  return table;
}

Result<std::vector<Doc>> CatalogueReader::Children(std::string first_key) const {
  std::vector<Doc> docs;
  std::string end = PrefixEnd(first_key);
  const auto it = kv_.NewIterator(Family::kCatalogue, std::move(first_key), std::move(end), snapshot_.get());
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const std::optional<Doc> doc = DecodeDoc(it->value());
    if (!doc) return Corruption("a name in the catalogue points nowhere; run hilum verify");
    docs.push_back(*doc);
  }
  HILUM_RETURN_IF_ERROR(it->status());
  std::sort(docs.begin(), docs.end());  // order of arrival
  return docs;
}

Result<std::vector<Doc>> CatalogueReader::SeriesOfStudy(Doc study) const {
  return Children(SeriesKey(tenant_, study, ""));
}

Result<std::vector<Doc>> CatalogueReader::InstancesOfSeries(Doc series) const {
  return Children(InstanceKey(tenant_, series, ""));
}

}  // namespace hilum::storage
