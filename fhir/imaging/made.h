// Patients who were made of images, and say so when they yield to somebody of whom there is more. Pure functions.
#pragma once

#include <cstddef>

#include "fhir/json/document.h"

namespace hilum::fhir::imaging {

// Patients with one identifier: where there are more, none of them yields.
inline constexpr size_t kMaxNamesakes = 32;

bool IsMadeOfImages(json::Value patient);
// Of a Patient.link: that the server put it there.
bool IsYield(json::Value link);

}  // namespace hilum::fhir::imaging
