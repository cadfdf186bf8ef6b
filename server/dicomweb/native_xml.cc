#include "server/dicomweb/native_xml.h"

#include "codecs/dicom/json.h"
#include "codecs/dicom/model.h"

namespace hilum::dicomweb {

Result<std::string> XmlOf(std::string_view json) {
  const dicom::ModelLimits limits{.max_elements = SIZE_MAX};  // what we wrote ourselves was bounded when it was read
  const auto data_sets = dicom::ReadJsonModel(json, limits);
  if (!data_sets.ok()) return Internal("attributes as XML: " + data_sets.status().message());
  std::string document;
  for (const dicom::ModelDataSet& data_set : *data_sets) dicom::AppendXmlModel(data_set, &document);
  return document;
}

void XmlParts::Add(std::string_view document) {
  body_.append(writer_.PartHead({{"Content-Type", kNativeXml}})).append(document);
}

Status XmlParts::Send(http::Headers headers, http::Responder& responder) {
  if (body_.empty()) return responder.Send(204, std::move(headers), "");
  headers.Add("Content-Type", writer_.ContentType(kNativeXml));
  body_.append(writer_.End());
  return responder.Send(200, std::move(headers), body_);
}

}  // namespace hilum::dicomweb
