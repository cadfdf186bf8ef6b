// Forty searches as clients write them, of every type, modifier and prefix, each in every order of its list.
#pragma once

#include <cstdint>

#include "tests/bench/fhir/server.h"

namespace hilum::bench {

// First pages of 50, with accurate totals. Reports the search that is slowest at the 99th percentile; all go to
// standard error. REQUIRES: LoadPopulation with `population`, at least 1000.
void ReadListedPages(Server& server, uint64_t population);

}  // namespace hilum::bench
