// An independent check that catalogue, ImagingStudies, their histories and the index agree. For `hilum verify --deep`
// and tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fhir/imaging/linker.h"

namespace hilum::fhir::imaging {

struct LinkReport {
  uint64_t studies = 0;
  std::vector<std::string> findings;  // what does not agree, without values of patients; at most 1000
};

// Works on a snapshot while the store is in use. Studies that nobody linked (LinkerOptions::enabled) are findings.
Result<LinkReport> VerifyLinks(ResourceStore& resources);

}  // namespace hilum::fhir::imaging
