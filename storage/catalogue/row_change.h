// Reading and writing rows of the catalogue with their names and index values in a transaction. Internal to
// storage/catalogue.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "storage/catalogue/rows.h"
#include "storage/index/index.h"
#include "storage/kv/writer.h"

namespace hilum::storage {

inline Status Damaged(std::string_view what, Doc doc) {
  return Corruption("the " + std::string(what) + " row of document " + std::to_string(doc) +
                    " is damaged; run hilum verify");
}

// A row as the transaction found it and as it will be. `before` is absent when the document is new.
template <typename Row>
struct RowChange {
  Doc doc = 0;
  std::optional<Row> before;
  Row after;
};

// The time of the change is also the version of what the row holds: it grows with every change, even while the clock
// stands still or goes back.
template <typename Row>
void Touch(int64_t now, Row* row) {
  row->updated_micros = std::max(now, row->updated_micros + 1);
}

// Whether no attribute comes from the instance or a later one.
inline bool IsNewer(Doc instance, const Sources& sources) {
  return sources && (sources->empty() || instance > sources->back());
}

inline void Count(std::map<std::string, uint64_t>* counts, std::string_view name, int by) {
  if (name.empty()) return;
  uint64_t& count = (*counts)[std::string(name)];
  if (by > 0)
    ++count;
  else if (count > 0)
    --count;
  if (count == 0) counts->erase(std::string(name));
}

inline void CountModality(const std::optional<SeriesRow>& before, const SeriesRow& after, StudyRow* study) {
  Count(&study->modalities, before ? FirstValue(before->attributes, dicom::tags::kModality) : "", -1);
  Count(&study->modalities, FirstValue(after.attributes, dicom::tags::kModality), +1);
}

// Forgets what the instance has otherwise than its series.
void LeaveDifferences(SeriesRow* series, InstanceRow* row);
// The series has taken in the attributes of its images; `others`: instances of it besides this one. What none of them
// has from the series it gets from this one, so that it says what most of its images do when they are alike.
void TakeDifferences(const AttributeTable& table, const dicom::Header& header, uint64_t others, SeriesRow* series,
                     InstanceRow* row);

// Forgets whom the instance names.
void LeavePatients(StudyRow* study, InstanceRow* row);
// Once the study says what the instances that are left say: they all name the same again.
void ForgetPatients(StudyRow* study);
// Notes whom it names now. `before`: attributes of the study without it; `others`: instances of the study besides it.
void TakePatient(const AttributeTable& table, const dicom::Header& header, const KeptAttributes& before,
                 uint64_t others, StudyRow* study, InstanceRow* row);

// The row of a document; nullopt when there is none.
template <typename Row>
Result<std::optional<Row>> ReadRow(Txn& txn, Tenant tenant, Level level, Doc doc, std::optional<Row> (*decode)(Bytes)) {
  HILUM_ASSIGN_OR_RETURN(const auto bytes, txn.Get(Family::kCatalogue, RowKey(tenant, level, doc)));
  if (!bytes) return std::optional<Row>();
  std::optional<Row> row = decode(*bytes);
  if (!row) return Damaged("catalogue", doc);
  return row;
}

// The row of a name; nullopt when there is none.
template <typename Row>
Result<std::optional<RowChange<Row>>> Find(Txn& txn, Tenant tenant, Level level, const std::string& name_key,
                                           std::optional<Row> (*decode)(Bytes)) {
  HILUM_ASSIGN_OR_RETURN(const std::optional<std::string> found, txn.Get(Family::kCatalogue, name_key));
  if (!found) return std::optional<RowChange<Row>>();
  const std::optional<Doc> doc = DecodeDoc(*found);
  if (!doc) return Corruption("a name in the catalogue points nowhere; run hilum verify");
  HILUM_ASSIGN_OR_RETURN(std::optional<Row> row, ReadRow(txn, tenant, level, *doc, decode));
  if (!row) return Damaged("catalogue", *doc);
  RowChange<Row> change{*doc, std::nullopt, *row};
  change.before = std::move(row);
  return std::optional(std::move(change));
}

// The row of a name, whose document is made when there is none.
template <typename Row>
Result<RowChange<Row>> Load(Txn& txn, const IndexWriter& index, Tenant tenant, Level level, const std::string& name_key,
                            std::optional<Row> (*decode)(Bytes)) {
  HILUM_ASSIGN_OR_RETURN(std::optional<RowChange<Row>> found, Find(txn, tenant, level, name_key, decode));
  if (found) return *std::move(found);
  RowChange<Row> change;
  HILUM_ASSIGN_OR_RETURN(change.doc, index.NewDoc(txn, CollectionOf(level)));
  txn.Put(Family::kCatalogue, name_key, EncodeDoc(change.doc));
  return change;
}

// Writes the row, and what changes in the index.
template <typename Row>
Status Store(Txn& txn, const IndexWriter& index, const AttributeTable& table, Tenant tenant, Level level,
             const RowChange<Row>& change) {
  txn.Put(Family::kCatalogue, RowKey(tenant, level, change.doc), Encode(change.after));
  if (change.before && SameIndexValues(*change.before, change.after)) return Status::Ok();
  const DocumentValues after = IndexValues(table, change.after);
  if (!change.before) return index.Update(txn, CollectionOf(level), change.doc, nullptr, &after);
  const DocumentValues before = IndexValues(table, *change.before);
  return index.Update(txn, CollectionOf(level), change.doc, &before, &after);
}

// Takes row, name and index values away.
template <typename Row>
Status Remove(Txn& txn, const IndexWriter& index, const AttributeTable& table, Tenant tenant, Level level, Doc doc,
              const Row& row, const std::string& name_key) {
  const DocumentValues before = IndexValues(table, row);
  txn.Delete(Family::kCatalogue, name_key);
  txn.Delete(Family::kCatalogue, RowKey(tenant, level, doc));
  return index.Update(txn, CollectionOf(level), doc, &before, nullptr);
}

}  // namespace hilum::storage
