// How the DICOMweb service is to behave.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "pipelines/dicom_ingest/ingest.h"
#include "server/dicomweb/stow_model.h"
#include "server/http/http.h"

namespace hilum::dicomweb {

struct ServiceOptions {
  std::string root = "/dicom-web";
  std::string public_url;  // that all requests will have as their base_url; empty: not known ahead
  IngestOptions ingest;
  size_t search_default_limit = 100;
  size_t search_max_limit = 5000;
  bool search_strict = false;  // refuse unknown search keys instead of ignoring them with a warning
  // For annotations, the preferred one first; those that are not there are passed over.
  std::vector<std::string> fonts = {"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
                                    "/usr/share/fonts/opentype/unifont/unifont.otf"};
  uint64_t thumbnail_cache_bytes = 16 << 20;
  uint64_t metadata_cache_bytes = 64 << 20;  // of metadata documents, each of a series or study
  ModelStoreLimits models;                   // of one STOW request of metadata and bulk data
  uint64_t model_bytes = 1 << 30;            // of all of these, with the instances that are being made of them
  uint64_t max_store_bytes = UINT64_MAX;     // of one STOW request
  // Of converted instances and frames, of all requests together: those held back before they are sent, to learn whether
  // they can be made at all, and frames on their way to clients that read slowly. Without it they are sent as they are
  // made.
  uint64_t held_bytes = 256 << 20;
  std::chrono::milliseconds held_timeout{10'000};  // how long a frame waits for room there
  // 32 secret bytes kept in the store, of which the boundaries of frames in parts are made. Empty: there are none, and
  // no range of such an answer can be had.
  std::string boundary_key;
  uint64_t inflated_bytes = 1 << 30;  // of deflated data sets, of all that are read at a time

  // "https://host/dicom-web", for absolute URLs in answers.
  std::string BaseUrl(const http::Request& request) const { return request.base_url + root; }
};

}  // namespace hilum::dicomweb
