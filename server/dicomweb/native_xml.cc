#include "server/dicomweb/native_xml.h"

#include "codecs/dicom/json.h"
#include "codecs/dicom/model.h"
#include "codecs/multipart/writer.h"
#include "server/dicomweb/selection.h"
#include "server/dicomweb/service.h"

namespace hilum::dicomweb {
namespace {

constexpr char kXml[] = "application/dicom+xml";
// Attributes stand before the pixels, nearly always within this.
constexpr uint64_t kHeaderBytes = 64 * 1024;

}  // namespace

Result<std::string> XmlOf(std::string_view json) {
  const dicom::ModelLimits limits{.max_elements = SIZE_MAX};  // what we wrote ourselves was bounded when it was read
  const auto data_sets = dicom::ReadJsonModel(json, limits);
  if (!data_sets.ok()) return Internal("attributes as XML: " + data_sets.status().message());
  std::string document;
  for (const dicom::ModelDataSet& data_set : *data_sets) dicom::AppendXmlModel(data_set, &document);
  return document;
}

Status SendXmlParts(http::Responder& responder, Random& random, const std::vector<std::string>& documents,
                    http::Headers headers) {
  if (documents.empty()) return responder.Send(204, std::move(headers), "");
  multipart::Writer writer(random);
  headers.Add("Content-Type", writer.ContentType(kXml));
  std::string body;
  for (const std::string& document : documents) body.append(writer.PartHead({{"Content-Type", kXml}})).append(document);
  body.append(writer.End());
  return responder.Send(200, std::move(headers), body);
}

Status Service::RetrieveXmlMetadata(http::Request& request, const Resource& resource, Selection selection,
                                    http::Responder& responder) {
  const std::string etag = WeakTag("\"x" + selection.etag.substr(1));
  http::Headers headers = {{"ETag", etag}, {"Cache-Control", "private, no-cache"}, {"Vary", "Accept"}};
  HILUM_ASSIGN_OR_RETURN(const bool answered, AnswerCondition(request, responder, headers));
  if (answered) return Status::Ok();

  multipart::Writer writer(random_);
  headers.Add("Content-Type", writer.ContentType(kXml));
  const std::string base = BaseUrl(request) + "/studies/" + *resource.study + "/series/";
  for (Found& found : selection.instances) {
    HILUM_ASSIGN_OR_RETURN(const Mapping mapping, MapObject(store_, &found, kHeaderBytes));
    const std::string url = base + found.series_uid + "/instances/" + found.row.uid;
    const dicom::JsonOptions options{
        .bulk_data_uri = [&](const std::string& path) { return url + "/bulkdata/" + path; }};
    std::string json;
    HILUM_RETURN_IF_ERROR(dicom::AppendJson(mapping.bytes(), options, options_.ingest.limits, &json)
                              .WithContext("instance " + found.row.uid));
    HILUM_ASSIGN_OR_RETURN(const std::string document, XmlOf(json));
    if (!responder.started()) HILUM_RETURN_IF_ERROR(responder.Head(200, headers, std::nullopt));
    HILUM_RETURN_IF_ERROR(
        responder.Write(writer.PartHead({{"Content-Type", kXml}, {"Content-Location", url + "/metadata"}}) + document));
  }
  HILUM_RETURN_IF_ERROR(responder.Write(writer.End()));
  return responder.Finish();
}

}  // namespace hilum::dicomweb
