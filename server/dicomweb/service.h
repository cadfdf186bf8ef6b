// The DICOMweb service: STOW-RS, QIDO-RS, WADO-RS and WADO-URI over HTTP (PS3.18). It finds out what is asked for; each
// of its parts then parses, calls down and encodes. Rules live in pipelines/dicom_ingest and storage/catalogue.
//
// Safe for concurrent use. The store, the codec and the random source outlive the service, the service outlives the
// server that routes to it.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "base/metrics.h"
#include "base/random.h"
#include "server/dicomweb/bulk_data.h"
#include "server/dicomweb/changefeed.h"
#include "server/dicomweb/codec_failures.h"
#include "server/dicomweb/instances.h"
#include "server/dicomweb/made_memory.h"
#include "server/dicomweb/metadata.h"
#include "server/dicomweb/options.h"
#include "server/dicomweb/qido.h"
#include "server/dicomweb/rendered.h"
#include "server/dicomweb/stow.h"
#include "server/dicomweb/transaction_times.h"
#include "server/dicomweb/usual_base.h"
#include "server/dicomweb/wado_uri.h"
#include "server/http/server.h"
#include "storage/store/store.h"

namespace hilum::dicomweb {

class Service {
 public:
  Service(storage::Store& store, ServiceOptions options, pixel::FrameCodec& codec, const Clock& clock, Random& random,
          Registry& metrics, Logger log);

  // Searches take `fhir` filters by these records, which outlive the service. Before the first request.
  void FilterBy(const fhir::StudyFilter& records) { search_.FilterBy(records); }

  // nullptr when the path is neither below our root nor kWadoUri.
  const http::Route* FindRoute(std::string_view method, std::string_view path) const;

  // Makes the metadata and the thumbnails of a series and its study ready, as far as they are not; a series that is
  // gone is fine. Metadata holds absolute URLs: it is made for the public URL or else the one clients used last, and
  // not at all while none is known.
  Status Prepare(const std::string& study_uid, const std::string& series_uid);
  // Whether any request is being answered now.
  bool IsAnswering() const { return answering_.load(std::memory_order_relaxed) > 0; }

 private:
  void Handle(http::Request& request, http::Responder& responder);
  Status Dispatch(http::Request& request, http::Responder& responder);
  Status Answer(http::Request& request, const Resource& resource, const QueryParameters& query,
                http::Responder& responder);
  Status Delete(http::Request& request, const Resource& resource, http::Responder& responder);
  Status SendCapabilities(http::Request& request, const QueryParameters& query, http::Responder& responder);

  storage::Store& store_;
  MemoryAllowance inflated_memory_;
  const ServiceOptions options_;
  UsualBase usual_base_;
  CodecFailures failures_;
  const TransactionTimes times_;
  MadeMemory memory_{MemoryAllowance(options_.held_bytes), options_.held_timeout};
  StoreService stow_;
  SearchService search_;
  MetadataService metadata_;
  InstanceService instances_;
  BulkDataService bulk_data_;
  PictureService pictures_;
  UriService by_uri_;
  ChangeFeed feed_;
  std::atomic<int> answering_{0};  // requests
  http::Route store_route_;
  http::Route read_route_;
};

}  // namespace hilum::dicomweb
