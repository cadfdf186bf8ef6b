// What one commit did to the images of a study. The version of the ImagingStudy that the commit made is stored with it
// instead of with all series, so that storing an instance costs the same in a study of any size; older versions are the
// sum of the deltas up to them. The encoding is on disk: docs/on-disk-format.md. Plain values.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "fhir/imaging/images.h"
#include "storage/catalogue/changes.h"

namespace hilum::fhir::imaging {

struct SeriesDelta {
  bool removed = false;                                           // before the rest, if there is any
  std::optional<SeriesImages> described;                          // without instances; absent: as before
  std::map<std::string, std::optional<InstanceImage>> instances;  // absent: removed
};

struct StudyDelta {
  bool from_scratch = false;  // nothing of before counts
  std::optional<std::string> zone;
  std::map<std::string, SeriesDelta> series;

  bool empty() const { return !from_scratch && !zone && series.empty(); }
};

StudyDelta DeltaOf(const storage::StudyChange& change);
// All images, from scratch.
StudyDelta DeltaOf(const StudyImages& images);
void Apply(const StudyDelta& delta, StudyImages* images);

std::string Encode(const StudyDelta& delta);
std::optional<StudyDelta> DecodeDelta(Bytes bytes);

}  // namespace hilum::fhir::imaging
