// Search parameters of ImagingStudy that ask for its series and instances, answered by the catalogue: an ImagingStudy
// that is derived from images (fhir/imaging) has no index values of its own for them. Internal to fhir/search. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "storage/index/query.h"

namespace hilum::fhir {

// Whether the images have such values: modality, series, instance, dicom-class, bodysite.
bool IsOfImages(std::string_view code);
// ImagingStudies by their images. `images`: the field that leads to the study of the catalogue. `value`: one token as
// asked for; nullopt asks for any. REQUIRES: IsOfImages(code).
Result<storage::Query> QueryImages(storage::FieldId images, std::string_view code,
                                   std::optional<std::string_view> value);

}  // namespace hilum::fhir
