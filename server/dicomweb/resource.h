// DICOMweb resource paths (PS3.18 10.1.1, 10.3, 10.4, 10.6) under the service root. Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/http/http.h"

namespace hilum::dicomweb {

using http::QueryParameters;

struct Resource {
  enum class What : uint8_t {
    kRoot,      // of the service: its capabilities
    kPatients,  // collections: search
    kStudies,
    kSeries,
    kInstances,
    kObject,  // the study, series or instance itself
    kMetadata,
    kFrames,
    kBulkData,
    kPixelData,    // of all instances of a study or series
    kAllBulkData,  // of a study, series or instance
    kRendered,     // pictures, of the instance or frame, one that stands for the study or series, or one of each in it
    kThumbnail,
    kChangeFeed,    // of Microsoft's DICOM service
    kLatestChange,  // of the feed
  };
  What what = What::kStudies;
  std::optional<std::string> study;
  std::optional<std::string> series;
  std::optional<std::string> instance;
  std::vector<uint32_t> frames;  // from 1, as asked; empty: all
  std::string bulk_data;         // path of the element: "7FE00010", "00291010/0/00291020"

  // Whether instances can be stored there (PS3.18 table 10.5.1-1).
  bool TakesInstances() const { return what == What::kStudies || (what == What::kObject && !series); }
  // Methods that make sense for it, for Allow.
  std::string Allow() const;
};

// Every form of path, for documents: {study}, {series} and {instance} stand for UIDs, {frames} for a list of numbers
// and ranges, {path} for tags and item numbers.
inline constexpr std::string_view kResourcePaths[] = {
    "/patients",
    "/studies",
    "/series",
    "/instances",
    "/changefeed",
    "/changefeed/latest",
    "/studies/{study}",
    "/studies/{study}/metadata",
    "/studies/{study}/pixeldata",
    "/studies/{study}/bulkdata",
    "/studies/{study}/rendered",
    "/studies/{study}/thumbnail",
    "/studies/{study}/series",
    "/studies/{study}/instances",
    "/studies/{study}/series/{series}",
    "/studies/{study}/series/{series}/metadata",
    "/studies/{study}/series/{series}/pixeldata",
    "/studies/{study}/series/{series}/bulkdata",
    "/studies/{study}/series/{series}/rendered",
    "/studies/{study}/series/{series}/thumbnail",
    "/studies/{study}/series/{series}/instances",
    "/studies/{study}/series/{series}/instances/{instance}",
    "/studies/{study}/series/{series}/instances/{instance}/metadata",
    "/studies/{study}/series/{series}/instances/{instance}/rendered",
    "/studies/{study}/series/{series}/instances/{instance}/thumbnail",
    "/studies/{study}/series/{series}/instances/{instance}/pixeldata",
    "/studies/{study}/series/{series}/instances/{instance}/bulkdata",
    "/studies/{study}/series/{series}/instances/{instance}/bulkdata/{path}",
    "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
    "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/rendered",
    "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}/thumbnail",
};

// What stands at a path of that form. REQUIRES: one of kResourcePaths.
Resource ExampleOf(std::string_view pattern);

// `path` begins after the root: "/studies/1.2/series". kNotFound for what is no resource of ours, kInvalid for a UID or
// frame list that cannot be one.
Result<Resource> ParseResource(std::string_view path);

}  // namespace hilum::dicomweb
