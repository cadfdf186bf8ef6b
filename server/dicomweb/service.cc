#include "server/dicomweb/service.h"

#include "server/dicomweb/capabilities.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/refusal.h"
#include "server/dicomweb/selection.h"

namespace hilum::dicomweb {
namespace {

ServiceOptions WithMemory(ServiceOptions options, MemoryAllowance* inflated) {
  options.ingest.limits.inflated_memory = inflated;
  return options;
}

// One request more while it lives.
class Answering {
 public:
  explicit Answering(std::atomic<int>* requests) : requests_(requests) {
    requests_->fetch_add(1, std::memory_order_relaxed);
  }
  ~Answering() { requests_->fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::atomic<int>* const requests_;
};

}  // namespace

Service::Service(storage::Store& store, ServiceOptions options, pixel::FrameCodec& codec, const Clock& clock,
                 Random& random, Registry& metrics, Logger log)
    : store_(store),
      inflated_memory_(options.inflated_bytes),
      options_(WithMemory(std::move(options), &inflated_memory_)),
      usual_base_(options_.public_url.empty() ? "" : options_.public_url + options_.root),
      failures_(metrics, log),
      times_(metrics),
      stow_(store_, options_, usual_base_, metrics),
      search_(store_, clock, random, options_, log),
      metadata_(store_, random, options_, usual_base_),
      instances_(store_, codec, random, failures_, memory_, options_),
      bulk_data_(store_, codec, random, failures_, memory_, options_),
      pictures_(store_, codec, random, failures_, memory_, options_),
      by_uri_(store_, options_, instances_, pictures_),
      feed_(store_, options_, std::move(log)) {
  const auto handler = [this](http::Request& request, http::Responder& responder) { Handle(request, responder); };
  store_route_ = {options_.max_store_bytes, false, handler};
  read_route_ = {64 * 1024, false, handler};
}

const http::Route* Service::FindRoute(std::string_view method, std::string_view path) const {
  if (path == kWadoUri) return &read_route_;
  if (!path.starts_with(options_.root)) return nullptr;
  path.remove_prefix(options_.root.size());
  if (!path.empty() && path[0] != '/') return nullptr;
  return method == "POST" ? &store_route_ : &read_route_;
}

void Service::Handle(http::Request& request, http::Responder& responder) {
  const Answering answering(&answering_);
  const Status status = Dispatch(request, responder);
  if (status.ok()) return;
  if (request.method != "POST") return AnswerFailure(request, status, responder);
  // Who stores reads the reason from the response of the Store transaction.
  AnswerFailure(request, status, responder, [&](int code, std::string_view message) {
    return stow_.Refuse(request, code, std::string(message), responder);
  });
}

Status Service::Dispatch(http::Request& request, http::Responder& responder) {
  HILUM_ASSIGN_OR_RETURN(const QueryParameters query, http::ParseQuery(request.query));
  if (request.path == kWadoUri || request.path == options_.root + std::string(kWadoUri)) {
    const Stopwatch stopwatch(times_.Of(Transaction::kUri));
    return by_uri_.Retrieve(request, query, responder);
  }
  const auto parsed = ParseResource(std::string_view(request.path).substr(options_.root.size()));
  if (parsed.status().code() == Code::kInvalid && request.method == "POST")
    return stow_.Refuse(request, 400, std::string(parsed.status().message()), responder);
  HILUM_ASSIGN_OR_RETURN(const Resource resource, parsed);
  const Stopwatch stopwatch(times_.Of(TransactionOf(request.method, resource.what)));
  return Answer(request, resource, query, responder);
}

Status Service::Answer(http::Request& request, const Resource& resource, const QueryParameters& query,
                       http::Responder& responder) {
  const bool reading = request.method == "GET" || request.method == "HEAD";
  switch (resource.what) {
    case Resource::What::kRoot:
      if (reading || request.method == "OPTIONS") return SendCapabilities(request, query, responder);
      break;
    case Resource::What::kPatients:
    case Resource::What::kStudies:
    case Resource::What::kSeries:
    case Resource::What::kInstances:
      if (reading) return search_.Search(request, resource, query, responder);
      break;
    case Resource::What::kObject:
      if (reading) return instances_.Retrieve(request, resource, query, responder);
      if (request.method == "DELETE") return Delete(request, resource, responder);
      break;
    case Resource::What::kMetadata:
      if (reading) return metadata_.Retrieve(request, resource, query, responder);
      break;
    case Resource::What::kFrames:
      if (reading) return bulk_data_.RetrieveFrames(request, resource, query, responder);
      break;
    case Resource::What::kBulkData:
      if (reading) return bulk_data_.RetrieveOne(request, resource, query, responder);
      break;
    case Resource::What::kPixelData:
    case Resource::What::kAllBulkData:
      if (reading) return bulk_data_.RetrieveAll(request, resource, query, responder);
      break;
    case Resource::What::kChangeFeed:
      if (reading) return feed_.Send(request, query, responder);
      break;
    case Resource::What::kLatestChange:
      if (reading) return feed_.SendLatest(request, query, responder);
      break;
    case Resource::What::kRendered:
    case Resource::What::kThumbnail:
      if (reading) return pictures_.Retrieve(request, resource, query, responder);
      break;
  }
  if (request.method == "POST" && resource.TakesInstances()) return stow_.Store(request, resource, responder);
  if (request.method == "OPTIONS") return responder.Send(204, {{"Allow", resource.Allow()}}, "");
  return SendError(responder, request, 405, request.method + " is not possible here", {{"Allow", resource.Allow()}});
}

Status Service::Delete(http::Request& request, const Resource& resource, http::Responder& responder) {
  std::function<bool(const storage::Version&)> is_meant;
  if (request.headers.First("If-Match"))
    is_meant = [&](const storage::Version& version) { return IsVersionMeant(request, TagOf(version)); };
  const Status status = store_.Delete(*resource.study, resource.series, resource.instance, is_meant);
  if (is_meant && status.code() == Code::kConflict) return SendError(responder, request, 412, kOtherVersion);
  HILUM_RETURN_IF_ERROR(status);
  return responder.Send(204, {}, "");
}

Status Service::SendCapabilities(http::Request& request, const QueryParameters& query, http::Responder& responder) {
  const std::string wadl = "application/vnd.sun.wadl+xml";
  const auto type = Accepted(request, query).FirstOf({wadl, "application/json"});
  if (!type) return SendError(responder, request, 406, "capabilities can be had as " + wadl + " or application/json");
  const std::string base = options_.BaseUrl(request);
  const auto table = store_.attributes().Current();
  return responder.Send(
      200, {{"Content-Type", *type}, {"Vary", "Accept"}, {"Allow", Resource{.what = Resource::What::kRoot}.Allow()}},
      *type == wadl ? CapabilitiesWadl(base, *table) : CapabilitiesJson(base, *table));
}

Status Service::Prepare(const std::string& study_uid, const std::string& series_uid) {
  Resource resource{.what = Resource::What::kObject, .study = study_uid, .series = series_uid};
  Status status = metadata_.Prepare(resource);
  if (status.ok()) status = pictures_.Prepare(resource);
  resource.series.reset();
  if (status.ok()) status = pictures_.Prepare(resource);
  return status.code() == Code::kNotFound ? Status::Ok() : status;  // deleted meanwhile
}

}  // namespace hilum::dicomweb
