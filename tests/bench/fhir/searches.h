// Reading what LoadPopulation has put there.
#pragma once

#include <cstdint>

#include "tests/bench/fhir/server.h"

namespace hilum::bench {

// By id, from 2 threads.
void ReadById(Server& server, uint64_t population);
// By code, by code and date, by code and quantity.
void CountObservations(Server& server);
// First pages of 50 in the order of dates, and the page that is a thousand links away.
void ReadPages(Server& server);
// Through references, both ways.
void FollowReferences(Server& server);

}  // namespace hilum::bench
