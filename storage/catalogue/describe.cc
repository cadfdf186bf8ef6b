// What studies, series and patients say once an instance that they had it from is replaced or deleted.
#include <algorithm>

#include "storage/catalogue/catalogue.h"
#include "storage/catalogue/row_change.h"
#include "storage/catalogue/stored_header.h"

namespace hilum::storage {
namespace {

// Rows that are looked at for values that the first of them does not have: bounds what one deletion costs.
constexpr size_t kMaxLooks = 100;

// The key of a patient.
std::pair<std::string_view, std::string_view> PatientNameIn(const KeptAttributes& attributes) {
  return {FirstValue(attributes, dicom::tags::kPatientId), FirstValue(attributes, dicom::tags::kIssuerOfPatientId)};
}

Result<std::vector<Doc>> DocsOfNames(Txn& txn, const std::string& first_key) {
  HILUM_ASSIGN_OR_RETURN(const auto names, txn.Scan(Family::kCatalogue, first_key, PrefixEnd(first_key)));
  std::vector<Doc> docs;
  for (const auto& [name, value] : names)
    if (const auto doc = DecodeDoc(value)) docs.push_back(*doc);
  return docs;
}

}  // namespace

void LeaveDifferences(SeriesRow* series, InstanceRow* row) {
  for (const KeptAttribute& attribute : row->own) {
    const auto count = series->differing.find(attribute.path.front());
    if (count != series->differing.end() && --count->second == 0) series->differing.erase(count);
  }
  row->own.clear();
}

void TakeDifferences(const AttributeTable& table, const dicom::Header& header, uint64_t others, SeriesRow* series,
                     InstanceRow* row) {
  const auto is_free = [&](const KeptAttribute& attribute) {
    const auto count = series->differing.find(attribute.path.front());
    return others == 0 || (count != series->differing.end() && count->second >= others);
  };
  if (others == 0 || !series->differing.empty()) {
    for (const KeptAttribute& attribute : ImageAttributes(table, series->attributes))
      if (is_free(attribute)) std::erase(series->attributes, attribute);
    for (KeptAttribute& attribute : ImageAttributes(table, header))
      if (is_free(attribute)) series->attributes.push_back(std::move(attribute));
  }
  row->own = DifferencesFrom(series->attributes, table, header);
  for (const KeptAttribute& attribute : row->own) ++series->differing[attribute.path.front()];
}

template <typename Row>
bool CatalogueWriter::FillFrom(const AttributeTable& table, Level level, const dicom::Header& header, Doc instance,
                               Row* row) {
  const bool changed = FillGaps(table, level, header, &row->attributes);
  if (changed && row->sources) row->sources->push_back(instance);
  return changed;
}

template <typename Row>
Result<bool> CatalogueWriter::DescribeAgain(Txn& txn, const AttributeTable& table, Level level, Doc doc,
                                            const Replacement& replaced, Row* row) const {
  Row fresh;
  fresh.sources.emplace();
  if (level == Level::kSeries) fresh.attributes = ImageAttributes(table, row->attributes);  // these are not its own
  size_t looks = 0;
  const auto done = [&] { return looks >= kMaxLooks || (looks > 0 && Covers(fresh.attributes, row->attributes)); };
  const auto look = [&](Doc instance) -> Status {
    if (instance == replaced.instance) {
      if (!replaced.header) return Status::Ok();
      FillFrom(table, level, *replaced.header, instance, &fresh);
    } else {
      HILUM_ASSIGN_OR_RETURN(const auto stored, ReadRow(txn, tenant_, Level::kInstance, instance, DecodeInstance));
      if (!stored) return Status::Ok();
      const auto header = ReadStoredHeader(objects_, stored->object, table);
      if (!header.ok()) return Status::Ok();
      FillFrom(table, level, *header, instance, &fresh);
    }
    ++looks;
    return Status::Ok();
  };
  HILUM_ASSIGN_OR_RETURN(const std::vector<Doc> committed, Committed(level, doc));
  for (auto at = committed.begin(); at != committed.end() && !done(); ++at) HILUM_RETURN_IF_ERROR(look(*at));
  if (!done()) {  // what is on its way into the store came later
    HILUM_ASSIGN_OR_RETURN(const std::vector<Doc> all, Arrived(txn, level, doc));
    const Doc next = committed.empty() ? 0 : committed.back() + 1;
    for (auto at = std::ranges::lower_bound(all, next); at != all.end() && !done(); ++at)
      HILUM_RETURN_IF_ERROR(look(*at));
  }
  if (looks == 0) {  // nothing can be read: hilum verify tells
    row->sources.reset();
    return false;
  }
  const bool changed = row->attributes != fresh.attributes;
  row->attributes = std::move(fresh.attributes);
  row->sources = std::move(fresh.sources);
  return changed;
}

Result<std::vector<Doc>> CatalogueWriter::Committed(Level level, Doc doc) const {
  const auto snapshot = kv_.NewSnapshot();
  IndexReader index(kv_, schema_, tenant_, snapshot.get());
  Bitmap docs(std::vector<Doc>{doc});
  if (level == Level::kStudy) {
    HILUM_ASSIGN_OR_RETURN(
        docs, index.Referrers(CollectionOf(Level::kSeries), kStudyOfSeries, CollectionOf(Level::kStudy), docs));
  }
  HILUM_ASSIGN_OR_RETURN(
      docs, index.Referrers(CollectionOf(Level::kInstance), kSeriesOfInstance, CollectionOf(Level::kSeries), docs));
  return docs.ToVector();
}

Result<std::vector<Doc>> CatalogueWriter::Arrived(Txn& txn, Level level, Doc doc) const {
  std::vector<Doc> series = {doc};
  if (level == Level::kStudy) {
    HILUM_ASSIGN_OR_RETURN(series, DocsOfNames(txn, SeriesKey(tenant_, doc, "")));
  }
  std::vector<Doc> all;
  for (const Doc one : series) {
    HILUM_ASSIGN_OR_RETURN(const std::vector<Doc> instances, DocsOfNames(txn, InstanceKey(tenant_, one, "")));
    all.insert(all.end(), instances.begin(), instances.end());
  }
  std::ranges::sort(all);
  return all;
}

Status CatalogueWriter::SettlePatient(Txn& txn, const AttributeTable& table, Doc doc,
                                      const std::optional<StudyRow>& before, StudyRow* study) const {
  const auto name = PatientNameIn(study->attributes);
  if (study->patient && before && PatientNameIn(before->attributes) != name) {
    HILUM_RETURN_IF_ERROR(LeavePatient(txn, table, *study->patient, doc));
    study->patient.reset();
  }
  if (study->patient) {
    HILUM_ASSIGN_OR_RETURN(auto row, ReadRow(txn, tenant_, Level::kPatient, *study->patient, DecodePatient));
    if (!row) return Damaged("patient", *study->patient);
    RowChange<PatientRow> patient{*study->patient, row, *row};
    HILUM_RETURN_IF_ERROR(DescribePatient(txn, table, &patient, doc, study));
    return Store(txn, index_, table, tenant_, Level::kPatient, patient);
  }
  if (name.first.empty()) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(auto patient, (Load<PatientRow>(txn, index_, tenant_, Level::kPatient,
                                                         PatientKey(tenant_, name.first, name.second), DecodePatient)));
  patient.after.patient_id = name.first;
  patient.after.issuer = name.second;
  FillGaps(table, Level::kPatient, study->attributes, &patient.after.attributes);
  ++patient.after.studies;
  study->patient = patient.doc;
  return Store(txn, index_, table, tenant_, Level::kPatient, patient);
}

Status CatalogueWriter::LeavePatient(Txn& txn, const AttributeTable& table, Doc doc, Doc study) const {
  HILUM_ASSIGN_OR_RETURN(const auto row, ReadRow(txn, tenant_, Level::kPatient, doc, DecodePatient));
  if (!row) return Damaged("patient", doc);
  RowChange<PatientRow> patient{doc, row, *row};
  if (--patient.after.studies == 0) {
    return Remove(txn, index_, table, tenant_, Level::kPatient, doc, *row,
                  PatientKey(tenant_, row->patient_id, row->issuer));
  }
  HILUM_RETURN_IF_ERROR(DescribePatient(txn, table, &patient, study, nullptr));
  return Store(txn, index_, table, tenant_, Level::kPatient, patient);
}

Status CatalogueWriter::DescribePatient(Txn& txn, const AttributeTable& table, RowChange<PatientRow>* patient,
                                        Doc changed, const StudyRow* study) const {
  const auto snapshot = kv_.NewSnapshot();
  IndexReader index(kv_, schema_, tenant_, snapshot.get());
  const Bitmap target(std::vector<Doc>{patient->doc});
  HILUM_ASSIGN_OR_RETURN(Bitmap studies, index.Referrers(CollectionOf(Level::kStudy), kPatientOfStudy,
                                                         CollectionOf(Level::kPatient), target));
  studies.Remove(changed);
  if (study) studies.Add(changed);
  KeptAttributes fresh;
  size_t looks = 0;
  for (const Doc doc : studies.ToVector()) {
    if (looks >= kMaxLooks || (looks > 0 && Covers(fresh, patient->after.attributes))) break;
    std::optional<StudyRow> stored;
    if (doc != changed) {
      HILUM_ASSIGN_OR_RETURN(stored, ReadRow(txn, tenant_, Level::kStudy, doc, DecodeStudy));
      if (!stored || stored->patient != patient->doc) continue;
    }
    FillGaps(table, Level::kPatient, stored ? stored->attributes : study->attributes, &fresh);
    ++looks;
  }
  // Studies of this transaction, and of those that are committed with it, are not in the index yet: what they said
  // stays.
  if (studies.Count() < patient->after.studies) {
    FillGaps(table, Level::kPatient, patient->after.attributes, &fresh);
  }
  if (looks > 0) patient->after.attributes = std::move(fresh);
  return Status::Ok();
}

template bool CatalogueWriter::FillFrom(const AttributeTable&, Level, const dicom::Header&, Doc, StudyRow*);
template bool CatalogueWriter::FillFrom(const AttributeTable&, Level, const dicom::Header&, Doc, SeriesRow*);
template Result<bool> CatalogueWriter::DescribeAgain(Txn&, const AttributeTable&, Level, Doc, const Replacement&,
                                                     StudyRow*) const;
template Result<bool> CatalogueWriter::DescribeAgain(Txn&, const AttributeTable&, Level, Doc, const Replacement&,
                                                     SeriesRow*) const;

}  // namespace hilum::storage
