// Name, birth date and sex of a patient as images have them, in the words of FHIR. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "fhir/json/document.h"
#include "fhir/store/derived.h"
#include "storage/catalogue/rows.h"

namespace hilum::fhir::imaging {

// What the images of a study and the Patient say differently; Disagreement::other is left empty. An element that one of
// them does not have is no disagreement. Names agree when family and first given name of any component group are those
// of any of Patient.name, without regard to case and accents.
std::vector<Disagreement> CompareDemographics(const storage::StudyRow& study, json::Value patient);

// What other images of the study say differently of their patient than the study does, each with how many say so.
std::vector<Disagreement> CompareImages(const storage::StudyRow& study);

// A Patient who is what the images say. `identifier` in JSON.
std::string PatientOf(const storage::StudyRow& study, const std::string& identifier, const std::string& meta);

}  // namespace hilum::fhir::imaging
