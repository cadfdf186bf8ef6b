// The DICOMweb service: STOW-RS, QIDO-RS, WADO-RS over HTTP (PS3.18). It parses, calls down and encodes; rules live in
// pipelines/dicom_ingest and storage/catalogue.
//
// Safe for concurrent use. The store, the codec and the random source outlive the service, the service outlives the
// server that routes to it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/memory_allowance.h"
#include "base/metrics.h"
#include "base/random.h"
#include "codecs/pixel/codec.h"
#include "codecs/pixel/text_painter.h"
#include "fhir/studies/study_filter.h"
#include "pipelines/dicom_ingest/ingest.h"
#include "server/dicomweb/document_cache.h"
#include "server/dicomweb/frame_source.h"
#include "server/dicomweb/package.h"
#include "server/dicomweb/paging_memory.h"
#include "server/dicomweb/picture_cache.h"
#include "server/dicomweb/rendering.h"
#include "server/dicomweb/resource.h"
#include "server/dicomweb/selection.h"
#include "server/dicomweb/stow_model.h"
#include "server/http/compression.h"
#include "server/http/server.h"
#include "storage/log/change_log.h"
#include "storage/store/store.h"

namespace hilum::dicomweb {

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

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
  uint64_t max_store_bytes = UINT64_MAX;     // of one STOW request
  // Of converted instances, of all requests together, held back before they are sent: to learn whether they can be
  // converted at all, and where their frames are. Without it they are sent as they are made.
  uint64_t held_bytes = 256 << 20;
};

class Service {
 public:
  Service(storage::Store& store, ServiceOptions options, pixel::FrameCodec& codec, Random& random, Registry& metrics,
          Logger log);

  // Searches take `fhir` filters by these records, which outlive the service. Before the first request.
  void FilterBy(const fhir::StudyFilter& records) { records_ = &records; }

  // nullptr when the path is neither below our root nor kWadoUri.
  const http::Route* FindRoute(std::string_view method, std::string_view path) const;

  // Makes the metadata and the thumbnails of a series and its study ready, as far as they are not; a series that is
  // gone is fine. Metadata holds absolute URLs: it is made for the public URL or else the one clients used last, and
  // not at all while none is known.
  Status Prepare(const std::string& study_uid, const std::string& series_uid);
  // Whether any request is being answered now.
  bool IsAnswering() const { return answering_.load(std::memory_order_relaxed) > 0; }

 private:
  static constexpr size_t kMaxPagedSearches = 2000;

  void Handle(http::Request& request, http::Responder& responder);
  Status Dispatch(http::Request& request, http::Responder& responder);

  Status Delete(http::Request& request, const Resource& resource, http::Responder& responder);
  Status SendCapabilities(http::Request& request, const QueryParameters& query, http::Responder& responder);

  // stow.cc
  // A request that cannot be taken at all is answered in the form of one failed instance: clients read nothing else.
  Status RefuseStore(const http::Request& request, int code, std::string explanation, http::Responder& responder);
  Status AnswerStore(const http::Request& request, int code, const std::vector<InstanceOutcome>& outcomes,
                     http::Responder& responder);
  Status Store(http::Request& request, const Resource& resource, http::Responder& responder);
  // qido.cc
  Status Search(http::Request& request, const Resource& resource, const QueryParameters& query,
                http::Responder& responder);
  // wado.cc
  Status Retrieve(http::Request& request, const Resource& resource, const QueryParameters& query,
                  http::Responder& responder);
  Status RetrieveMetadata(http::Request& request, const Resource& resource, const QueryParameters& query,
                          http::Responder& responder);
  // Adds the instances, converted where that is asked for. What cannot be is added as it is stored, unless the client
  // `insists` on a transfer syntax and nothing came out as asked: then the error of the first is returned and nothing
  // is sent.
  Status Fill(const std::vector<Packed>& instances, bool insists, Package& package);
  // Adds one in that transfer syntax; `before` is called before anything of it is sent.
  Status Convert(const Packed& one, const std::string& syntax, Package& package, const std::function<Status()>& before);
  // Of the ways a client would take instances (most wanted first) the first that any of them can be had in, and those
  // to fall back on, of the same packing, for instances that have no room in it. Images are told by their description.
  // kUnsupported, saying why: none can be had in any.
  Result<std::vector<InstanceChoice>> ChooseInstances(std::vector<InstanceChoice> choices,
                                                      std::vector<Found>* instances);
  // "as stored with transfer-syntax=*, ...", for who asked for something else.
  std::string ObtainableSyntaxes(const std::vector<Found>& instances);
  // native_xml.cc
  Status RetrieveXmlMetadata(http::Request& request, const Resource& resource, Selection selection,
                             http::Responder& responder);
  // wado_uri.cc
  Status RetrieveByUri(http::Request& request, const QueryParameters& query, http::Responder& responder);
  // frames.cc
  Status RetrieveFrames(http::Request& request, const Resource& resource, const QueryParameters& query,
                        http::Responder& responder);
  // In the first of the choices, which `source` is opened for; pixels of all frames, which come as bulk data, also in
  // the next ones. Of an error that the pixels are to blame for (kUnsupported, kInvalid) nothing was sent, unless the
  // answer was begun.
  Status SendFramesAs(http::Request& request, const Resource& resource, const storage::CatalogueReader& reader,
                      const Selection& selection, const std::vector<InstanceChoice>& choices, const FrameSource& source,
                      http::Responder& responder);
  // One, not packed into parts.
  Status SendFrame(http::Request& request, const FrameSource& source, uint32_t frame, const std::string& sop_uid,
                   http::Headers headers, http::Responder& responder);
  Status SendFrames(const FrameSource& source, const std::vector<uint32_t>& frames, const std::string& sop_uid,
                    http::Headers headers, http::Responder& responder);
  // All, one behind the other. REQUIRES: source.StoredValue() or source.MakesValue().
  Status SendPixelValue(http::Request& request, const FrameSource& source, const std::string& sop_uid,
                        http::Headers headers, http::Responder& responder);
  // bulk_data.cc
  Status RetrieveBulkData(http::Request& request, const Resource& resource, const QueryParameters& query,
                          http::Responder& responder);
  // all_bulk_data.cc
  Status RetrieveAllBulkData(http::Request& request, const Resource& resource, const QueryParameters& query,
                             http::Responder& responder);
  // In parts, pixels in the first of the choices that has room for them, and as they are stored where none has.
  // `resource` is kAllBulkData, or else of the pixel data alone. `reader` made the selection.
  Status SendAllBulkData(http::Request& request, const Resource& resource, const storage::CatalogueReader& reader,
                         Selection selection, const std::vector<InstanceChoice>& choices, http::Responder& responder);
  // rendered.cc
  Status RetrieveRendered(http::Request& request, const Resource& resource, const QueryParameters& query,
                          http::Responder& responder);
  // From a presentation state to the first frame of the first image it is about.
  Status FollowState(const std::string& study, Found* found, std::optional<Found>* state, uint32_t* frame);
  // Of the frames, with `rendering` each, in parts; `url_of`: where one is had alone.
  Status SendPictures(const Found& found, const std::vector<uint32_t>& frames, const Rendering& rendering,
                      const std::optional<Found>& state, const std::function<std::string(uint32_t)>& url_of,
                      http::Headers headers, http::Responder& responder);
  // Of one frame, with all that `rendering` asks for; `state`: to be applied, may be null.
  struct PictureFile {
    std::string bytes;
    std::string warning;  // what is not as it was asked for
  };
  Result<PictureFile> Picture(Found* found, uint32_t frame, Rendering rendering, Found* state);
  Result<std::string> Thumbnail(const Found& found, uint32_t frame, uint32_t size, pixel::PictureType type);
  // From the cache, or made and put there.
  Result<std::shared_ptr<const std::string>> ReadyThumbnail(const Found& found, uint32_t frame, uint32_t size,
                                                            pixel::PictureType type);
  // prepared.cc
  // Appends the DICOM JSON of one instance. `found` is brought up to date when it was moved meanwhile.
  Status AppendMetadata(const std::string& study_uid, const std::string& base, ObjectViews& views, Found* found,
                        std::string* json);
  // Of all instances, with commas between them; stops when `json` is longer than a document may be. `in_all`: instances
  // that `json` will hold in the end.
  Status AppendMetadata(const std::string& study_uid, const std::string& base, std::span<Found> instances,
                        size_t in_all, std::string* json);
  // The JSON of all instances; nullopt when that would be too long to be held.
  Result<std::optional<std::string>> MakeMetadata(const storage::CatalogueReader& reader, const Resource& resource,
                                                  const std::string& base);
  Result<Document> MakeDocument(const storage::CatalogueReader& reader, const Resource& resource,
                                const std::string& base, const std::string& tag, http::Coding coding);
  // The document of a series or study and its tag; nullptr when `request` (if any) depends on another state of it.
  Result<DocumentCache::Shared> Metadata(const Resource& resource, const std::string& base, http::Coding coding,
                                         std::string* tag, const http::Request* request);
  // Sends a document without compression, and keeps it so under `key` where there is room: unpacking takes longer than
  // sending.
  Status SendPlain(const http::Request& request, http::Responder& responder, const Document& document,
                   const std::string& key, const http::Headers& headers);
  // False when there is nothing ready to answer with and nothing was sent.
  Result<bool> SendReadyMetadata(const http::Request& request, const Resource& resource, http::Responder& responder);
  Result<bool> SendReadyThumbnail(const http::Request& request, const Resource& resource, const QueryParameters& query,
                                  http::Responder& responder);
  Status PrepareThumbnail(const Resource& resource);
  void NoteBase(const std::string& base, bool reads);
  std::string UsualBase() const;
  // changefeed.cc
  Status SendChangeFeed(http::Request& request, const QueryParameters& query, http::Responder& responder);
  Status StreamChangeFeed(http::Request& request, uint64_t after, bool with_metadata, http::Responder& responder);
  Status SendLatestChange(http::Request& request, const QueryParameters& query, http::Responder& responder);
  // `views`: for the metadata; nullptr: without.
  Status AppendFeedEntry(const storage::CatalogueReader& reader, const storage::Change& change, const std::string& base,
                         ObjectViews* views, std::string* json);
  // documents.cc
  Status SendReadable(http::Request& request, Found& found, std::string_view type, http::Headers headers,
                      http::Responder& responder);
  Status SendVideo(http::Request& request, Found& found, http::Headers headers, http::Responder& responder);

  // The error a client gets when pixels of an instance cannot be decoded or encoded: its own, whatever happened inside.
  // Logged and counted.
  Status CodecFailure(const Status& status, const std::string& sop_uid);

  // "https://host/dicom-web", for absolute URLs in answers.
  std::string BaseUrl(const http::Request& request) const;

  storage::Store& store_;
  const ServiceOptions options_;
  pixel::FrameCodec& codec_;
  Random& random_;
  Logger log_;
  std::unique_ptr<pixel::TextPainter> painter_;  // null: without fonts
  const SystemClock clock_;
  PagingMemory paging_{clock_, kMaxPagedSearches};
  MemoryAllowance held_{options_.held_bytes};
  PictureCache thumbnails_;
  const uint64_t plain_room_;  // of the memory for documents, for those without compression
  DocumentCache documents_;
  DocumentCache plain_documents_;
  const fhir::StudyFilter* records_ = nullptr;
  mutable std::mutex base_mu_;
  std::string usual_base_;         // guarded by base_mu_: the URL readers, or else storers, reached us by last
  bool base_of_reader_ = false;    // guarded by base_mu_
  std::atomic<int> answering_{0};  // requests
  http::Route store_route_;
  http::Route read_route_;
  Counter& stored_instances_;
  Counter& stored_bytes_;
  Counter& refused_instances_;
  Counter& codec_failures_;
};

// Pictures that stand for a whole series or study are found by its tag.
std::string LevelThumbnailKey(const std::string& tag);
inline constexpr uint32_t kDefaultThumbnail = 128;

// Answers with a JSON body {"error": ..., "request": ...}. 503 and 507 carry Retry-After.
Status SendError(http::Responder& responder, const http::Request& request, int status, std::string_view message,
                 http::Headers headers = {});
// The HTTP status that tells a client what `status` means.
int HttpStatusOf(const Status& status);

}  // namespace hilum::dicomweb
