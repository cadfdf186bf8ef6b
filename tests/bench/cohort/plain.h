// The rival: the same cohorts by reading and parsing every resource they are about, as it is stored.
#pragma once

#include <set>
#include <string>

#include "fhir/store/store.h"

namespace hilum::bench {

// Patients with a Condition of code 0, born before `born_before`, with a CT of a series thinner than `thickness` mm
// that, when `within_days` is not negative, began at most so many days after the onset.
std::set<std::string> PlainCohort(fhir::ResourceStore& store, int born_before, double thickness, int within_days);

}  // namespace hilum::bench
