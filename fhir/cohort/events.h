// When things happened to patients, and how that relates. Internal to fhir/cohort. Plain data, pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "fhir/cohort/definition.h"
#include "storage/index/bitmap.h"

namespace hilum::fhir {

// A resource of a patient began within [first, last], in microseconds since 1970 UTC: an instant, or, when it is known
// without a time of day, anywhere on that day. Longer stretches (periods, years) begin on their first day.
struct Event {
  storage::Doc patient = 0;
  storage::Doc doc = 0;
  int64_t first = 0;
  int64_t last = 0;
};

// nullopt for a stretch without a beginning.
std::optional<Event> EventOf(storage::Doc patient, storage::Doc doc, const storage::DateValue& date);

// Those of `events` to which the relation holds from at least one of `anchors` of the same patient. Takes both in any
// order; the answer is ordered by patient and document.
std::vector<Event> Related(std::vector<Event> events, std::vector<Event> anchors, const CohortRelation& relation);

}  // namespace hilum::fhir
