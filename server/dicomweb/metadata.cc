#include "server/dicomweb/metadata.h"

#include <algorithm>

#include "base/in_parallel.h"
#include "codecs/dicom/json.h"
#include "codecs/multipart/writer.h"
#include "server/dicomweb/native_xml.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/refusal.h"

namespace hilum::dicomweb {
namespace {

using http::Coding;

// What is not ready is sent in pieces of this size, so that a study of any length takes no memory.
constexpr size_t kPieceBytes = 1 << 20;
// JSON of one document while it is made; longer ones are made and sent piece by piece for every request.
constexpr size_t kMaxDocumentBytes = 32 << 20;
// Instances whose metadata takes a multiple of the time to start a thread.
constexpr size_t kWorthAThread = 32;
// How often a document is begun anew because what it tells changed underneath.
constexpr int kAttempts = 3;

std::string DocumentKey(const std::string& tag, Coding coding, const std::string& base) {
  return http::CodedEntityTag(tag, coding) + base;
}

Result<std::string> Unpacked(const Document& document) {
  std::string json;
  json.reserve(document.bytes);
  HILUM_RETURN_IF_ERROR(http::DecompressZstd(document.packed, document.bytes, [&](Bytes piece) {
    json += piece;
    return Status::Ok();
  }));
  return json;
}

}  // namespace

Status AppendMetadata(const std::string& study_uid, const std::string& base, ObjectViews& views,
                      const dicom::ReadLimits& limits, Found* found, std::string* json) {
  HILUM_ASSIGN_OR_RETURN(const Bytes bytes, views.Of(found, kHeaderBytes));
  const std::string prefix =
      base + "/studies/" + study_uid + "/series/" + found->series_uid + "/instances/" + found->row.uid + "/bulkdata/";
  dicom::JsonOptions options;
  options.bulk_data_uri = [&prefix](const std::string& path) { return prefix + path; };
  return views.Judge(dicom::AppendJson(bytes, options, limits, json)).WithContext("instance " + found->row.uid);
}

MetadataService::MetadataService(storage::Store& store, Random& random, const ServiceOptions& options,
                                 UsualBase& usual_base)
    : store_(store),
      random_(random),
      options_(options),
      usual_base_(usual_base),
      plain_room_(options.metadata_cache_bytes / 4),
      documents_(options.metadata_cache_bytes - plain_room_),
      plain_documents_(plain_room_) {}

Status MetadataService::AppendAll(const std::string& study_uid, const std::string& base, std::span<Found> instances,
                                  size_t in_all, std::string* json) {
  ObjectViews views(store_);
  for (size_t i = 0; i < instances.size() && json->size() <= kMaxDocumentBytes; ++i) {
    if (i > 0) json->push_back(',');
    const uint64_t version = instances[i].row.version;
    HILUM_RETURN_IF_ERROR(AppendMetadata(study_uid, base, views, options_.ingest.limits, &instances[i], json));
    if (instances[i].row.version != version)
      return Conflict("instance " + instances[i].row.uid + " was replaced meanwhile");
    // Instances of a series are about as long as each other: growing by doubling would copy most of it twice.
    if (i == 0) json->reserve(std::min(kMaxDocumentBytes, json->size() * (in_all + in_all / 16)));
  }
  return Status::Ok();
}

Result<std::optional<std::string>> MetadataService::MakeJson(const storage::CatalogueReader& reader,
                                                             const Resource& resource, const std::string& base) {
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(reader, resource));
  const std::span<Found> all(selection.instances);
  // Somebody waits for it: the second half is made at the same time.
  const std::span<Found> second = all.size() >= kWorthAThread ? all.last(all.size() / 2) : std::span<Found>();
  std::string json = "[", rest;
  const auto append_first = [&] {
    return AppendAll(*resource.study, base, all.first(all.size() - second.size()), all.size(), &json);
  };
  const auto append_second = [&] { return AppendAll(*resource.study, base, second, second.size(), &rest); };
  HILUM_RETURN_IF_ERROR(second.empty() ? append_first() : InParallel(append_first, append_second));
  if (json.size() + rest.size() > kMaxDocumentBytes) return std::optional<std::string>();
  if (!rest.empty()) json.append(",").append(rest);
  json.push_back(']');
  return std::optional(std::move(json));
}

Result<Document> MetadataService::MakeDocument(const storage::CatalogueReader& reader, const Resource& resource,
                                               const std::string& base, const std::string& tag, Coding coding) {
  std::optional<std::string> json;
  // Unpacking is several times faster than making.
  if (const auto other = documents_.Find(DocumentKey(tag, Coding::kZstd, base)); other && !other->too_large) {
    HILUM_ASSIGN_OR_RETURN(json, Unpacked(*other));
  } else {
    HILUM_ASSIGN_OR_RETURN(json, MakeJson(reader, resource, base));
  }
  if (!json) return Document{.too_large = true};
  Document document{.bytes = json->size()};
  HILUM_ASSIGN_OR_RETURN(document.packed, http::Compress(coding, *json, http::Effort::kLow));
  return document;
}

Result<DocumentCache::Shared> MetadataService::Ready(const Resource& resource, const std::string& base, Coding coding,
                                                     std::string* tag, const http::Request* request) {
  for (int attempt = 1;; ++attempt) {
    const storage::CatalogueReader reader = store_.Read();
    HILUM_ASSIGN_OR_RETURN(*tag, SelectTag(reader, resource));
    *tag = TagWithUrls("\"m" + tag->substr(1), base);
    if (request && ConditionOf(*request, *tag) != Condition::kHolds) return DocumentCache::Shared();
    auto document = documents_.FindOrMake(DocumentKey(*tag, coding, base),
                                          [&] { return MakeDocument(reader, resource, base, *tag, coding); });
    const Code code = document.status().code();
    const bool changed = code == Code::kConflict || code == Code::kNotFound;  // since `reader` looked
    if (!changed || attempt == kAttempts) return document;
  }
}

Result<bool> MetadataService::SendReady(const http::Request& request, const Resource& resource,
                                        http::Responder& responder) {
  const std::string base = options_.BaseUrl(request);
  usual_base_.Note(base, /*reads=*/true);
  const Coding coding = http::ChooseCoding(request.headers.Joined("Accept-Encoding"));
  const Coding kept = coding == Coding::kIdentity ? Coding::kZstd : coding;  // what is kept is small
  std::string tag;
  HILUM_ASSIGN_OR_RETURN(const DocumentCache::Shared document, Ready(resource, base, kept, &tag, &request));
  if (document && document->too_large) return false;

  http::Headers headers = {{"Content-Type", "application/dicom+json"},
                           {"ETag", coding == Coding::kIdentity ? tag : http::CodedEntityTag(tag, coding)},
                           {"Cache-Control", "private, no-cache"},
                           {"Vary", "Accept, Accept-Encoding"}};
  if (!document) return AnswerCondition(request, responder, headers);
  if (coding == Coding::kIdentity) {
    HILUM_RETURN_IF_ERROR(SendPlain(responder, *document, tag + base, headers));
  } else {
    headers.Add("Content-Encoding", std::string(http::CodingName(coding)));
    HILUM_RETURN_IF_ERROR(responder.Send(200, std::move(headers), document->packed));
  }
  return true;
}

Status MetadataService::SendPlain(http::Responder& responder, const Document& document, const std::string& key,
                                  const http::Headers& headers) {
  HILUM_RETURN_IF_ERROR(responder.Head(200, headers, document.bytes));
  if (!responder.wants_body()) return responder.Finish();
  const auto write = [&](Bytes piece) { return responder.Write(piece); };
  if (document.bytes > plain_room_) {
    HILUM_RETURN_IF_ERROR(http::DecompressZstd(document.packed, document.bytes, write));
    return responder.Finish();
  }
  const auto unpack = [&]() -> Result<Document> {
    HILUM_ASSIGN_OR_RETURN(std::string json, Unpacked(document));
    return Document{.packed = std::move(json), .bytes = document.bytes};
  };
  HILUM_ASSIGN_OR_RETURN(const DocumentCache::Shared plain, plain_documents_.FindOrMake(key, unpack));
  HILUM_RETURN_IF_ERROR(write(plain->packed));
  return responder.Finish();
}

Status MetadataService::Retrieve(http::Request& request, const Resource& resource, const QueryParameters& query,
                                 http::Responder& responder) {
  const auto form = Accepted(request, query).Metadata();
  if (!form)
    return SendError(responder, request, 406,
                     "metadata can be had as application/dicom+json or multipart/related; "
                     "type=\"application/dicom+xml\"");
  if (form == Accepted::Listing::kJson && !resource.instance) {
    HILUM_ASSIGN_OR_RETURN(const bool sent, SendReady(request, resource, responder));
    if (sent) return Status::Ok();
  }
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(store_.Read(), resource));
  if (form == Accepted::Listing::kXml) return RetrieveXml(request, resource, std::move(selection), responder);
  // The representation is another one than the object's: another tag.
  const std::string base = options_.BaseUrl(request);
  const std::string etag = TagWithUrls("\"m" + selection.etag.substr(1), base);
  http::Headers headers = {{"Content-Type", "application/dicom+json"},
                           {"ETag", etag},
                           {"Cache-Control", "private, no-cache"},
                           {"Vary", "Accept"}};
  HILUM_ASSIGN_OR_RETURN(const bool answered, AnswerCondition(request, responder, headers));
  if (answered) return Status::Ok();

  std::string body = "[";
  ObjectViews views(store_);
  for (Found& found : selection.instances) {
    if (body.size() > 1 || responder.started()) body.push_back(',');
    HILUM_RETURN_IF_ERROR(AppendMetadata(*resource.study, base, views, options_.ingest.limits, &found, &body));
    if (body.size() < kPieceBytes) continue;
    if (!responder.started()) HILUM_RETURN_IF_ERROR(responder.Head(200, headers, std::nullopt));
    HILUM_RETURN_IF_ERROR(responder.Write(body));
    body.clear();
  }
  body.push_back(']');
  if (!responder.started()) return responder.Send(200, std::move(headers), body);
  HILUM_RETURN_IF_ERROR(responder.Write(body));
  return responder.Finish();
}

Status MetadataService::RetrieveXml(http::Request& request, const Resource& resource, Selection selection,
                                    http::Responder& responder) {
  const std::string base = options_.BaseUrl(request);
  const std::string etag = WeakTag(TagWithUrls("\"x" + selection.etag.substr(1), base));
  http::Headers headers = {{"ETag", etag}, {"Cache-Control", "private, no-cache"}, {"Vary", "Accept"}};
  HILUM_ASSIGN_OR_RETURN(const bool answered, AnswerCondition(request, responder, headers));
  if (answered) return Status::Ok();

  multipart::Writer writer(random_);
  headers.Add("Content-Type", writer.ContentType(kNativeXml));
  const std::string all_series = base + "/studies/" + *resource.study + "/series/";
  for (Found& found : selection.instances) {
    HILUM_ASSIGN_OR_RETURN(const Mapping mapping, MapObject(store_, &found, kHeaderBytes));
    const std::string url = all_series + found.series_uid + "/instances/" + found.row.uid;
    const dicom::JsonOptions options{
        .bulk_data_uri = [&](const std::string& path) { return url + "/bulkdata/" + path; }};
    std::string json;
    HILUM_RETURN_IF_ERROR(mapping.Judge(dicom::AppendJson(mapping.bytes(), options, options_.ingest.limits, &json))
                              .WithContext("instance " + found.row.uid));
    HILUM_ASSIGN_OR_RETURN(const std::string document, XmlOf(json));
    if (!responder.started()) HILUM_RETURN_IF_ERROR(responder.Head(200, headers, std::nullopt));
    HILUM_RETURN_IF_ERROR(responder.Write(
        writer.PartHead({{"Content-Type", kNativeXml}, {"Content-Location", url + "/metadata"}}) + document));
  }
  HILUM_RETURN_IF_ERROR(responder.Write(writer.End()));
  return responder.Finish();
}

Status MetadataService::Prepare(const Resource& series) {
  const std::string base = usual_base_.Get();
  std::string tag;
  Status status;
  for (const Coding coding : {Coding::kZstd, Coding::kGzip})
    if (status.ok() && !base.empty()) status = Ready(series, base, coding, &tag, nullptr).status();
  return status;
}

}  // namespace hilum::dicomweb
