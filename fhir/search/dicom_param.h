// dicom-* search parameters of ImagingStudy: every DICOM attribute that the catalogue indexes, of the study, its series
// or its instances, joined up to the study. Pure functions, thread-safe.
//
//   dicom-SliceThickness=lt1.5   dicom-00180050=1-1.5   dicom-RequestAttributesSequence.RequestedProcedureID=X
//
// Each of these matches by itself: two of them need not hold of one and the same series or instance. Those that must
// are one parameter, attributes and values in turn:
//
//   dicom-series=Modality$CT$SliceThickness$lt1.5   dicom-instance=ImageType$ORIGINAL$SliceThickness$lt1.5
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "fhir/search/catalog.h"
#include "storage/catalogue/attributes.h"

namespace hilum::fhir {

// `images`: the field of ImagingStudy that leads to the study of the catalogue. nullopt for what is not searchable. The
// table outlives what is given out.
std::optional<CustomParam> DicomParam(const storage::AttributeTable& table, storage::FieldId images,
                                      std::string_view code);
// All of them, by keyword where there is one.
std::vector<CustomParam> DicomParams(const storage::AttributeTable& table, storage::FieldId images);

}  // namespace hilum::fhir
