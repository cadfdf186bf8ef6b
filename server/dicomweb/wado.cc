// WADO-RS: whole instances and their metadata (PS3.18 10.4).
#include <algorithm>

#include "codecs/pixel/transcode.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/selection.h"
#include "server/dicomweb/service.h"

namespace hilum::dicomweb {
namespace {

// Metadata is sent in pieces of this size, so that a study of any length takes no memory.
constexpr size_t kPieceBytes = 1 << 20;

// The transfer syntax an instance is sent in when `wanted` is asked for ("*": as stored, "": nothing in particular);
// empty when that cannot be.
std::string SyntaxFor(const std::string& wanted, const std::string& stored) {
  const bool big_endian = stored == kExplicitBigEndian;  // no client can be expected to read it (retired in 2006)
  if (wanted == stored || (wanted == "*" && !big_endian)) return stored;
  const std::string target = wanted.empty() || wanted == "*" ? std::string(kExplicitLittleEndian) : wanted;
  if (target == stored || pixel::CanTranscode(stored, target)) return target;
  return wanted.empty() ? stored : "";  // asked for nothing in particular: better as stored than not at all
}

// The first choice that every instance can be sent in.
std::optional<InstanceChoice> Choose(const std::vector<InstanceChoice>& choices, const std::vector<Found>& instances) {
  for (const InstanceChoice& choice : choices) {
    const bool all = std::all_of(instances.begin(), instances.end(), [&](const Found& found) {
      return !SyntaxFor(choice.transfer_syntax, found.row.transfer_syntax).empty();
    });
    if (all) return choice;
  }
  return std::nullopt;
}

}  // namespace

Status Service::Retrieve(http::Request& request, const Resource& resource, const QueryParameters& query,
                         http::Responder& responder) {
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(store_.Read(), resource));
  const auto choice = Choose(Accepted(request, query).Instances(resource.instance.has_value()), selection.instances);
  if (!choice) {
    return SendError(responder, request, 406,
                     "instances can be had as multipart/related; type=\"application/dicom\"" +
                         std::string(resource.instance ? ", application/dicom" : "") +
                         " or application/zip, as stored with transfer-syntax=* and in the transfer syntaxes of the "
                         "conformance statement");
  }
  http::Headers headers = {{"ETag", selection.etag}};
  if (choice->transfer_syntax != "*")
    headers.Set("ETag", "\"" + choice->transfer_syntax + "-" + selection.etag.substr(1));
  if (choice->packing == Packing::kZip) headers.Set("ETag", "\"z" + std::string(headers.First("ETag")->substr(1)));
  if (NotModified(request, std::string(*headers.First("ETag")))) return responder.Send(304, std::move(headers), "");

  const std::string base = BaseUrl(request) + "/studies/" + *resource.study + "/series/";
  std::vector<Part> parts;
  std::vector<std::string> targets;
  bool as_stored = true;
  for (Found& found : selection.instances) {
    targets.push_back(SyntaxFor(choice->transfer_syntax, found.row.transfer_syntax));
    as_stored = as_stored && targets.back() == found.row.transfer_syntax;
    HILUM_ASSIGN_OR_RETURN(StoredRange range, LocateObject(store_, &found));
    parts.push_back({{{"Content-Type", multipart::WithTransferSyntax("application/dicom", targets.back())},
                      {"Content-Location", base + found.series_uid + "/instances/" + found.row.uid}},
                     {std::move(range)}});
  }
  if (choice->packing == Packing::kZip)
    return SendZip(*resource.study, selection, targets, parts, std::move(headers), responder);
  const bool single = choice->packing == Packing::kSinglePart;
  if (single) {
    headers.Add("Content-Type", parts[0].headers[0].second);
    headers.Add("Content-Disposition", "attachment; filename=\"" + selection.instances[0].row.uid + ".dcm\"");
  }
  if (as_stored && single) return SendRange(store_, request, responder, parts[0].ranges[0], std::move(headers));
  if (as_stored) return SendParts(store_, responder, random_, "application/dicom", parts, std::move(headers));

  // Transcoded: sizes are not known ahead. Nothing is sent before the first octet is there, so that a damaged instance
  // can still be answered for.
  multipart::Writer writer(random_);
  if (!single) headers.Add("Content-Type", writer.ContentType("application/dicom"));
  for (size_t i = 0; i < parts.size(); ++i) {
    bool begun = false;
    const auto send = [&](Bytes bytes) -> Status {
      if (!responder.started()) HILUM_RETURN_IF_ERROR(responder.Head(200, headers, std::nullopt));
      if (!begun && !single) HILUM_RETURN_IF_ERROR(responder.Write(writer.PartHead(parts[i].headers)));
      begun = true;
      return responder.Write(bytes);
    };
    HILUM_ASSIGN_OR_RETURN(const Mapping mapping, MapObject(store_, &selection.instances[i]));
    const std::string& stored = selection.instances[i].row.transfer_syntax;
    const Status status = targets[i] == stored ? send(mapping.bytes())
                                               : pixel::Transcode(mapping.bytes(), targets[i],
                                                                  {.read = options_.ingest.limits}, codec_, send);
    if (!status.ok()) return CodecFailure(status, selection.instances[i].row.uid);
  }
  if (!single) HILUM_RETURN_IF_ERROR(responder.Write(writer.End()));
  return responder.Finish();
}

Status Service::RetrieveMetadata(http::Request& request, const Resource& resource, const QueryParameters& query,
                                 http::Responder& responder) {
  const auto form = Accepted(request, query).Metadata();
  if (!form)
    return SendError(responder, request, 406,
                     "metadata can be had as application/dicom+json or multipart/related; "
                     "type=\"application/dicom+xml\"");
  if (form == Accepted::Listing::kJson && !resource.instance) {
    HILUM_ASSIGN_OR_RETURN(const bool sent, SendReadyMetadata(request, resource, responder));
    if (sent) return Status::Ok();
  }
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(store_.Read(), resource));
  if (form == Accepted::Listing::kXml) return RetrieveXmlMetadata(request, resource, std::move(selection), responder);
  // The representation is another one than the object's: another tag.
  const std::string etag = "\"m" + selection.etag.substr(1);
  http::Headers headers = {
      {"Content-Type", "application/dicom+json"}, {"ETag", etag}, {"Cache-Control", "private, no-cache"}};
  if (NotModified(request, etag)) return responder.Send(304, std::move(headers), "");

  const std::string base = BaseUrl(request);
  std::string body = "[";
  for (Found& found : selection.instances) {
    if (body.size() > 1 || responder.started()) body.push_back(',');
    HILUM_RETURN_IF_ERROR(AppendMetadata(*resource.study, base, &found, &body));
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

}  // namespace hilum::dicomweb
