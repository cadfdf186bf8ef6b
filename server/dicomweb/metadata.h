// WADO-RS: metadata (PS3.18 10.4.1.3). Of whole series and studies it is made once, at the first request or in the
// background after ingest (preparer.h), and found again by the version of the series or study.
//
// Safe for concurrent use; what is passed by reference outlives it.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/random.h"
#include "server/dicomweb/document_cache.h"
#include "server/dicomweb/options.h"
#include "server/dicomweb/resource.h"
#include "server/dicomweb/selection.h"
#include "server/dicomweb/usual_base.h"
#include "server/http/compression.h"
#include "server/http/http.h"
#include "storage/store/store.h"

namespace hilum::dicomweb {

// Appends the DICOM JSON of one instance, with URLs that begin with `base`. `found` is brought up to date when it was
// moved meanwhile.
Status AppendMetadata(const std::string& study_uid, const std::string& base, ObjectViews& views,
                      const dicom::ReadLimits& limits, Found* found, std::string* json);

class MetadataService {
 public:
  MetadataService(storage::Store& store, Random& random, const ServiceOptions& options, UsualBase& usual_base);

  Status Retrieve(http::Request& request, const Resource& resource, const QueryParameters& query,
                  http::Responder& responder);
  // Makes the documents of a series ready, as far as they are not and a base is known for their URLs.
  Status Prepare(const Resource& series);

 private:
  Status RetrieveXml(http::Request& request, const Resource& resource, Selection selection, http::Responder& responder);
  // Of all instances, with commas between them; stops when `json` is longer than a document may be. `in_all`: instances
  // that `json` will hold in the end.
  Status AppendAll(const std::string& study_uid, const std::string& base, std::span<Found> instances, size_t in_all,
                   std::string* json);
  // The JSON of all instances; nullopt when that would be too long to be held.
  Result<std::optional<std::string>> MakeJson(const storage::CatalogueReader& reader, const Resource& resource,
                                              const std::string& base);
  Result<Document> MakeDocument(const storage::CatalogueReader& reader, const Resource& resource,
                                const std::string& base, const std::string& tag, http::Coding coding);
  // The document of a series or study and its tag; nullptr when `request` (if any) depends on another state of it.
  Result<DocumentCache::Shared> Ready(const Resource& resource, const std::string& base, http::Coding coding,
                                      std::string* tag, const http::Request* request);
  // False when there is nothing ready to answer with and nothing was sent.
  Result<bool> SendReady(const http::Request& request, const Resource& resource, http::Responder& responder);
  // Sends a document without compression, and keeps it so under `key` where there is room: unpacking takes longer than
  // sending.
  Status SendPlain(http::Responder& responder, const Document& document, const std::string& key,
                   const http::Headers& headers);

  storage::Store& store_;
  Random& random_;
  const ServiceOptions& options_;
  UsualBase& usual_base_;
  const uint64_t plain_room_;  // of the memory for documents, for those without compression
  DocumentCache documents_;
  DocumentCache plain_documents_;
};

}  // namespace hilum::dicomweb
