// Metadata and thumbnails of whole series and studies, ready to be sent: made once, at the first request or in the
// background after ingest (preparer.h), and found again by the version of the series or study.
#include <algorithm>

#include "base/in_parallel.h"
#include "codecs/dicom/json.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/selection.h"
#include "server/dicomweb/service.h"
#include "server/http/compression.h"

namespace hilum::dicomweb {
namespace {

using http::Coding;

// Attributes stand before the pixels, nearly always within this: no need to read the pixels to vouch for them.
constexpr uint64_t kHeaderBytes = 64 * 1024;
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

std::string LevelThumbnailKey(const std::string& tag) {
  return "level" + tag;
}

Status Service::AppendMetadata(const std::string& study_uid, const std::string& base, ObjectViews& views, Found* found,
                               std::string* json) {
  HILUM_ASSIGN_OR_RETURN(const Bytes bytes, views.Of(found, kHeaderBytes));
  const std::string prefix =
      base + "/studies/" + study_uid + "/series/" + found->series_uid + "/instances/" + found->row.uid + "/bulkdata/";
  dicom::JsonOptions options;
  options.bulk_data_uri = [&prefix](const std::string& path) { return prefix + path; };
  return dicom::AppendJson(bytes, options, options_.ingest.limits, json).WithContext("instance " + found->row.uid);
}

Status Service::AppendMetadata(const std::string& study_uid, const std::string& base, std::span<Found> instances,
                               size_t in_all, std::string* json) {
  ObjectViews views(store_);
  for (size_t i = 0; i < instances.size() && json->size() <= kMaxDocumentBytes; ++i) {
    if (i > 0) json->push_back(',');
    const uint64_t version = instances[i].row.version;
    HILUM_RETURN_IF_ERROR(AppendMetadata(study_uid, base, views, &instances[i], json));
    if (instances[i].row.version != version)
      return Conflict("instance " + instances[i].row.uid + " was replaced meanwhile");
    // Instances of a series are about as long as each other: growing by doubling would copy most of it twice.
    if (i == 0) json->reserve(std::min(kMaxDocumentBytes, json->size() * (in_all + in_all / 16)));
  }
  return Status::Ok();
}

Result<std::optional<std::string>> Service::MakeMetadata(const storage::CatalogueReader& reader,
                                                         const Resource& resource, const std::string& base) {
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(reader, resource));
  const std::span<Found> all(selection.instances);
  // Somebody waits for it: the second half is made at the same time.
  const std::span<Found> second = all.size() >= kWorthAThread ? all.last(all.size() / 2) : std::span<Found>();
  std::string json = "[", rest;
  const auto append_first = [&] {
    return AppendMetadata(*resource.study, base, all.first(all.size() - second.size()), all.size(), &json);
  };
  const auto append_second = [&] { return AppendMetadata(*resource.study, base, second, second.size(), &rest); };
  HILUM_RETURN_IF_ERROR(second.empty() ? append_first() : InParallel(append_first, append_second));
  if (json.size() + rest.size() > kMaxDocumentBytes) return std::optional<std::string>();
  if (!rest.empty()) json.append(",").append(rest);
  json.push_back(']');
  return std::optional(std::move(json));
}

Result<Document> Service::MakeDocument(const storage::CatalogueReader& reader, const Resource& resource,
                                       const std::string& base, const std::string& tag, Coding coding) {
  std::optional<std::string> json;
  // Unpacking is several times faster than making.
  if (const auto other = documents_.Find(DocumentKey(tag, Coding::kZstd, base)); other && !other->too_large) {
    HILUM_ASSIGN_OR_RETURN(json, Unpacked(*other));
  } else {
    HILUM_ASSIGN_OR_RETURN(json, MakeMetadata(reader, resource, base));
  }
  if (!json) return Document{.too_large = true};
  Document document{.bytes = json->size()};
  HILUM_ASSIGN_OR_RETURN(document.packed, http::Compress(coding, *json, http::Effort::kLow));
  return document;
}

Result<DocumentCache::Shared> Service::Metadata(const Resource& resource, const std::string& base, Coding coding,
                                                std::string* tag, const http::Request* request) {
  for (int attempt = 1;; ++attempt) {
    const storage::CatalogueReader reader = store_.Read();
    HILUM_ASSIGN_OR_RETURN(*tag, SelectTag(reader, resource));
    *tag = "\"m" + tag->substr(1);
    if (request && ConditionOf(*request, *tag) != Condition::kHolds) return DocumentCache::Shared();
    auto document = documents_.FindOrMake(DocumentKey(*tag, coding, base),
                                          [&] { return MakeDocument(reader, resource, base, *tag, coding); });
    const Code code = document.status().code();
    const bool changed = code == Code::kConflict || code == Code::kNotFound;  // since `reader` looked
    if (!changed || attempt == kAttempts) return document;
  }
}

Result<bool> Service::SendReadyMetadata(const http::Request& request, const Resource& resource,
                                        http::Responder& responder) {
  const std::string base = BaseUrl(request);
  NoteBase(base, /*reads=*/true);
  const Coding coding = http::ChooseCoding(request.headers.Joined("Accept-Encoding"));
  const Coding kept = coding == Coding::kIdentity ? Coding::kZstd : coding;  // what is kept is small
  std::string tag;
  HILUM_ASSIGN_OR_RETURN(const DocumentCache::Shared document, Metadata(resource, base, kept, &tag, &request));
  if (document && document->too_large) return false;

  http::Headers headers = {{"Content-Type", "application/dicom+json"},
                           {"ETag", coding == Coding::kIdentity ? tag : http::CodedEntityTag(tag, coding)},
                           {"Cache-Control", "private, no-cache"},
                           {"Vary", "Accept, Accept-Encoding"}};
  if (!document) return AnswerCondition(request, responder, headers);
  if (coding == Coding::kIdentity) {
    HILUM_RETURN_IF_ERROR(SendPlain(request, responder, *document, tag + base, headers));
  } else {
    headers.Add("Content-Encoding", std::string(http::CodingName(coding)));
    HILUM_RETURN_IF_ERROR(responder.Send(200, std::move(headers), document->packed));
  }
  return true;
}

Status Service::SendPlain(const http::Request& request, http::Responder& responder, const Document& document,
                          const std::string& key, const http::Headers& headers) {
  HILUM_RETURN_IF_ERROR(responder.Head(200, headers, document.bytes));
  if (request.method == "HEAD") return responder.Finish();
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

Result<bool> Service::SendReadyThumbnail(const http::Request& request, const Resource& resource,
                                         const QueryParameters& query, http::Responder& responder) {
  if (resource.instance || !query.empty() ||
      Accepted(request, query).FirstOf({"image/jpeg", "image/png"}) != "image/jpeg")
    return false;
  HILUM_ASSIGN_OR_RETURN(const std::string tag, SelectTag(store_.Read(), resource));
  const auto picture = thumbnails_.Find(LevelThumbnailKey(tag));
  if (!picture) return false;
  const std::string etag = "\"r" + tag.substr(1);
  http::Headers headers = {
      {"Content-Type", "image/jpeg"}, {"ETag", etag}, {"Cache-Control", "private, no-cache"}, {"Vary", "Accept"}};
  HILUM_ASSIGN_OR_RETURN(const bool answered, AnswerCondition(request, responder, headers));
  if (!answered) HILUM_RETURN_IF_ERROR(responder.Send(200, std::move(headers), *picture));
  return true;
}

Status Service::PrepareThumbnail(const Resource& resource) {
  HILUM_ASSIGN_OR_RETURN(const Selection selection, Select(store_.Read(), resource));
  const std::string key = LevelThumbnailKey(selection.etag);
  if (selection.instances.empty() || thumbnails_.Find(key)) return Status::Ok();
  HILUM_ASSIGN_OR_RETURN(const auto picture,
                         ReadyThumbnail(selection.Middle(), 0, kDefaultThumbnail, pixel::PictureType::kJpeg));
  thumbnails_.Add(key, picture);
  return Status::Ok();
}

Status Service::Prepare(const std::string& study_uid, const std::string& series_uid) {
  Resource resource;
  resource.what = Resource::What::kMetadata;
  resource.study = study_uid;
  resource.series = series_uid;
  Status status;
  std::string tag;
  const std::string base = UsualBase();
  for (const Coding coding : {Coding::kZstd, Coding::kGzip})
    if (status.ok() && !base.empty()) status = Metadata(resource, base, coding, &tag, nullptr).status();
  if (status.ok()) status = PrepareThumbnail(resource);
  resource.series.reset();
  if (status.ok()) status = PrepareThumbnail(resource);
  return status.code() == Code::kNotFound ? Status::Ok() : status;  // deleted meanwhile
}

void Service::NoteBase(const std::string& base, bool reads) {
  const std::lock_guard lock(base_mu_);
  if (!reads && base_of_reader_) return;
  usual_base_ = base;
  base_of_reader_ = base_of_reader_ || reads;
}

std::string Service::UsualBase() const {
  if (!options_.public_url.empty()) return options_.public_url + options_.root;
  const std::lock_guard lock(base_mu_);
  return usual_base_;
}

}  // namespace hilum::dicomweb
