// What one transaction did to studies, series and instances, for whoever derives something from them in the same
// commit. Plain values.
#pragma once

#include <map>
#include <optional>

#include "storage/catalogue/rows.h"
#include "storage/kv/writer.h"

namespace hilum::storage {

// A row as the transaction found it and as it leaves it; absent: there is none.
template <typename Row>
struct RowPair {
  std::optional<Row> before, after;
};

struct SeriesChange {
  RowPair<SeriesRow> row;
  std::map<Doc, RowPair<InstanceRow>> instances;  // those that changed; never both absent
};

struct StudyChange {
  RowPair<StudyRow> row;
  std::map<Doc, SeriesChange> series;  // those that changed
};

// Documents are never reused: a study that is deleted and stored again within one transaction is here twice, the
// deletion first.
class CatalogueChanges {
 public:
  const std::map<Doc, StudyChange>& studies() const { return studies_; }

  // One more step of the transaction: what it did to one instance and what is above that.
  void Note(Doc study, RowPair<StudyRow> study_row, Doc series, RowPair<SeriesRow> series_row, Doc instance,
            RowPair<InstanceRow> instance_row);

 private:
  std::map<Doc, StudyChange> studies_;
};

// Called on the writer thread, at the end of every transaction that changed instances. What it writes is in the same
// commit; an error undoes the whole transaction.
class CatalogueObserver {
 public:
  virtual ~CatalogueObserver() = default;
  virtual Status OnChanges(Txn& txn, const CatalogueChanges& changes) = 0;
};

}  // namespace hilum::storage
