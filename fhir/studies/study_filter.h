// Which stored studies a FHIR search is about: the `fhir` parameter of DICOM searches.
//
//   Patient?gender=female&birthdate=lt1960      studies of these patients
//   Condition?code=http://snomed.info/sct|254637007   studies of the patients of these conditions
//   ImagingStudy?dicom-SliceThickness=lt1.5     these studies
//
// Studies come to patients by ImagingStudy.subject; Patients who were merged are one (fhir/store/persons.h). Safe for
// concurrent use; the resources outlive it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fhir/store/store.h"
#include "storage/index/query.h"

namespace hilum::fhir {

class StudyFilter {
 public:
  // `root`: of the FHIR service, "/fhir".
  StudyFilter(ResourceStore& resources, std::string root) : resources_(resources), root_(std::move(root)) {}

  // Studies for which all searches hold, as a query over the studies of the catalogue (storage::Level::kStudy).
  // kInvalid, kUnsupported and kLimit name the search and what in it is wrong; a parameter that is not known is an
  // error, since without it more studies would be found. `server_url`: how the client calls this server,
  // "https://here"; references below it mean the resources here.
  Result<storage::Query> Compile(const std::vector<std::string>& searches, std::string_view server_url) const;

 private:
  Result<storage::Query> CompileOne(std::string_view search, const SearchOptions& options,
                                    ResourceReader& reader) const;

  ResourceStore& resources_;
  const std::string root_;
};

}  // namespace hilum::fhir
