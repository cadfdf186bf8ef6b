#include "server/dicomweb/bulk_data.h"

#include <algorithm>

#include "codecs/dicom/bulk.h"
#include "codecs/dicom/byte_order.h"
#include "server/dicomweb/bulk_parts.h"
#include "server/dicomweb/documents.h"
#include "server/dicomweb/refusal.h"

namespace hilum::dicomweb {
namespace {

constexpr dicom::Tag kDocument{0x0042, 0x0011}, kDocumentType{0x0042, 0x0012};

// Finds one element by its path of tags and item numbers.
class ElementFinder : public dicom::PathVisitor {
 public:
  explicit ElementFinder(std::string path) : path_(std::move(path)) {}

  Status OnElement(const dicom::Element& element) override {
    if (!found_ && PathOf(element) == path_) found_ = element;
    if (element.depth == 0 && element.tag == kDocumentType) document_type_ = element.value;
    return Status::Ok();
  }
  Status OnEncapsulated(const dicom::Element& element) override {
    if (!found_ && PathOf(element) == path_) {
      found_ = element;
      encapsulated_ = true;
    }
    return Status::Ok();
  }

  const std::optional<dicom::Element>& found() const { return found_; }
  bool encapsulated() const { return encapsulated_; }
  // MIME Type of Encapsulated Document, as written.
  const std::string& document_type() const { return document_type_; }

 private:
  const std::string path_;
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

}  // namespace

Status BulkDataService::RetrieveOne(http::Request& request, const Resource& resource, const QueryParameters& query,
                                    http::Responder& responder) {
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(store_.Read(), resource));
  Found& found = selection.instances.front();
  HILUM_ASSIGN_OR_RETURN(const StoredRange object, LocateObject(store_, &found));
  HILUM_ASSIGN_OR_RETURN(const Mapping mapping, MapObject(store_, &found));
  ElementFinder finder(resource.bulk_data);
  dicom::Inflated inflated;
  HILUM_RETURN_IF_ERROR(dicom::Read(mapping.bytes(), options_.ingest.limits, finder, &inflated).status());
  if (!finder.found()) return NotFound("instance " + found.row.uid + " has no element at " + resource.bulk_data);
  const dicom::Element& element = *finder.found();
  const bool top = element.depth == 0;
  if (finder.encapsulated() && top) return RetrieveFrames(request, resource, query, responder);  // all of them

  const std::string& stored = found.row.transfer_syntax;
  std::string own;  // its type, when that is not bytes
  if (finder.encapsulated()) own = dicom::MediaTypeOf(stored);
  if (top && element.tag == kDocument) own = TypeOfDocument(found.row, finder.document_type());
  const bool pixels = top && element.tag == dicom::tags::kPixelData;
  const auto choices = Accepted(request, query).Frames();
  const auto choice = std::ranges::find_if(choices, [&](const InstanceChoice& one) {
    return one.media_type == kOctetStream || one.Takes(own) || (pixels && !FrameSyntax(one, stored).empty());
  });
  if (choice == choices.end())
    return SendError(
        responder, request, 406,
        "this bulk data can be had as application/octet-stream" + (own.empty() ? "" : " or " + own) +
            ", alone or in multipart/related" +
            (pixels ? "; its frames " + ObtainableFrames(store_, selection.instances, options_.ingest.limits) : ""));
  if (pixels && choice->media_type != kOctetStream) return RetrieveFrames(request, resource, query, responder);
  const bool typed = choice->media_type != kOctetStream;
  const std::string type = typed ? own : std::string(kOctetStream);
  const bool in_parts = choice->packing == Packing::kMultipart;
  const std::string etag = (typed ? "\"bd" : "\"b") + selection.etag.substr(1);
  http::Headers headers = {{"ETag", in_parts ? WeakTag(TagWithUrls(etag, options_.BaseUrl(request))) : etag},
                           {"Vary", "Accept"}};
  HILUM_ASSIGN_OR_RETURN(const bool answered, AnswerCondition(request, responder, headers));
  if (answered) return Status::Ok();
  if (typed && type != "application/pdf") PutInSandbox(&headers);

  const std::string label = finder.encapsulated() ? multipart::WithTransferSyntax(type, stored) : type;
  std::vector<StoredRange> ranges;  // where the bytes stand in the file as they are sent
  if (finder.encapsulated()) {
    for (const dicom::FrameRange& one : dicom::FragmentsOf(mapping.bytes(), element))
      ranges.push_back(object.Slice(one.offset, one.length));
  } else if (inflated.empty() && element.reversed == 1) {
    ranges.push_back(object.Slice(element.offset, element.length));
  }
  std::string turned;
  if (element.reversed > 1) turned = dicom::LittleEndian(element.value, element.reversed);
  const Bytes bytes = element.reversed > 1 ? Bytes(turned) : element.value;  // where there are no such ranges
  if (!in_parts) {
    headers.Add("Content-Type", label);
    if (ranges.empty()) return SendBytes(request, responder, bytes, std::move(headers));
    return SendRanges(store_, request, responder, ranges, std::move(headers));
  }
  const multipart::PartHeaders head = {{"Content-Type", label}, {"Content-Location", request.base_url + request.path}};
  // Whole, whatever Range says: clients that ask for ranges of a value in parts (dicomweb-client) read whole parts
  // only.
  if (!ranges.empty())
    return SendParts(
        store_, request, responder, multipart::Writer(random_), type, 1,
        [&](size_t) {
          return Part{head, ranges};
        },
        std::move(headers));
  BulkParts parts(store_, random_, std::move(headers), responder);
  HILUM_RETURN_IF_ERROR(parts.Begin(head));
  HILUM_RETURN_IF_ERROR(parts.Append(bytes));
  return parts.Finish();
}

}  // namespace hilum::dicomweb
