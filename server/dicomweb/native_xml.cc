#include "server/dicomweb/native_xml.h"

#include "codecs/dicom/json.h"
#include "codecs/dicom/model.h"
#include "codecs/multipart/writer.h"

namespace hilum::dicomweb {

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
  headers.Add("Content-Type", writer.ContentType(kNativeXml));
  std::string body;
  for (const std::string& document : documents)
    body.append(writer.PartHead({{"Content-Type", kNativeXml}})).append(document);
  body.append(writer.End());
  return responder.Send(200, std::move(headers), body);
}

}  // namespace hilum::dicomweb
