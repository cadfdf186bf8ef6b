// Where the resolver looks records up: a running transaction, a view, or a view and what a commit will write. Valid as
// long as what it was made of.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fhir/store/planned_writes.h"

namespace hilum::fhir::imaging {

struct Records {
  // Ids of those that have the identifier, with just this system (empty: without one).
  std::function<Result<std::vector<std::string>>(TypeId, const storage::TokenValue&)> with_identifier;
  // Ids of DiagnosticReports that name the order that is watched (rows.h) as what they are based on. Of what a commit
  // will write those that are stored already.
  std::function<Result<std::vector<std::string>>(const std::string& watch)> based_on;
  // The newest version; nullopt when there is none or it is a deletion.
  std::function<Result<std::optional<Version>>(TypeId, const std::string& id)> current;
};

Records RecordsOf(ResourceTxn& resources);
Records RecordsOf(ResourceReader& reader);
// `planned` may be nullptr: nothing.
Records RecordsAfter(ResourceReader& reader, const PlannedWrites* planned);

}  // namespace hilum::fhir::imaging
