// What the images of a study say in its ImagingStudy: one value that is the same whether it comes from the rows of the
// catalogue or from the changes of all commits so far (delta.h). Plain values and pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "storage/catalogue/catalogue.h"

namespace hilum::fhir::imaging {

// Values as DICOM has them; empty when there is none.
struct InstanceImage {
  std::string sop_class;
  std::string number;
  bool operator==(const InstanceImage&) const = default;
};

struct SeriesImages {
  std::string number;
  std::string modality;
  std::string description;
  std::string body_part;
  std::string start_date;
  std::string start_time;
  std::string laterality;
  std::map<std::string, InstanceImage> instances;  // by SOP Instance UID

  // Equal but for the instances.
  bool SaysTheSame(const SeriesImages& other) const;
  bool operator==(const SeriesImages&) const = default;
};

struct StudyImages {
  std::string zone;                            // (0008,0201)
  std::map<std::string, SeriesImages> series;  // by Series Instance UID
  bool operator==(const StudyImages&) const = default;
};

// What the images of a series name their order by.
struct OrderNumber {
  enum class Kind : uint8_t { kAccession, kPlacer, kFiller } kind;
  std::string value;
  auto operator<=>(const OrderNumber&) const = default;
};
std::vector<OrderNumber> OrderNumbersOf(const storage::SeriesRow& row);

// Without instances.
SeriesImages Describe(const storage::SeriesRow& row);
InstanceImage Describe(const storage::InstanceRow& row);
std::string ZoneOf(const storage::StudyRow& row);

// ImagingStudy.series by number and UID, as "[...]"; empty when there is none. `default_offset_minutes`: the zone of
// studies that name none.
std::string SeriesList(const StudyImages& images, int default_offset_minutes);
// The same as ",\"series\":[...]".
std::string SeriesProperty(const StudyImages& images, int default_offset_minutes);

// A dateTime of DA and TM values in a zone as (0008,0201) has it; empty when the date is none.
std::string DateTimeOf(std::string_view date, std::string_view time, std::string_view zone, int default_offset_minutes);
// A value fit for a FHIR string: without control characters and outer blanks.
std::string CleanText(std::string_view value);
// The same for a code: blanks are single, too.
std::string CleanCode(std::string_view value);
// A Coding; `code` is not empty.
std::string Coding(std::string_view system, std::string_view code);

inline constexpr std::string_view kDicomCodes = "http://dicom.nema.org/resources/ontology/DCM";

}  // namespace hilum::fhir::imaging
