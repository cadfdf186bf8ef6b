// WADO-RS: frames and bulk data (PS3.18 10.4.1.4, 10.4.1.5).
#include <algorithm>
#include <numeric>

#include "codecs/dicom/frames.h"
#include "codecs/pixel/instance.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/selection.h"
#include "server/dicomweb/service.h"

namespace hilum::dicomweb {
namespace {

std::string_view MediaTypeOf(std::string_view transfer_syntax) {
  const pixel::TransferSyntax* syntax = pixel::FindTransferSyntax(transfer_syntax);
  return syntax ? syntax->media_type : "application/octet-stream";
}

// Frames of these have no octets of their own in the file, or none that a client can be expected to read.
bool HasPlainFrames(const std::string& stored) {
  const pixel::TransferSyntax* syntax = pixel::FindTransferSyntax(stored);
  return !syntax || !(syntax->big_endian || syntax->deflated);
}

// Decoded here and hardly anywhere else: JPEG XL, retired JPEG processes. Viewers that ask for "*" as octets mean
// something that they can decode; by its media type or UID such a syntax is still had as stored.
bool IsRare(const std::string& stored) {
  const pixel::TransferSyntax* syntax = pixel::FindTransferSyntax(stored);
  return syntax && !syntax->can_encode;
}

// The syntax for one choice, "" when it cannot be made. Without a syntax a media type means its default (PS3.18
// table 8.7.3-5).
std::string SyntaxFor(const InstanceChoice& choice, const std::string& stored) {
  static constexpr std::pair<std::string_view, std::string_view> kDefaults[] = {
      {"image/jpeg", "1.2.840.10008.1.2.4.70"},   {"image/jls", "1.2.840.10008.1.2.4.80"},
      {"image/jp2", "1.2.840.10008.1.2.4.90"},    {"image/jphc", "1.2.840.10008.1.2.4.201"},
      {"image/dicom-rle", "1.2.840.10008.1.2.5"},
  };
  std::string target = choice.transfer_syntax;
  if (target.empty() && choice.media_type == kAnyImage)
    target = MediaTypeOf(stored).starts_with("image/") ? std::string_view(stored) : kDefaults[0].second;
  const bool decoded = !HasPlainFrames(stored) || (IsRare(stored) && choice.media_type == "application/octet-stream");
  if (target == "*") target = decoded ? std::string(kExplicitLittleEndian) : stored;
  if (target.empty() && choice.media_type == MediaTypeOf(stored) && choice.media_type != "application/octet-stream")
    target = stored;
  for (const auto& [type, syntax] : kDefaults)
    if (target.empty() && choice.media_type == type) target = syntax;
  if (target.empty()) target = kExplicitLittleEndian;
  if (target == stored && HasPlainFrames(stored)) return target;
  return pixel::CanDecode(stored) && pixel::CanEncode(target) ? target : "";
}

// Native pixels in the colour order the data set declares: decoders give them interleaved.
void Planarize(pixel::Image* image) {
  const size_t octets = image->format.bits_allocated / 8;
  const size_t samples = image->format.samples;
  if (octets == 0 || samples < 2) return;
  const size_t pixels = image->pixels.size() / (octets * samples);
  std::string planar(image->pixels.size(), '\0');
  for (size_t s = 0; s < samples; ++s)
    for (size_t p = 0; p < pixels; ++p)
      image->pixels.copy(&planar[(s * pixels + p) * octets], octets, (p * samples + s) * octets);
  image->pixels = std::move(planar);
}

Result<std::string> TranscodeFrame(const pixel::Instance& instance, uint32_t index, const std::string& target,
                                   pixel::FrameCodec& codec) {
  std::string storage;
  HILUM_ASSIGN_OR_RETURN(const Bytes frame, instance.Frame(index, &storage));
  HILUM_ASSIGN_OR_RETURN(pixel::Image image, codec.Decode(instance.syntax().uid, frame, instance.format(), {}));
  if (!pixel::FindTransferSyntax(target)->encapsulated()) {
    if (instance.format().planar) Planarize(&image);
    return std::move(image.pixels);
  }
  HILUM_ASSIGN_OR_RETURN(pixel::EncodedFrame encoded, codec.Encode(image, target, {}));
  return std::move(encoded.bytes);
}

// Finds one element by its path of tags and item numbers.
class ElementFinder : public dicom::Visitor {
 public:
  explicit ElementFinder(std::string path) : path_(std::move(path)) {}

  Status OnElement(const dicom::Element& element) override {
    if (!found_ && Prefix(element.depth) + dicom::ToHex(element.tag) == path_) found_ = element;
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
};

}  // namespace

Status Service::RetrieveFrames(http::Request& request, const Resource& resource, const QueryParameters& query,
                               http::Responder& responder) {
  const storage::CatalogueReader reader = store_.Read();
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(reader, resource));
  Found& found = selection.instances.front();
  const std::string& stored = found.row.transfer_syntax;
  std::vector<uint32_t> frames = resource.frames;

  const std::vector<InstanceChoice> choices = Accepted(request, query).Frames(frames.size() == 1);
  const auto choice = std::find_if(choices.begin(), choices.end(),
                                   [&](const InstanceChoice& one) { return !SyntaxFor(one, stored).empty(); });
  if (choice == choices.end()) {
    return SendError(responder, request, 406,
                     "frames of this instance can be had in their stored transfer syntax " + stored +
                         " as multipart/related; type=\"application/octet-stream\"; transfer-syntax=*");
  }
  const std::string target = SyntaxFor(*choice, stored);
  const std::string type = multipart::WithTransferSyntax(MediaTypeOf(target), target);
  http::Headers headers = {{"ETag", "\"f" + target + "-" + selection.etag.substr(1)}, {"Vary", "Accept"}};

  dicom::FrameTable table;
  HILUM_ASSIGN_OR_RETURN(const std::string encoded, reader.FrameTable(found.doc, found.row));
  ByteReader in(encoded);
  if (!encoded.empty() && !dicom::ReadFrameTable(&in, &table))
    return Corruption("the frame table of instance " + found.row.uid + " is damaged");
  const bool as_stored = target == stored && table.frames() > 0 && !table.bit_packed;

  if (as_stored) {
    if (frames.empty()) {
      frames.resize(table.frames());
      std::iota(frames.begin(), frames.end(), 1);
    }
    HILUM_ASSIGN_OR_RETURN(const StoredRange object, LocateObject(store_, &found));
    std::vector<Part> parts;
    for (const uint32_t frame : frames) {
      if (frame > table.frames())
        return NotFound("there is no frame " + std::to_string(frame) + "; the instance has " +
                        std::to_string(table.frames()));
      Part& part = parts.emplace_back(Part{{{"Content-Type", type}}, {}});
      for (uint32_t i = table.first_range[frame - 1]; i < table.first_range[frame]; ++i)
        part.ranges.push_back(object.Slice(table.ranges[i].offset, table.ranges[i].length));
    }
    if (parts.size() == 1 && parts[0].ranges.size() == 1 && (choice->packing == Packing::kSinglePart)) {
      headers.Add("Content-Type", type);
      return SendRange(store_, request, responder, parts[0].ranges[0], std::move(headers));
    }
    return SendParts(store_, responder, random_, MediaTypeOf(target), parts, std::move(headers));
  }

  HILUM_ASSIGN_OR_RETURN(const Mapping mapping, MapObject(store_, &found));
  HILUM_ASSIGN_OR_RETURN(const pixel::Instance instance,
                         pixel::Instance::Open(mapping.bytes(), options_.ingest.limits));
  if (frames.empty()) {
    frames.resize(instance.frames());
    std::iota(frames.begin(), frames.end(), 1);
  }
  for (const uint32_t frame : frames)
    if (frame > instance.frames())
      return NotFound("there is no frame " + std::to_string(frame) + "; the instance has " +
                      std::to_string(instance.frames()));
  multipart::Writer writer(random_);
  for (const uint32_t frame : frames) {
    const auto bytes = TranscodeFrame(instance, frame - 1, target, codec_);
    if (!bytes.ok()) return CodecFailure(bytes.status(), found.row.uid);
    if (choice->packing == Packing::kSinglePart) {
      headers.Add("Content-Type", type);
      return SendBytes(request, responder, *bytes, std::move(headers));
    }
    const std::string part = writer.PartHead({{"Content-Type", type}});
    if (!responder.started()) {
      std::optional<uint64_t> length;  // of several it is known only when all are made
      if (frames.size() == 1) length = part.size() + bytes->size() + writer.End().size();
      headers.Add("Content-Type", writer.ContentType(MediaTypeOf(target)));
      HILUM_RETURN_IF_ERROR(responder.Head(200, headers, length));
    }
    HILUM_RETURN_IF_ERROR(responder.Write(part));
    HILUM_RETURN_IF_ERROR(responder.Write(*bytes));
  }
  HILUM_RETURN_IF_ERROR(responder.Write(writer.End()));
  return responder.Finish();
}

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
  const auto choices = Accepted(request, query).Frames(true);
  if (choices.empty())
    return SendError(responder, request, 406,
                     "bulk data can be had as application/octet-stream, alone or in multipart/related");
  http::Headers headers = {{"ETag", "\"b" + selection.etag.substr(1)}, {"Vary", "Accept"}};
  const bool in_file = inflated.empty();
  const StoredRange range = object.Slice(element.offset, element.length);
  if (in_file && choices[0].packing == Packing::kMultipart)
    return SendParts(store_, responder, random_, "application/octet-stream",
                     {{{{"Content-Type", "application/octet-stream"}}, {range}}}, std::move(headers));
  headers.Add("Content-Type", "application/octet-stream");
  if (in_file) return SendRange(store_, request, responder, range, std::move(headers));
  return SendBytes(request, responder, element.value, std::move(headers));
}

}  // namespace hilum::dicomweb
