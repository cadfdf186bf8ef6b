// WADO-RS: bulk data, the values that metadata only refers to (PS3.18 10.4.1.5).
#include <algorithm>

#include "server/dicomweb/documents.h"
#include "server/dicomweb/frame_source.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/selection.h"
#include "server/dicomweb/service.h"

namespace hilum::dicomweb {
namespace {

constexpr std::string_view kOctets = "application/octet-stream";
constexpr dicom::Tag kDocument{0x0042, 0x0011}, kDocumentType{0x0042, 0x0012};

// Finds one element by its path of tags and item numbers.
class ElementFinder : public dicom::Visitor {
 public:
  explicit ElementFinder(std::string path) : path_(std::move(path)) {}

  Status OnElement(const dicom::Element& element) override {
    if (!found_ && Prefix(element.depth) + dicom::ToHex(element.tag) == path_) found_ = element;
    if (element.depth == 0 && element.tag == kDocumentType) document_type_ = element.value;
    return Status::Ok();
  }
  Status OnEncapsulated(const dicom::Element& element) override {
    if (element.depth == 0 && dicom::ToHex(element.tag) == path_) encapsulated_ = true;
    return Status::Ok();
  }
  Status OnSequenceBegin(const dicom::Element& element) override {
    open_.push_back({dicom::ToHex(element.tag), -1});
    return Status::Ok();
  }
  Status OnItemBegin(uint32_t) override {
    if (!open_.empty()) ++open_.back().second;
    return Status::Ok();
  }
  Status OnSequenceEnd(uint32_t) override {
    if (!open_.empty()) open_.pop_back();
    return Status::Ok();
  }

  const std::optional<dicom::Element>& found() const { return found_; }
  bool encapsulated() const { return encapsulated_; }
  // MIME Type of Encapsulated Document, as written.
  const std::string& document_type() const { return document_type_; }

 private:
  std::string Prefix(uint32_t depth) const {
    std::string prefix;
    for (size_t i = 0; i < open_.size() && i < depth; ++i)
      prefix += open_[i].first + "/" + std::to_string(open_[i].second) + "/";
    return prefix;
  }

  const std::string path_;
  std::vector<std::pair<std::string, int>> open_;
  std::optional<dicom::Element> found_;
  bool encapsulated_ = false;
  std::string document_type_;
};

// The media type of an encapsulated document. What the file says of itself counts only where its SOP class says
// nothing.
std::string TypeOfDocument(const storage::InstanceRow& row, const std::string& stated) {
  if (const std::string_view known = DocumentType(row); !known.empty()) return std::string(known);
  const auto type = multipart::ParseMediaType(stated);
  return type.ok() ? type->Essence() : "";
}

bool Takes(const InstanceChoice& choice, std::string_view type) {
  if (type.empty()) return false;
  return choice.media_type == type || choice.media_type == std::string(type.substr(0, type.find('/'))) + "/*";
}

}  // namespace

Status Service::RetrieveBulkData(http::Request& request, const Resource& resource, const QueryParameters& query,
                                 http::Responder& responder) {
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(store_.Read(), resource));
  Found& found = selection.instances.front();
  HILUM_ASSIGN_OR_RETURN(const StoredRange object, LocateObject(store_, &found));
  HILUM_ASSIGN_OR_RETURN(const Mapping mapping, MapObject(store_, &found));
  ElementFinder finder(resource.bulk_data);
  std::string inflated;
  HILUM_RETURN_IF_ERROR(dicom::Read(mapping.bytes(), options_.ingest.limits, finder, &inflated).status());
  if (finder.encapsulated()) return RetrieveFrames(request, resource, query, responder);  // all of them
  if (!finder.found()) return NotFound("instance " + found.row.uid + " has no element at " + resource.bulk_data);

  const dicom::Element& element = *finder.found();
  const bool top = element.depth == 0;
  const std::string own =
      top && element.tag == kDocument ? TypeOfDocument(found.row, finder.document_type()) : std::string();
  const std::vector<InstanceChoice> choices = Accepted(request, query).Frames();
  const auto choice = std::ranges::find_if(
      choices, [&](const InstanceChoice& one) { return one.media_type == kOctets || Takes(one, own); });
  if (choice == choices.end() && top && element.tag == dicom::tags::kPixelData)
    return RetrieveFrames(request, resource, query, responder);
  if (choice == choices.end())
    return SendError(responder, request, 406,
                     "this bulk data can be had as application/octet-stream" + (own.empty() ? "" : " or " + own) +
                         ", alone or in multipart/related");
  const bool typed = choice->media_type != kOctets;
  const std::string type = typed ? own : std::string(kOctets);
  const bool in_file = inflated.empty();
  const bool in_parts = in_file && choice->packing == Packing::kMultipart;
  const std::string etag = (typed ? "\"bd" : "\"b") + selection.etag.substr(1);
  http::Headers headers = {{"ETag", in_parts ? WeakTag(etag) : etag}, {"Vary", "Accept"}};
  HILUM_ASSIGN_OR_RETURN(const bool answered, AnswerCondition(request, responder, headers));
  if (answered) return Status::Ok();
  // It would run in the browser as a page of ours: without scripts, forms and anything from elsewhere.
  if (typed && type != "application/pdf")
    headers.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox");
  const StoredRange range = object.Slice(element.offset, element.length);
  if (in_parts)
    return SendParts(store_, responder, random_, type, {{{{"Content-Type", type}}, {range}}}, std::move(headers));
  headers.Add("Content-Type", type);
  if (in_file) return SendRange(store_, request, responder, range, std::move(headers));
  return SendBytes(request, responder, element.value, std::move(headers));
}

}  // namespace hilum::dicomweb
