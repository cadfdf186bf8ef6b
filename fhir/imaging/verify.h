// An independent check that catalogue, ImagingStudies, their histories and the index agree. For `hilum verify` and
// tests.
#pragma once

#include <cstdint>

#include "fhir/imaging/linker.h"
#include "storage/store/store.h"

namespace hilum::fhir::imaging {

struct LinkReport {
  uint64_t studies = 0;
  storage::Findings findings;  // without values of patients
};

enum class LinkDepth : uint8_t {
  kRows,  // that rows, counts, deltas and index agree with each other
  kDeep,  // besides, everything derived anew out of images and records, with the options that the store has it from
};

// Works on a snapshot while the store is in use. Checks nothing in a store that is not linked (LinkerOptions::enabled).
Result<LinkReport> VerifyLinks(ResourceStore& resources, LinkDepth depth);

}  // namespace hilum::fhir::imaging
