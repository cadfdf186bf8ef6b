// The catalogue: which patients, studies, series and instances there are, where their bytes lie, and how they are
// found.
//
// Writing happens inside a Txn (writer thread). CatalogueReader is a view of one snapshot: cheap to make, one for each
// request, not thread-safe. Objects must be durable (ObjectStore::Sync) before the transaction that puts their ref
// runs.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "codecs/dicom/attributes.h"
#include "storage/catalogue/changes.h"
#include "storage/catalogue/rows.h"
#include "storage/index/index.h"
#include "storage/kv/kv.h"
#include "storage/kv/writer.h"

namespace hilum::storage {

// An instance by its place in the model.
struct InstanceName {
  std::string study_uid;
  std::string series_uid;
  std::string sop_uid;
};

// What tells states of a study, series or instance apart: the number grows with every change.
struct Version {
  Level level = Level::kInstance;
  Doc doc = 0;
  uint64_t number = 0;
};
inline Version VersionOf(Doc doc, const StudyRow& row) {
  return {Level::kStudy, doc, static_cast<uint64_t>(row.updated_micros)};
}
inline Version VersionOf(Doc doc, const SeriesRow& row) {
  return {Level::kSeries, doc, static_cast<uint64_t>(row.updated_micros)};
}
inline Version VersionOf(Doc doc, const InstanceRow& row) {
  return {Level::kInstance, doc, row.version};
}

struct NewInstance {
  // What `header` was read with: the selection of AttributeTables::Current().
  std::shared_ptr<const AttributeTable> table = AttributeTable::BuiltIn();
  dicom::Header header;     // REQUIRES: the three UIDs are storable (base/uid.h)
  ObjectRef object;         // durable
  std::string frame_table;  // dicom::AppendFrameTable, or empty
};

template <typename Row>
struct RowChange;

enum class PutOutcome : uint8_t { kCreated, kReplaced };

class CatalogueWriter {
 public:
  // All outlive the writer. Of `kv` what was committed before is read, of `objects` instances that are stored.
  CatalogueWriter(const Schema& schema, const AttributeTables& tables, Tenant tenant, const Clock& clock, const Kv& kv,
                  const ObjectStore& objects)
      : schema_(schema),
        index_(schema, tenant),
        tables_(tables),
        tenant_(tenant),
        clock_(clock),
        kv_(kv),
        objects_(objects) {}

  // Adds the instance, and its series, study and patient where they are new, with index values, segment accounting and
  // a change-log entry. Each attribute of a study, of a series, and of a patient is that of the first instance, in
  // order of arrival, that has a value: of one that is replaced the attributes are taken anew. `expected`: the object
  // the name must hold now (nullopt: none); otherwise, and when the header was read with a table that is not current
  // any more, kConflict, and nothing is changed. What changes is noted in `changes`, unless that is nullptr.
  Result<PutOutcome> Put(Txn& txn, const NewInstance& instance, const std::optional<ObjectRef>& expected,
                         CatalogueChanges* changes) const;

  // Removes one instance, and its series, study and patient when they are left empty; otherwise what they had from it
  // comes from those that are left. kNotFound when there is none.
  Status Delete(Txn& txn, const InstanceName& name, CatalogueChanges* changes) const;

  // Whether that is the version there is now.
  Result<bool> IsCurrent(Txn& txn, const Version& version) const;

  // Adds what the current table takes from `header`, which was read of version `version` of the instance, to its row
  // and those of its series and study, where no earlier instance has a value. Nothing when the instance is gone or has
  // another version.
  Status Supplement(Txn& txn, Doc instance, uint64_t version, const dicom::Header& header,
                    CatalogueChanges* changes) const;
  // Takes attributes out of a row. REQUIRES: the current table still has them, as not kept. Not for patients.
  Status Strip(Txn& txn, Level level, Doc doc, const std::vector<dicom::TagPath>& paths) const;

  // Points a moved object's row to its new place; not found is fine (deleted meanwhile).
  Status Relocate(Txn& txn, Doc instance, const ObjectRef& from, const ObjectRef& to) const;

 private:
  // An instance that has another header now; nullptr: it has gone.
  struct Replacement {
    Doc instance = 0;
    const dicom::Header* header = nullptr;
  };
  // Adds what the row has no value of, and the instance to its sources if there was any. REQUIRES: it is the newest.
  template <typename Row>
  static bool FillFrom(const AttributeTable& table, Level level, const dicom::Header& header, Doc instance, Row* row);
  // Takes the attributes of a study or series from its instances anew. True when they are others. An instance that
  // cannot be read says nothing.
  template <typename Row>
  Result<bool> DescribeAgain(Txn& txn, const AttributeTable& table, Level level, Doc doc, const Replacement& replaced,
                             Row* row) const;
  // What was read of an instance that is stored already adds to the row. True when its attributes are others.
  template <typename Row>
  Result<bool> Complete(Txn& txn, const AttributeTable& table, Level level, Doc doc, const Replacement& read,
                        Row* row) const;
  // Instances of a study or series in order of arrival, in two parts: those committed before, and all of them.
  Result<std::vector<Doc>> Committed(Level level, Doc doc) const;
  Result<std::vector<Doc>> Arrived(Txn& txn, Level level, Doc doc) const;

  // The study's attributes are others than in `before`: joins and leaves patients accordingly.
  Status SettlePatient(Txn& txn, const AttributeTable& table, Doc doc, const std::optional<StudyRow>& before,
                       StudyRow* study) const;
  // One study less; the last one takes the patient with it.
  Status LeavePatient(Txn& txn, const AttributeTable& table, Doc patient, Doc study) const;
  // Takes the attributes from the patient's studies anew: `changed` has the row `study` now; nullptr: it has left.
  Status DescribePatient(Txn& txn, const AttributeTable& table, RowChange<PatientRow>* patient, Doc changed,
                         const StudyRow* study) const;

  const Schema& schema_;
  IndexWriter index_;
  const AttributeTables& tables_;
  Tenant tenant_;
  const Clock& clock_;
  const Kv& kv_;
  const ObjectStore& objects_;
};

struct AttributeFilter {
  dicom::TagPath path;
  std::string value;  // in DICOM's query form: wildcards, ranges, lists by backslash (or comma, for UI and CS)
};

struct CatalogueQuery {
  Level level = Level::kStudy;
  std::optional<std::string> study_uid;   // within this study
  std::optional<std::string> series_uid;  // within this series
  std::vector<AttributeFilter> filters;
  bool fuzzy_names = false;  // names match when each word asked for begins, or sounds like, one of theirs
  uint64_t offset = 0;
  size_t limit = 100;
  std::optional<Doc> up_to;  // leaves out patients, or studies, that came later than this one
};

struct CatalogueMatch {
  std::optional<PatientRow> patient;    // at patient level only
  StudyRow study;                       // at study level and below
  std::optional<SeriesRow> series;      // at series level and below
  std::optional<InstanceRow> instance;  // at instance level
};

struct CatalogueMatches {
  std::vector<Doc> docs;      // patients and studies newest first, series and instances in order of arrival
  uint64_t total = 0;         // all matches, whatever the limit
  std::optional<Doc> newest;  // of all matches; for CatalogueQuery::up_to
};

class ItemKeys;

class CatalogueReader {
 public:
  // Reads the state as of now; `kv` and `schema` outlive the reader.
  CatalogueReader(const Kv& kv, const Schema& schema, std::shared_ptr<const AttributeTable> table, Tenant tenant);
  ~CatalogueReader();

  Result<std::optional<Doc>> FindStudy(std::string_view study_uid) const;
  Result<std::optional<Doc>> FindSeries(Doc study, std::string_view series_uid) const;
  Result<std::optional<Doc>> FindInstance(const InstanceName& name) const;
  // kNotFound when there is no such document.
  Result<PatientRow> Patient(Doc doc) const;
  Result<StudyRow> Study(Doc doc) const;
  Result<SeriesRow> Series(Doc doc) const;
  Result<InstanceRow> Instance(Doc doc) const;
  Result<std::string> FrameTable(Doc doc, const InstanceRow& row) const;

  Result<std::vector<Doc>> SeriesOfStudy(Doc study) const;
  Result<std::vector<Doc>> InstancesOfSeries(Doc series) const;

  // The matching of QIDO-RS, only of what belongs to studies that match `studies`; patients with such a study.
  // kInvalid names the attribute whose value cannot be understood. REQUIRES: every filter path is searchable at the
  // level (AttributeTable::FindSearchable).
  Result<CatalogueMatches> Find(const CatalogueQuery& query, std::optional<Query> studies = std::nullopt);
  // The rows of one of its documents, one after the other into the same `match`: parents that neighbours share are read
  // once. After a failure `match` means nothing.
  Status ReadMatch(Level level, Doc doc, CatalogueMatch* match) const;

  IndexReader& index() { return index_; }
  const Snapshot& snapshot() const { return *snapshot_; }
  const AttributeTable& table() const { return *table_; }

 private:
  Result<std::optional<Doc>> FindDoc(const std::string& key) const;
  template <typename Row>
  Result<Row> ReadRow(Level level, std::string_view what, Doc doc, std::optional<Row> (*decode)(Bytes)) const;
  Result<std::vector<Doc>> Children(std::string first_key) const;
  // Of the candidates those that meet keys of one sequence in one item.
  Result<std::vector<Doc>> MetByOneItem(Level level, const Query& candidates, const ItemKeys& keys);
  Result<KeptAttributes> AttributesOf(Level level, Doc doc) const;

  const Kv& kv_;
  std::shared_ptr<const AttributeTable> table_;
  Tenant tenant_;
  std::unique_ptr<Snapshot> snapshot_;
  IndexReader index_;
};

}  // namespace hilum::storage
