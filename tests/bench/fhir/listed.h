// Forty searches as clients write them, of every type, modifier and prefix, each in every order of its list.
#pragma once

#include <cstdint>
#include <string>

#include "tests/bench/fhir/server.h"

namespace hilum::bench {

// First pages of 50, with accurate totals. Reports the search that is slowest at the 99th percentile; all go to
// standard error. REQUIRES: LoadPopulation with `population`, at least 1000.
void ReadListedPages(Server& server, uint64_t population);

// Searches separated by blanks. Prints the mean processor time of each, and the size and a hash of its answer: the same
// of two programs on the same store when both find the same.
void ReadSearches(Server& server, const std::string& searches, uint64_t rounds);

}  // namespace hilum::bench
