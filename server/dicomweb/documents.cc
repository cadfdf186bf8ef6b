#include "server/dicomweb/documents.h"

#include "codecs/dicom/frames.h"
#include "codecs/dicom/report.h"
#include "codecs/dicom/transfer_syntax.h"

namespace hilum::dicomweb {
namespace {

constexpr const char kHtml[] = "text/html", kText[] = "text/plain";  // of reports

struct Kind {
  std::string_view uid;
  std::string_view media_type;
};

constexpr Kind kDocuments[] = {{"1.2.840.10008.5.1.4.1.1.104.1", "application/pdf"},
                               {"1.2.840.10008.5.1.4.1.1.104.2", "text/xml"},  // CDA
                               {"1.2.840.10008.5.1.4.1.1.104.3", "model/stl"},
                               {"1.2.840.10008.5.1.4.1.1.104.4", "model/obj"},
                               {"1.2.840.10008.5.1.4.1.1.104.5", "model/mtl"}};

bool IsText(std::string_view document_type) {
  return document_type == "text/xml" || document_type == "model/obj" || document_type == "model/mtl";
}

class DocumentFinder : public dicom::Visitor {
 public:
  Status OnElement(const dicom::Element& element) override {
    if (element.depth > 0) return Status::Ok();
    if (element.tag == dicom::Tag(0x0042, 0x0011) && !found_) found_ = element;
    if (element.tag == dicom::Tag(0x0042, 0x0015) && element.length == 4)
      stated_ = element.big_endian ? LoadBe<uint32_t>(element.value.data()) : LoadLe<uint32_t>(element.value.data());
    return Status::Ok();
  }
  bool WantsSequence(const dicom::Element& element) override { return false; }

  const std::optional<dicom::Element>& found() const { return found_; }
  // Without the byte that pads it to even length. Where no length is stated (older objects), only text tells it from
  // the document.
  uint64_t length(bool is_text) const {
    if (stated_) return *stated_ + 1 == found_->length ? *stated_ : found_->length;
    return found_->length - (is_text && found_->value.ends_with('\0') ? 1 : 0);
  }

 private:
  std::optional<dicom::Element> found_;
  std::optional<uint64_t> stated_;
};

Status SendVideo(storage::Store& store, const http::Request& request, Found& found, http::Headers headers,
                 http::Responder& responder) {
  dicom::FrameTable table;
  HILUM_ASSIGN_OR_RETURN(const std::string encoded, store.Read().FrameTable(found.doc, found.row));
  ByteReader in(encoded);
  if (encoded.empty()) return NotFound("instance " + found.row.uid + " has no video stream");
  if (!dicom::ReadFrameTable(&in, &table))
    return Corruption("the frame table of instance " + found.row.uid + " is damaged");
  HILUM_ASSIGN_OR_RETURN(const StoredRange object, LocateObject(store, &found));
  std::vector<StoredRange> stream;
  for (const dicom::FrameRange& range : table.ranges) stream.push_back(object.Slice(range.offset, range.length));
  return SendRanges(store, request, responder, stream, std::move(headers));
}

}  // namespace

std::string_view DocumentType(const storage::InstanceRow& row) {
  if (dicom::IsVideo(row.transfer_syntax)) return dicom::MediaTypeOf(row.transfer_syntax);
  if (dicom::IsReport(row.sop_class())) return kHtml;
  for (const Kind& kind : kDocuments)
    if (row.sop_class() == kind.uid) return kind.media_type;
  return {};
}

std::vector<std::string> ReadableTypes(const storage::InstanceRow& row) {
  if (dicom::IsReport(row.sop_class())) return {kHtml, kText};
  const std::string_view type = DocumentType(row);
  return type.empty() ? std::vector<std::string>() : std::vector{std::string(type)};
}

std::vector<std::string_view> ReadableTypes() {
  std::vector<std::string_view> types = {kHtml, kText};
  for (const Kind& kind : kDocuments) types.push_back(kind.media_type);
  types.insert(types.end(), {"video/mp4", "video/mpeg"});
  return types;
}

void PutInSandbox(http::Headers* headers) {
  headers->Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox");
}

Status SendReadable(storage::Store& store, const dicom::ReadLimits& limits, const http::Request& request, Found& found,
                    std::string_view type, http::Headers headers, http::Responder& responder) {
  headers.Set("Content-Type", std::string(type));
  if (dicom::IsVideo(found.row.transfer_syntax)) return SendVideo(store, request, found, std::move(headers), responder);
  if (type.starts_with("text/")) PutInSandbox(&headers);
  HILUM_ASSIGN_OR_RETURN(const StoredRange object, LocateObject(store, &found));
  HILUM_ASSIGN_OR_RETURN(const Mapping mapping, MapObject(store, &found));
  if (type == kHtml || type == kText) {
    headers.Set("Content-Type", std::string(type) + "; charset=utf-8");
    HILUM_ASSIGN_OR_RETURN(const std::string report, type == kHtml ? dicom::ReportHtml(mapping.bytes(), limits)
                                                                   : dicom::ReportText(mapping.bytes(), limits));
    return responder.Send(200, std::move(headers), report);
  }
  DocumentFinder finder;
  dicom::Inflated inflated;
  HILUM_RETURN_IF_ERROR(dicom::Read(mapping.bytes(), limits, finder, &inflated).status());
  const uint64_t length = finder.found() ? finder.length(IsText(type)) : 0;
  if (length == 0) return NotFound("instance " + found.row.uid + " holds no document (0042,0011)");
  if (inflated.empty())
    return SendRange(store, request, responder, object.Slice(finder.found()->offset, length), std::move(headers));
  return SendBytes(request, responder, finder.found()->value.substr(0, length), std::move(headers));
}

}  // namespace hilum::dicomweb
