// The images behind the ImagingStudies of a cohort: how many there are, and where each is to be had.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fhir/store/persons.h"
#include "fhir/store/reader.h"
#include "storage/catalogue/catalogue.h"

namespace hilum::fhir {

struct ImageCounts {
  uint64_t studies = 0;
  uint64_t series = 0;
  uint64_t instances = 0;
};
// Of what is stored here: an ImagingStudy that only tells of images counts nothing.
Result<ImageCounts> CountImages(ResourceReader& reader, const storage::CatalogueReader& catalogue,
                                const storage::Bitmap& imaging_studies);

enum class ListFormat : uint8_t { kNdjson, kCsv };

struct ListOptions {
  storage::Level level = storage::Level::kPatient;
  ListFormat format = ListFormat::kNdjson;
  std::string fhir_url;    // of patients; no slash at the end
  std::string images_url;  // of the DICOMweb service; no slash at the end
};

// Patients, studies, series or instances as lines with their URLs, in pieces: a list is never in memory as a whole. Not
// thread-safe. It sees what was there when it was made, and leaves out images that were deleted before that.
class CohortList {
 public:
  // Lists the patients, or else the stored images of the ImagingStudies.
  CohortList(std::unique_ptr<ResourceReader> reader, storage::Store& store, ListOptions options,
             const storage::Bitmap& patients, const storage::Bitmap& imaging_studies);

  // Some lines; empty when there are no more.
  Result<std::string> Next();

 private:
  // Each writes what is next of its level, or makes the level below ready.
  Status StepPatient(std::string* out);
  Status StepStudy(std::string* out);
  Status StepSeries(std::string* out);
  Status StepInstance(std::string* out);
  // Who stands for the person.
  Result<std::string> PatientOf(storage::Doc imaging_study);
  void AppendHead(std::string* out) const;
  void AppendLine(const std::string& url, std::string* out) const;

  // Documents that are still to be listed, last first.
  struct Waiting {
    std::vector<storage::Doc> patients, imaging_studies, series, instances;
  };

  const std::unique_ptr<ResourceReader> reader_;
  const storage::CatalogueReader catalogue_;
  const ListOptions options_;
  bool begun_ = false;
  std::optional<Persons> persons_;  // read when it is needed
  Waiting waiting_;
  std::string patient_, study_, series_, instance_;  // of the line
};

}  // namespace hilum::fhir
