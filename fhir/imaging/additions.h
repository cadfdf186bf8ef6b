// What users add to the series and instances of an ImagingStudy. It is kept in the shell, as a list of series and their
// instances with nothing but `uid` and the elements that the images do not say, and lies in the list of images whenever
// that is made. Pure functions; lists are JSON, without anything when they are empty.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "fhir/imaging/delta.h"
#include "fhir/imaging/images.h"
#include "fhir/json/document.h"
#include "fhir/json/edits.h"
#include "fhir/validate/issue.h"

namespace hilum::fhir::imaging {

// What `said`, ImagingStudy.series as a user wrote it, adds to the images. What contradicts them goes to `issues`.
std::string AdditionsIn(json::Value said, const StudyImages& images, int default_offset_minutes,
                        std::vector<Issue>* issues);

// What is left of `additions` after a change of the images: they go with their series and instances, and give way to
// what the images say now.
std::string AdditionsAfter(json::Value additions, const StudyDelta& delta);

// The edit that makes a shell whole: the list of the images, with the additions. nullopt when there is neither.
Result<std::optional<json::Edits::Edit>> SeriesEdit(const std::string& shell, const StudyImages& images,
                                                    int default_offset_minutes);

}  // namespace hilum::fhir::imaging
