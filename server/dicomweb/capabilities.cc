#include "server/dicomweb/capabilities.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "base/json_text.h"
#include "base/markup.h"
#include "codecs/dicom/tag_path.h"
#include "codecs/pixel/codec.h"
#include "server/dicomweb/documents.h"
#include "server/dicomweb/extended_tags.h"
#include "server/dicomweb/rendering.h"
#include "server/dicomweb/resource.h"
#include "storage/catalogue/attributes.h"

namespace hilum::dicomweb {
namespace {

using What = Resource::What;
using Texts = std::vector<std::string>;

struct Method {
  std::string name;
  Texts parameters;       // of the query
  Texts accepts;          // media types of the body
  Texts representations;  // media types of the answer
};

struct Offer {
  std::string path;
  std::vector<Method> methods;
};

std::optional<storage::Level> SearchLevel(What what) {
  switch (what) {
    case What::kPatients:
      return storage::Level::kPatient;
    case What::kStudies:
      return storage::Level::kStudy;
    case What::kSeries:
      return storage::Level::kSeries;
    case What::kInstances:
      return storage::Level::kInstance;
    default:
      return std::nullopt;
  }
}

Texts SearchParameters(const storage::AttributeTable& table, storage::Level level) {
  Texts parameters = {"limit", "offset", "includefield", "fuzzymatching", "fhir"};
  std::set<std::string> names;
  for (const storage::CatalogueAttribute& attribute : table.all()) {
    const bool searchable = table.FindSearchable(level, attribute.path) != nullptr;
    if (std::string name = dicom::KeywordPath(attribute.path); searchable && names.insert(name).second)
      parameters.push_back(std::move(name));
  }
  return parameters;
}

std::string InParts(std::string_view type) {
  return "multipart/related; type=\"" + std::string(type) + "\"";
}

// What frames are sent as.
Texts FrameTypes() {
  Texts types = {InParts("application/octet-stream")};
  for (const pixel::TransferSyntax& syntax : pixel::TransferSyntaxes())
    if (std::string type = InParts(syntax.media_type()); std::ranges::find(types, type) == types.end())
      types.push_back(std::move(type));
  types.insert(types.end(), {"video/mp4", "video/mpeg"});
  return types;
}

Texts BulkDataTypes() {
  Texts types = FrameTypes();
  for (const std::string_view type : ReadableTypes()) {
    const bool made = type == "text/html" || type == "text/plain";  // of a report
    if (!made && std::ranges::find(types, type) == types.end()) types.emplace_back(type);
  }
  return types;
}

// Documents are rendered whole only.
Texts RenderedTypes(bool frames) {
  Texts types = PictureTypes();
  for (const std::string& type : PictureTypes()) types.push_back(InParts(type));
  if (frames) return types;
  const auto documents = ReadableTypes();
  types.insert(types.end(), documents.begin(), documents.end());
  return types;
}

Texts Representations(const Resource& resource) {
  const std::string dicom = InParts("application/dicom"), xml = InParts("application/dicom+xml");
  switch (resource.what) {
    case What::kObject:
      return resource.instance ? Texts{dicom, "application/dicom", "application/zip"} : Texts{dicom, "application/zip"};
    case What::kMetadata:
      return {"application/dicom+json", xml};
    case What::kFrames:
    case What::kPixelData:
      return FrameTypes();
    case What::kBulkData:
    case What::kAllBulkData:
      return BulkDataTypes();
    case What::kRendered:
      return RenderedTypes(!resource.frames.empty());
    case What::kThumbnail:
      return PictureTypes();
    case What::kChangeFeed:
      return {"application/json", "text/event-stream"};
    case What::kLatestChange:
      return {"application/json"};
    default:
      return {"application/dicom+json", xml, "text/csv"};
  }
}

Method MethodOf(const storage::AttributeTable& table, const Resource& resource, std::string name) {
  Method method{.name = std::move(name)};
  if (method.name == "POST") {
    method.accepts = {"multipart/related; type=\"application/dicom\"", "application/dicom",
                      "multipart/related; type=\"application/dicom+json\"",
                      "multipart/related; type=\"application/dicom+xml\""};
    method.representations = {"application/dicom+json", "application/dicom+xml"};
  } else if (method.name == "GET") {
    if (const auto level = SearchLevel(resource.what)) method.parameters = SearchParameters(table, *level);
    if (resource.what == What::kChangeFeed)
      method.parameters = {"offset", "limit", "startTime", "endTime", "includeMetadata"};
    if (resource.what == What::kLatestChange) method.parameters = {"includeMetadata"};
    method.representations = Representations(resource);
  }
  return method;
}

Method MethodOf(const TagResource& resource, std::string name) {
  Method method{.name = std::move(name)};
  if (method.name == "POST" || method.name == "PATCH") method.accepts = {"application/json"};
  if (method.name == "GET" && resource.pages) method.parameters = {"limit", "offset"};
  if (method.name != "DELETE" && method.name != "OPTIONS") method.representations = {"application/json"};
  return method;
}

Texts MethodsIn(std::string_view allow) {
  Texts methods;
  while (!allow.empty()) {
    const size_t end = std::min(allow.find(", "), allow.size());
    methods.emplace_back(allow.substr(0, end));
    allow.remove_prefix(std::min(end + 2, allow.size()));
  }
  return methods;
}

std::vector<Offer> Offers(const storage::AttributeTable& table) {
  std::vector<Offer> offers;
  for (const std::string_view pattern : kResourcePaths) {
    const Resource resource = ExampleOf(pattern);
    Offer& offer = offers.emplace_back(Offer{std::string(pattern), {}});
    for (std::string& method : MethodsIn(resource.Allow()))
      offer.methods.push_back(MethodOf(table, resource, std::move(method)));
  }
  for (const TagResource& resource : kTagResources) {
    Offer& offer = offers.emplace_back(Offer{std::string(resource.path), {}});
    for (std::string& method : MethodsIn(resource.methods))
      offer.methods.push_back(MethodOf(resource, std::move(method)));
  }
  return offers;
}

std::string Quoted(std::string_view text) {  // an XML attribute
  std::string out = "\"";
  for (const char c : text) {
    const std::string_view entity = EntityOf(c);
    out.append(entity.empty() ? std::string_view(&c, 1) : entity);
  }
  return out + "\"";
}

void AppendJsonList(std::string_view name, const Texts& texts, std::string* out) {
  if (texts.empty()) return;
  out->append(",\"").append(name).append("\":[");
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out->push_back(',');
    AppendJsonString(texts[i], out);
  }
  out->push_back(']');
}

}  // namespace

std::string CapabilitiesWadl(const std::string& base, const storage::AttributeTable& table) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<application xmlns=\"http://wadl.dev.java.net/2009/02\">\n"
      "<resources base=" +
      Quoted(base) + ">\n";
  for (const Offer& offer : Offers(table)) {
    out += "<resource path=" + Quoted(offer.path) + ">\n";
    for (const Method& method : offer.methods) {
      out += "<method name=" + Quoted(method.name) + ">";
      if (!method.parameters.empty() || !method.accepts.empty()) {
        out += "<request>";
        for (const std::string& name : method.parameters) out += "<param name=" + Quoted(name) + " style=\"query\"/>";
        for (const std::string& type : method.accepts) out += "<representation mediaType=" + Quoted(type) + "/>";
        out += "</request>";
      }
      if (!method.representations.empty()) {
        out += "<response>";
        for (const std::string& type : method.representations)
          out += "<representation mediaType=" + Quoted(type) + "/>";
        out += "</response>";
      }
      out += "</method>\n";
    }
    out += "</resource>\n";
  }
  return out + "</resources>\n</application>\n";
}

std::string CapabilitiesJson(const std::string& base, const storage::AttributeTable& table) {
  std::string out = "{\"base\":";
  AppendJsonString(base, &out);
  out += ",\"resources\":[";
  for (const Offer& offer : Offers(table)) {
    out += out.back() == '[' ? "{\"path\":" : ",{\"path\":";
    AppendJsonString(offer.path, &out);
    out += ",\"methods\":[";
    for (const Method& method : offer.methods) {
      out += out.back() == '[' ? "{\"name\":" : ",{\"name\":";
      AppendJsonString(method.name, &out);
      AppendJsonList("parameters", method.parameters, &out);
      AppendJsonList("accepts", method.accepts, &out);
      AppendJsonList("representations", method.representations, &out);
      out += "}";
    }
    out += "]}";
  }
  return out + "]}";
}

}  // namespace hilum::dicomweb
