// What was done, as the codes of a study say it. A pure function.
#pragma once

#include <string>

#include "storage/catalogue/rows.h"

namespace hilum::fhir::imaging {

// ImagingStudy.procedureCode in JSON: of the Procedure Code Sequence (0008,1032), or else of the Requested Procedure
// Code Sequence (0032,1064). Empty when there is none.
std::string ProcedureCodesOf(const storage::StudyRow& study);

}  // namespace hilum::fhir::imaging
