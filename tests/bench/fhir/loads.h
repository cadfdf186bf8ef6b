// Writing, each beside its limit: the same bytes parsed by simdjson and appended to a file with a shared fdatasync.
#pragma once

#include <cstdint>
#include <string>

#include "tests/bench/fhir/server.h"

namespace hilum::bench {

// Imports the first `count` resources of the Population from a file of NDJSON, which is made before. `scratch`: where
// it and what the limit writes are put.
void LoadPopulation(Server& server, uint64_t count, const std::string& scratch);

// Transactions that create two resources, from 32 threads.
void RunSmallTransactions(Server& server, uint64_t count, const std::string& scratch);

// All bundles of a folder as transactions: hospitals and practitioners first, which the others refer to by condition;
// then the others from 2 threads.
void LoadSynthea(Server& server, const std::string& folder, const std::string& scratch);

}  // namespace hilum::bench
