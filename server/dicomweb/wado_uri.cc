#include "server/dicomweb/wado_uri.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "base/uid.h"
#include "codecs/dicom/attributes.h"
#include "codecs/multipart/media_type.h"
#include "server/dicomweb/documents.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/refusal.h"
#include "server/dicomweb/selection.h"

namespace hilum::dicomweb {
namespace {

constexpr uint32_t kMaxSide = 8192;

// The first value of that name; parameters come in any case from old clients.
std::string_view Find(const QueryParameters& query, std::string_view name) {
  for (const auto& [key, value] : query)
    if (EqualsIgnoringCase(key, name)) return value;
  return {};
}

Result<std::string> RequiredUid(const QueryParameters& query, std::string_view name) {
  const std::string_view value = Find(query, name);
  if (value.empty()) return Invalid(std::string(name) + " is missing");
  if (!IsStorableUid(value)) return Invalid(std::string(name) + " is not a UID: digits and dots, at most 64");
  return std::string(value);
}

Result<uint32_t> Count(const QueryParameters& query, std::string_view name, uint32_t most) {
  const std::string_view value = Find(query, name);
  if (value.empty()) return uint32_t{0};
  const std::optional<uint32_t> number = ParseDecimal<uint32_t>(value);
  if (!number || *number == 0 || *number > most)
    return Invalid(std::string(name) + " must be a number from 1 to " + std::to_string(most));
  return *number;
}

// PS3.18 9.4.1.2.4: a rectangle from the upper left to the lower right corner, the image being 1 by 1.
Result<std::array<double, 4>> ParseRegion(std::string_view value) {
  std::array<double, 4> sides{};
  for (size_t i = 0; i < sides.size(); ++i) {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), sides[i]);
    const bool last = i + 1 == sides.size();
    value.remove_prefix(static_cast<size_t>(end - value.data()));
    if (error != std::errc() || !(sides[i] >= 0 && sides[i] <= 1) || (last ? !value.empty() : !value.starts_with(',')))
      return Invalid("region must be left,top,right,bottom, each from 0 to 1");
    if (!last) value.remove_prefix(1);
  }
  if (sides[0] >= sides[2] || sides[1] >= sides[3]) return Invalid("region must be wider and higher than nothing");
  return sides;
}

Status AddRendering(const QueryParameters& query, UriRequest* request) {
  const std::string_view center = Find(query, "windowCenter"), width = Find(query, "windowWidth");
  if (center.empty() != width.empty()) return Invalid("windowCenter and windowWidth must be given together");
  if (!center.empty() && !Find(query, "presentationUID").empty())
    return Invalid("windowCenter and windowWidth cannot be given with presentationUID: the state has its own window");
  if (!center.empty()) request->rendering.emplace_back("window", std::string(center).append(",").append(width));
  request->quality = Find(query, "imageQuality");
  if (const std::string_view annotation = Find(query, "annotation"); !annotation.empty())
    request->rendering.emplace_back("annotation", annotation);
  for (const char* const name : {"iccprofile", "presentationSeriesUID", "presentationUID"})
    if (const std::string_view value = Find(query, name); !value.empty()) request->rendering.emplace_back(name, value);
  return Status::Ok();
}

}  // namespace

Result<UriRequest> ParseUriRequest(const QueryParameters& query) {
  if (Find(query, "requestType") != "WADO") return Invalid("requestType must be WADO");
  UriRequest request;
  request.object.what = Resource::What::kObject;
  HILUM_ASSIGN_OR_RETURN(request.object.study, RequiredUid(query, "studyUID"));
  HILUM_ASSIGN_OR_RETURN(request.object.series, RequiredUid(query, "seriesUID"));
  HILUM_ASSIGN_OR_RETURN(request.object.instance, RequiredUid(query, "objectUID"));
  if (!Find(query, "anonymize").empty())  // PS3.18 9.4.2.3: with "no" it is 400, too
    return Invalid("anonymize: objects are not de-identified on the way; leave it out to get what is stored");
  request.content_type = Find(query, "contentType");
  request.transfer_syntax = Find(query, "transferSyntax");
  if (!request.transfer_syntax.empty() && request.transfer_syntax != "*" && !IsStorableUid(request.transfer_syntax))
    return Invalid("transferSyntax is not a UID");
  HILUM_ASSIGN_OR_RETURN(const uint32_t frame, Count(query, "frameNumber", UINT32_MAX));
  if (frame > 0) request.frame = frame;
  HILUM_ASSIGN_OR_RETURN(request.rows, Count(query, "rows", kMaxSide));
  HILUM_ASSIGN_OR_RETURN(request.columns, Count(query, "columns", kMaxSide));
  if (const std::string_view region = Find(query, "region"); !region.empty()) {
    HILUM_ASSIGN_OR_RETURN(request.region, ParseRegion(region));
  }
  HILUM_RETURN_IF_ERROR(AddRendering(query, &request));
  return request;
}

std::string ViewportOf(const UriRequest& request, uint32_t image_rows, uint32_t image_columns) {
  if (request.rows == 0 && request.columns == 0 && !request.region) return "";
  const std::array<double, 4> region = request.region.value_or(std::array<double, 4>{0, 0, 1, 1});
  const double width = (region[2] - region[0]) * image_columns, height = (region[3] - region[1]) * image_rows;
  const auto side = [&](uint32_t asked, uint32_t other, double own) {
    if (asked > 0) return asked;
    // The side that was not asked for follows the other one.
    return other > 0 ? kMaxSide : static_cast<uint32_t>(std::clamp<double>(std::round(own), 1, kMaxSide));
  };
  std::string viewport = std::to_string(side(request.columns, request.rows, width)) + "," +
                         std::to_string(side(request.rows, request.columns, height));
  if (!request.region) return viewport;
  for (const double number : {region[0] * image_columns, region[1] * image_rows, width, height})
    viewport += "," + std::to_string(number);
  return viewport;
}

Status UriService::Retrieve(http::Request& request, const QueryParameters& query, http::Responder& responder) {
  if (request.method == "OPTIONS") return responder.Send(204, {{"Allow", "GET, HEAD, OPTIONS"}}, "");
  if (request.method != "GET" && request.method != "HEAD")
    return SendError(responder, request, 405, request.method + " is not possible here",
                     {{"Allow", "GET, HEAD, OPTIONS"}});
  HILUM_ASSIGN_OR_RETURN(const UriRequest wanted, ParseUriRequest(query));
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(store_.Read(), wanted.object));
  HILUM_ASSIGN_OR_RETURN(const Mapping mapping, MapObject(store_, &selection.instances.front(), kHeaderBytes));
  const Result<dicom::Header> read =
      dicom::ReadHeader(mapping.bytes(), dicom::AttributeSelection({}), options_.ingest.limits);
  HILUM_RETURN_IF_ERROR(mapping.Judge(read.status()));
  const dicom::Header& header = *read;
  // PS3.18 9.4.1.1: what is sent when any type will do. Frames of their own have no better form than a picture.
  const std::vector<std::string> pictures = PictureTypes();
  std::vector<std::string> types = pictures;
  types.emplace_back("application/dicom");
  const bool has_pixels = header.layout.pixel_data_offset > 0;
  if (!wanted.WantsPicture() && (!has_pixels || header.frames > 1))
    std::rotate(types.begin(), types.end() - 1, types.end());
  const QueryParameters asked = {{"accept", wanted.content_type}};
  const std::vector<std::string> readable = ReadableTypes(selection.instances.front().row);
  types.insert(wanted.WantsPicture() ? types.end() : types.begin(), readable.begin(), readable.end());
  const Accepted accepted(request, wanted.content_type.empty() ? QueryParameters() : asked);
  const auto type = accepted.FirstOf(types);
  if (!type)
    return SendError(responder, request, 406,
                     "contentType can be application/dicom, image/jpeg, image/png, image/gif or image/jp2" +
                         (readable.empty() ? "" : ", and of this object " + Listed(readable)));

  if (*type == "application/dicom") {
    if (wanted.WantsPicture())
      return Invalid(
          "frameNumber, rows, columns, region, window, imageQuality, annotation and presentationUID ask for a picture: "
          "set contentType to an image type, or leave them out");
    const std::string syntax = wanted.transfer_syntax.empty() ? "" : "; transfer-syntax=" + wanted.transfer_syntax;
    return instances_.Retrieve(request, wanted.object, {{"accept", *type + syntax}}, responder);
  }
  Resource rendered = wanted.object;
  rendered.what = Resource::What::kRendered;
  if (wanted.frame) rendered.frames = {*wanted.frame};
  QueryParameters rendering = wanted.rendering;
  if (!wanted.quality.empty()) rendering.emplace_back("quality", wanted.quality);
  // PNG with its depth; of a document that may be missing, the picture as well.
  std::string accept = *type == "image/png" && !wanted.content_type.empty() ? wanted.content_type : *type;
  const auto picture = accepted.FirstOf(pictures);
  if (std::ranges::find(readable, *type) != readable.end() && picture) accept += ", " + *picture;
  rendering.emplace_back("accept", std::move(accept));
  if (const std::string viewport = ViewportOf(wanted, header.rows, header.columns); !viewport.empty())
    rendering.emplace_back("viewport", viewport);
  Status sent = pictures_.Retrieve(request, rendered, rendering, responder);
  // PS3.18 9.5.2.1; of WADO-RS it is 404.
  if (wanted.frame && sent.code() == Code::kNotFound) return Invalid("frameNumber: " + std::string(sent.message()));
  return sent;
}

}  // namespace hilum::dicomweb
