// The change feed of Microsoft's DICOM service (microsoft/dicom-server, docs/concepts/change-feed.md), over the change
// log. Its sequences are the numbers of changes of instances; what clients see: docs/changes.md.
//
// Safe for concurrent use; what is passed by reference outlives it.
#pragma once

#include <string>

#include "base/log.h"
#include "server/dicomweb/options.h"
#include "server/dicomweb/resource.h"
#include "server/dicomweb/selection.h"
#include "server/http/http.h"
#include "storage/log/change_log.h"
#include "storage/store/store.h"

namespace hilum::dicomweb {

class ChangeFeed {
 public:
  ChangeFeed(storage::Store& store, const ServiceOptions& options, Logger log)
      : store_(store), options_(options), log_(std::move(log)) {}

  Status Send(http::Request& request, const QueryParameters& query, http::Responder& responder);
  Status SendLatest(http::Request& request, const QueryParameters& query, http::Responder& responder);

 private:
  Status Stream(http::Request& request, uint64_t after, bool with_metadata, http::Responder& responder);
  // `views`: for the metadata; nullptr: without.
  Status AppendEntry(const storage::CatalogueReader& reader, const storage::Change& change, const std::string& base,
                     ObjectViews* views, std::string* json);

  storage::Store& store_;
  const ServiceOptions& options_;
  Logger log_;
};

}  // namespace hilum::dicomweb
