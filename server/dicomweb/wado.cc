// WADO-RS: retrieving instances, metadata and frames (PS3.18 10.4).
#include <algorithm>

#include "base/mapping.h"
#include "codecs/dicom/frames.h"
#include "codecs/dicom/json.h"
#include "codecs/multipart/writer.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/service.h"
#include "server/http/range.h"

namespace hilum::dicomweb {
namespace {

using storage::CatalogueReader;
using storage::Doc;
using storage::InstanceRow;
using storage::ObjectRef;

// Metadata is sent in pieces of this size, so that a study of any length takes no memory.
constexpr size_t kPieceBytes = 1 << 20;

struct Found {
  Doc doc = 0;
  std::string series_uid;
  InstanceRow row;
};

struct Selection {
  std::vector<Found> instances;
  std::string etag;  // strong; changes with every stored octet and every instance more or less
};

std::string Tagged(std::string_view kind, Doc doc, uint64_t version) {
  return "\"" + std::string(kind) + std::to_string(doc) + "-" + std::to_string(version) + "\"";
}

Status AddSeries(const CatalogueReader& reader, Doc series, const std::string& series_uid, Selection* selection) {
  HILUM_ASSIGN_OR_RETURN(const std::vector<Doc> docs, reader.InstancesOfSeries(series));
  for (const Doc doc : docs) {
    HILUM_ASSIGN_OR_RETURN(InstanceRow row, reader.Instance(doc));
    selection->instances.push_back({doc, series_uid, std::move(row)});
  }
  return Status::Ok();
}

// The instances a resource names, in order of series and arrival. kNotFound names the level that is missing.
Result<Selection> Select(const CatalogueReader& reader, const Resource& resource) {
  Selection selection;
  HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> study, reader.FindStudy(*resource.study));
  if (!study) return NotFound("there is no study " + *resource.study);
  if (!resource.series) {
    HILUM_ASSIGN_OR_RETURN(const storage::StudyRow row, reader.Study(*study));
    selection.etag = Tagged("t", *study, static_cast<uint64_t>(row.updated_micros));
    HILUM_ASSIGN_OR_RETURN(const std::vector<Doc> all, reader.SeriesOfStudy(*study));
    for (const Doc series : all) {
      HILUM_ASSIGN_OR_RETURN(const storage::SeriesRow series_row, reader.Series(series));
      HILUM_RETURN_IF_ERROR(AddSeries(reader, series, series_row.uid, &selection));
    }
    return selection;
  }
  HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> series, reader.FindSeries(*study, *resource.series));
  if (!series) return NotFound("there is no series " + *resource.series + " in that study");
  if (!resource.instance) {
    HILUM_ASSIGN_OR_RETURN(const storage::SeriesRow row, reader.Series(*series));
    selection.etag = Tagged("e", *series, static_cast<uint64_t>(row.updated_micros));
    HILUM_RETURN_IF_ERROR(AddSeries(reader, *series, *resource.series, &selection));
    return selection;
  }
  HILUM_ASSIGN_OR_RETURN(const std::optional<Doc> doc, reader.FindInstance({*resource.study, *resource.series, *resource.instance}));
  if (!doc) return NotFound("there is no instance " + *resource.instance + " in that series");
  HILUM_ASSIGN_OR_RETURN(InstanceRow row, reader.Instance(*doc));
  selection.etag = Tagged("i", *doc, row.version);
  selection.instances.push_back({*doc, *resource.series, std::move(row)});
  return selection;
}

// Where an instance's bytes are. Compaction may have moved them since the row was read; then the row of now says where.
Result<http::FileRange> LocateObject(storage::Store& store, Doc doc, InstanceRow* row) {
  auto location = store.objects().Locate(row->object);
  if (location.status().code() == Code::kNotFound) {
    HILUM_ASSIGN_OR_RETURN(*row, store.Read().Instance(doc));
    location = store.objects().Locate(row->object);
  }
  if (!location.ok()) return location.status();
  return http::FileRange{location->file, location->offset, row->object.length};
}

bool NotModified(const http::Request& request, const std::string& etag) {
  const auto field = request.headers.First("If-None-Match");
  return field && (*field == "*" || field->find(etag) != std::string_view::npos);
}

bool Serves(const std::string& wanted_syntax, const std::string& stored_syntax) { return wanted_syntax == "*" || wanted_syntax == stored_syntax; }

Status SendParts(http::Responder& responder, multipart::Writer& writer, std::string_view part_type, const std::vector<multipart::Writer::PartSize>& sizes,
                 const std::vector<std::vector<http::FileRange>>& ranges, http::Headers headers) {
  headers.Add("Content-Type", writer.ContentType(part_type));
  HILUM_RETURN_IF_ERROR(responder.Head(200, headers, writer.BodyLength(sizes)));
  for (size_t i = 0; i < sizes.size(); ++i) {
    HILUM_RETURN_IF_ERROR(responder.Write(writer.PartHead(sizes[i].headers)));
    for (const http::FileRange& range : ranges[i]) HILUM_RETURN_IF_ERROR(responder.WriteFile(range));
  }
  HILUM_RETURN_IF_ERROR(responder.Write(writer.End()));
  return responder.Finish();
}

// One stored range as the whole body, or the part of it that Range asks for.
Status SendSingle(const http::Request& request, http::Responder& responder, http::FileRange range, http::Headers headers) {
  headers.Add("Accept-Ranges", "bytes");
  const uint64_t total = range.length;
  const auto asked = http::ParseRange(request.headers.First("Range").value_or(""), total);
  if (!asked.ok()) return SendError(responder, request, 416, asked.status().message(), {{"Content-Range", "bytes */" + std::to_string(total)}});
  int code = 200;
  if (*asked) {
    const auto [begin, length] = **asked;
    code = 206;
    headers.Add("Content-Range", "bytes " + std::to_string(begin) + "-" + std::to_string(begin + length - 1) + "/" + std::to_string(total));
    range.offset += begin;
    range.length = length;
  }
  HILUM_RETURN_IF_ERROR(responder.Head(code, headers, range.length));
  HILUM_RETURN_IF_ERROR(responder.WriteFile(range));
  return responder.Finish();
}

}  // namespace

Status Service::Retrieve(http::Request& request, const Resource& resource, const QueryParameters& query, http::Responder& responder) {
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(store_.Read(), resource));
  const auto wanted = Accepted(request, query).Dicom(resource.instance.has_value());
  if (!wanted) {
    return SendError(responder, request, 406,
                     "instances can be had as multipart/related; type=\"application/dicom\"" + std::string(resource.instance ? " or application/dicom" : ""));
  }
  for (const Found& found : selection.instances) {
    if (!Serves(wanted->transfer_syntax, found.row.transfer_syntax))
      return SendError(responder, request, 406, "instance " + found.row.uid + " is stored in transfer syntax " + found.row.transfer_syntax +
                                                    " and is sent in no other; ask for transfer-syntax=*");
  }
  http::Headers headers = {{"ETag", selection.etag}};
  if (NotModified(request, selection.etag)) return responder.Send(304, std::move(headers), "");

  std::vector<multipart::Writer::PartSize> sizes;
  std::vector<std::vector<http::FileRange>> ranges;
  const std::string base = BaseUrl(request) + "/studies/" + *resource.study + "/series/";
  for (Found& found : selection.instances) {
    HILUM_ASSIGN_OR_RETURN(http::FileRange range, LocateObject(store_, found.doc, &found.row));
    const std::string type = multipart::WithTransferSyntax("application/dicom", found.row.transfer_syntax);
    if (wanted->packing == Accepted::Packing::kSinglePart) {
      headers.Add("Content-Type", type);
      headers.Add("Content-Disposition", "attachment; filename=\"" + found.row.uid + ".dcm\"");
      return SendSingle(request, responder, std::move(range), std::move(headers));
    }
    sizes.push_back({{{"Content-Type", type}, {"Content-Location", base + found.series_uid + "/instances/" + found.row.uid}}, range.length});
    ranges.push_back({std::move(range)});
  }
  multipart::Writer writer(random_);
  return SendParts(responder, writer, "application/dicom", sizes, ranges, std::move(headers));
}

Status Service::RetrieveMetadata(http::Request& request, const Resource& resource, const QueryParameters& query, http::Responder& responder) {
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(store_.Read(), resource));
  if (!Accepted(request, query).Json()) return SendError(responder, request, 406, "metadata can be had as application/dicom+json");
  // The representation is another one than the object's: another tag.
  const std::string etag = "\"m" + selection.etag.substr(1);
  http::Headers headers = {{"Content-Type", "application/dicom+json"}, {"ETag", etag}, {"Cache-Control", "private, no-cache"}};
  if (NotModified(request, etag)) return responder.Send(304, std::move(headers), "");

  std::string body = "[";
  for (Found& found : selection.instances) {
    HILUM_ASSIGN_OR_RETURN(const http::FileRange range, LocateObject(store_, found.doc, &found.row));
    HILUM_ASSIGN_OR_RETURN(const Mapping mapping, Mapping::Map(range.file, range.offset, range.length));
    if (body.size() > 1 || responder.started()) body.push_back(',');
    HILUM_RETURN_IF_ERROR(dicom::AppendJson(mapping.bytes(), {}, options_.ingest.limits, &body).WithContext("instance " + found.row.uid));
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

Status Service::RetrieveFrames(http::Request& request, const Resource& resource, const QueryParameters& query, http::Responder& responder) {
  const CatalogueReader reader = store_.Read();
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(reader, resource));
  Found& found = selection.instances.front();
  HILUM_ASSIGN_OR_RETURN(const std::string encoded, reader.FrameTable(found.doc, found.row));
  dicom::FrameTable table;
  ByteReader in(encoded);
  if (encoded.empty()) return NotFound("instance " + found.row.uid + " has no frames");
  if (!dicom::ReadFrameTable(&in, &table)) return Corruption("the frame table of instance " + found.row.uid + " is damaged");
  for (const uint32_t frame : resource.frames)
    if (frame > table.frames()) return NotFound("there is no frame " + std::to_string(frame) + "; the instance has " + std::to_string(table.frames()));

  const bool single = resource.frames.size() == 1;
  const auto wanted = Accepted(request, query).Frames(single);
  if (!wanted || !Serves(wanted->transfer_syntax, found.row.transfer_syntax) || table.bit_packed)
    return SendError(responder, request, 406, "frames of this instance can be had in their stored transfer syntax " + found.row.transfer_syntax +
                                                  " as multipart/related; type=\"application/octet-stream\"; transfer-syntax=*");
  http::Headers headers = {{"ETag", "\"f" + selection.etag.substr(1)}};
  HILUM_ASSIGN_OR_RETURN(const http::FileRange object, LocateObject(store_, found.doc, &found.row));

  const std::string type = multipart::WithTransferSyntax("application/octet-stream", found.row.transfer_syntax);
  std::vector<multipart::Writer::PartSize> sizes;
  std::vector<std::vector<http::FileRange>> ranges;
  for (const uint32_t frame : resource.frames) {
    std::vector<http::FileRange> pieces;
    uint64_t length = 0;
    for (uint32_t i = table.first_range[frame - 1]; i < table.first_range[frame]; ++i) {
      pieces.push_back({object.file, object.offset + table.ranges[i].offset, table.ranges[i].length});
      length += table.ranges[i].length;
    }
    if (wanted->packing == Accepted::Packing::kSinglePart && pieces.size() == 1) {
      headers.Add("Content-Type", type);
      return SendSingle(request, responder, std::move(pieces.front()), std::move(headers));
    }
    sizes.push_back({{{"Content-Type", type}}, length});
    ranges.push_back(std::move(pieces));
  }
  multipart::Writer writer(random_);
  return SendParts(responder, writer, "application/octet-stream", sizes, ranges, std::move(headers));
}

}  // namespace hilum::dicomweb
