// WADO-RS: frames (PS3.18 10.4.1.4).
#include <algorithm>

#include "server/dicomweb/bulk_data.h"
#include "server/dicomweb/documents.h"
#include "server/dicomweb/refusal.h"
#include "server/http/entity_tag.h"

namespace hilum::dicomweb {
namespace {

// Of frames in parts, held back before the first is sent.
constexpr uint64_t kHeldBytes = 16 << 20;

// Of types that are wanted equally that of the stored form goes first: nothing has to be made, nor is anything lost. It
// has to be named: who takes anything beside some type wants that type.
void PreferStored(const std::string& stored, std::vector<InstanceChoice>* choices) {
  const auto rank = [&](const InstanceChoice& choice) {
    const bool named = !choice.any && !choice.media_type.ends_with("/*");
    return std::pair(-choice.q, named && FrameSyntax(choice, stored) == stored ? 0 : 1);
  };
  std::ranges::stable_sort(*choices, {}, rank);
}

}  // namespace

Status BulkDataService::RetrieveFrames(http::Request& request, const Resource& resource, const QueryParameters& query,
                                       http::Responder& responder) {
  const storage::CatalogueReader reader = store_.Read();
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(reader, resource));
  Found& found = selection.instances.front();

  // The first that can be made of this image: most that cannot are told by its description, some by its pixels only.
  std::vector<InstanceChoice> choices = Accepted(request, query).Frames();
  PreferStored(found.row.transfer_syntax, &choices);
  std::string reason = "no form that was asked for can be made";
  Status damage;  // then there are only the bytes as they are stored
  std::vector<std::string> tried;
  for (auto choice = choices.begin(); choice != choices.end(); ++choice) {
    const std::string target = FrameSyntax(*choice, found.row.transfer_syntax);
    if (target.empty() || std::ranges::find(tried, target) != tried.end()) continue;
    tried.push_back(target);
    auto source = FrameSource::Open(store_, reader, &found, target, options_.ingest.limits);
    if (source.status().code() == Code::kUnsupported) {
      reason = source.status().message();
      continue;
    }
    if (!source.ok()) return source.status();
    if (!damage.ok() && !source->as_stored()) continue;
    HILUM_RETURN_IF_ERROR(source->Check(resource.frames));
    Status status = SendFramesAs(request, resource, reader, selection, {choice, choices.end()}, *source, responder);
    if (status.ok() || responder.started() || source->as_stored()) return status;
    if (status.code() == Code::kUnsupported)
      reason = status.message();
    else if (status.code() == Code::kInvalid)
      damage = std::move(status);
    else
      return status;
  }
  if (!damage.ok()) return damage;
  const std::string forms = ObtainableFrames(store_, selection.instances, options_.ingest.limits);
  if (forms.empty()) return NotFound("instance " + found.row.uid + " has no pixel data");
  return SendError(responder, request, 406, reason + "; frames of this instance can be had " + forms);
}

Status BulkDataService::SendFramesAs(http::Request& request, const Resource& resource,
                                     const storage::CatalogueReader& reader, const Selection& selection,
                                     const std::vector<InstanceChoice>& choices, const FrameSource& source,
                                     http::Responder& responder) {
  const Found& found = selection.instances.front();
  const InstanceChoice& choice = choices.front();
  // What takes a video as anything is a player: those know nothing of parts.
  const bool alone =
      choice.packing == Packing::kSinglePart || (choice.any && dicom::IsVideo(found.row.transfer_syntax));
  const bool value = alone && resource.frames.empty() && (source.StoredValue() || source.MakesValue());
  const bool one = resource.frames.size() == 1 || (resource.frames.empty() && source.frames() == 1);
  if (!value && !(alone && one) && !choice.CanComeInParts())
    return Unsupported("several frames come in multipart/related only");
  if (resource.frames.empty() && !value && !(alone && one))
    return SendAll(request, resource, reader, selection, choices, responder);
  const bool in_parts = !value && !(alone && one);
  const bool steady = in_parts && source.as_stored() && !options_.boundary_key.empty();
  std::string etag = (steady ? "\"fp" : "\"f") + std::string(source.target()) + "-" + selection.etag.substr(1);
  if (in_parts && !steady) etag = WeakTag(etag);
  http::Headers headers = {{"ETag", etag}, {"Vary", "Accept"}};
  HILUM_ASSIGN_OR_RETURN(const bool answered, AnswerCondition(request, responder, headers));
  if (answered) return Status::Ok();
  if (value) return SendPixelValue(request, source, found.row.uid, std::move(headers), responder);
  if (alone && one)
    return SendFrame(request, source, resource.frames.empty() ? 1 : resource.frames[0], found.row.uid,
                     std::move(headers), responder);
  return SendFrames(request, source, resource.frames, found.row.uid, std::move(headers), responder);
}

Status BulkDataService::SendFrame(http::Request& request, const FrameSource& source, uint32_t frame,
                                  const std::string& sop_uid, http::Headers headers, http::Responder& responder) {
  headers.Add("Content-Type", source.ContentType());
  if (source.as_stored()) return SendRanges(store_, request, responder, source.Stored(frame), std::move(headers));
  HILUM_ASSIGN_OR_RETURN(auto share, memory_.ForFrame(source.FrameBytes()));
  const auto bytes = source.Make(frame, codec_);
  if (!bytes.ok()) return failures_.Tell(bytes.status(), sop_uid);
  responder.CountUnsent(std::move(share));
  return SendBytes(request, responder, *bytes, std::move(headers));
}

Status BulkDataService::SendFrames(http::Request& request, const FrameSource& source,
                                   const std::vector<uint32_t>& frames, const std::string& sop_uid,
                                   http::Headers headers, http::Responder& responder) {
  const multipart::PartHeaders part_headers = {{"Content-Type", source.ContentType()}};
  if (source.as_stored()) {
    const auto part = [&](size_t i) { return Part{part_headers, source.Stored(frames[i])}; };
    const std::string etag(headers.First("ETag").value_or(""));
    multipart::Writer writer =
        http::IsWeakTag(etag) ? multipart::Writer(random_) : multipart::Writer(options_.boundary_key, etag);
    return SendParts(store_, request, responder, std::move(writer), source.media_type(), frames.size(), part,
                     std::move(headers));
  }
  multipart::Writer writer(random_);
  headers.Add("Content-Type", writer.ContentType(source.media_type()));
  HILUM_ASSIGN_OR_RETURN(auto share, memory_.ForFrame(source.FrameBytes()));
  const uint64_t room = share->held();  // for one
  std::vector<std::string> made;        // not sent yet
  uint64_t made_bytes = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    auto bytes = source.Make(frames[i], codec_);
    if (!bytes.ok()) return failures_.Tell(bytes.status(), sop_uid);
    made_bytes += bytes->size();
    made.push_back(*std::move(bytes));
    const bool last = i + 1 == frames.size();
    if (!last && !responder.wants_body()) {
      HILUM_RETURN_IF_ERROR(responder.Head(200, std::move(headers), std::nullopt));
      return responder.Finish();
    }
    // While nothing was sent a frame that cannot be made leads on to the next form that the client takes.
    if (!last && !responder.started() && made_bytes < kHeldBytes && share->Grow(source.FrameBytes())) continue;
    if (!responder.started()) {
      const auto size = [&](size_t frame) { return multipart::Writer::PartSize{part_headers, made[frame].size()}; };
      HILUM_RETURN_IF_ERROR(
          responder.Head(200, headers, last ? std::optional(writer.BodyLength(made.size(), size)) : std::nullopt));
    }
    for (std::string& frame : made) {
      HILUM_RETURN_IF_ERROR(responder.Write(writer.PartHead(part_headers)));
      HILUM_RETURN_IF_ERROR(responder.WriteOwned(std::move(frame)));
    }
    made.clear();
    share->Shrink(share->held() - room);
  }
  HILUM_RETURN_IF_ERROR(responder.Write(writer.End()));
  responder.CountUnsent(std::move(share));
  return responder.Finish();
}

Status BulkDataService::SendPixelValue(http::Request& request, const FrameSource& source, const std::string& sop_uid,
                                       http::Headers headers, http::Responder& responder) {
  headers.Add("Content-Type", source.ContentType());
  if (const auto value = source.StoredValue()) return SendRange(store_, request, responder, *value, std::move(headers));
  HILUM_ASSIGN_OR_RETURN(auto share, memory_.ForFrame(source.FrameBytes()));
  pixel::BitPacker packer;
  for (uint32_t frame = 1; frame <= source.frames(); ++frame) {
    auto made = source.Make(frame, codec_);
    if (!made.ok()) return failures_.Tell(made.status(), sop_uid);
    if (frame == source.frames()) responder.CountUnsent(std::move(share));
    std::string bytes = source.PieceOf(*std::move(made), frame, &packer);
    if (source.frames() == 1) return SendBytes(request, responder, bytes, std::move(headers));
    if (!responder.started()) HILUM_RETURN_IF_ERROR(responder.Head(200, headers, source.ValueBytes()));
    if (!responder.wants_body()) return responder.Finish();
    HILUM_RETURN_IF_ERROR(responder.WriteOwned(std::move(bytes)));
  }
  return responder.Finish();
}

}  // namespace hilum::dicomweb
