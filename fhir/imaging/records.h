// Where the resolver looks records up: a running transaction, a view, or a view and what a commit will write. Valid as
// long as what it was made of.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fhir/store/planned_writes.h"

namespace hilum::fhir::imaging {

// What users write must not decide how long the writer looks at it, nor how large the rows become. So many records of
// one type are linked by one number of a study, so many by all of them, and so many Patients are told apart who have
// one identifier; where there are more, nobody can tell which is meant.
inline constexpr size_t kMaxOfOneNumber = 64;
inline constexpr size_t kMaxRecords = 256;
inline constexpr size_t kMaxPatients = 256;

struct Records {
  // Ids of those that have the identifier, with just this system (empty: without one); the first `limit`.
  std::function<Result<std::vector<std::string>>(TypeId, const storage::TokenValue&, size_t limit)> with_identifier;
  // Ids of DiagnosticReports that name the order that is watched (rows.h) as what they are based on; the first `limit`.
  // Of what a commit will write those that are stored already.
  std::function<Result<std::vector<std::string>>(const std::string& watch, size_t limit)> based_on;
  // The newest version; nullopt when there is none or it is a deletion.
  std::function<Result<std::optional<Version>>(TypeId, const std::string& id)> current;
};

Records RecordsOf(ResourceTxn& resources);
Records RecordsOf(ResourceReader& reader);
// `planned` may be nullptr: nothing.
Records RecordsAfter(ResourceReader& reader, const PlannedWrites* planned);

}  // namespace hilum::fhir::imaging
