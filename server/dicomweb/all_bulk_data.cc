// WADO-RS: all bulk data, or the pixel data alone, of a study, a series or an instance (PS3.18 10.4.1.1.5, 10.4.1.1.6).
#include <algorithm>

#include "codecs/dicom/bulk.h"
#include "codecs/dicom/byte_order.h"
#include "codecs/dicom/json.h"
#include "server/dicomweb/bulk_data.h"
#include "server/dicomweb/bulk_parts.h"
#include "server/dicomweb/documents.h"
#include "server/dicomweb/package.h"
#include "server/dicomweb/refusal.h"

namespace hilum::dicomweb {
namespace {

constexpr dicom::Tag kDocument{0x0042, 0x0011};

bool IsNative(std::string_view transfer_syntax) {
  const pixel::TransferSyntax* const syntax = pixel::FindTransferSyntax(transfer_syntax);
  return syntax && !syntax->encapsulated();
}

bool FitsDocument(const InstanceChoice& choice, const Found& found) {
  const std::string_view type = DocumentType(found.row);
  return !type.empty() && choice.Takes(type);
}

// The choices that any instance has something for, most wanted first.
std::vector<InstanceChoice> ChooseBulk(std::vector<InstanceChoice> choices, const std::vector<Found>& instances,
                                       bool only_pixels) {
  std::erase_if(choices, [&](const InstanceChoice& choice) {
    if (!choice.CanComeInParts()) return true;
    return std::ranges::none_of(instances, [&](const Found& found) {
      return !FrameSyntax(choice, found.row.transfer_syntax).empty() ||
             (!only_pixels && (choice.media_type == kOctetStream || FitsDocument(choice, found)));
    });
  });
  return choices;
}

// What bulk data can be had as, for who asked for something else.
std::string ObtainableBulkData(const std::vector<Found>& instances, const std::string& frames) {
  std::string text = "bulk data can be had as multipart/related; type=\"application/octet-stream\"";
  std::vector<std::string_view> documents;
  for (const Found& found : instances) {
    const std::string_view type = DocumentType(found.row);
    if (type.empty() || std::ranges::find(documents, type) != documents.end()) continue;
    documents.push_back(type);
    text += ", documents as " + std::string(type);
  }
  return frames.empty() ? text : text + "; pixel data " + frames;
}

// What tells the answer from those to other choices. Only types and syntaxes that we know are in it.
std::string TagFor(const std::vector<InstanceChoice>& choices, bool only_pixels, const std::string& base,
                   const std::string& etag) {
  std::string tag = only_pixels ? "\"p" : "\"a";
  for (const InstanceChoice& choice : choices) {
    const bool known = choice.transfer_syntax == "*" || pixel::FindTransferSyntax(choice.transfer_syntax);
    if (&choice != &choices.front()) tag += ",";
    tag += choice.media_type + "+" + (known ? choice.transfer_syntax : "");
  }
  return WeakTag(TagWithUrls(tag + "-" + etag.substr(1), base));
}

constexpr std::string_view kUnreadable = "left out: it cannot be read";

// Sends the bulk data of one instance after the other.
class BulkSender {
 public:
  struct Wish {
    std::vector<InstanceChoice> choices;  // most wanted first
    bool only_pixels = false;
    bool or_fail = false;  // what cannot be had as asked is an error, as long as nothing was sent
  };

  BulkSender(storage::Store& store, const storage::CatalogueReader& reader, pixel::FrameCodec& codec,
             const dicom::ReadLimits& limits, CodecFailures& failures, MadeMemory& memory, Wish wish, BulkParts& parts)
      : store_(store),
        reader_(reader),
        codec_(codec),
        limits_(limits),
        failures_(failures),
        memory_(memory),
        wish_(std::move(wish)),
        parts_(parts) {}

  // `url`: of the instance.
  Status Add(Found* found, std::string url);
  // What the memory of frames counts in; null without any.
  std::unique_ptr<MemoryAllowance::Share> TakeShare() { return std::move(share_); }

 private:
  Status AddBulk(const dicom::BulkValue& value);
  // A value that is no encapsulated pixel data, in little endian.
  Status AddValue(const dicom::BulkValue& value, std::string type, bool refused);
  Status AddFragments(const dicom::BulkValue& value);
  Status AddPixels(const dicom::BulkValue& value);
  // In one transfer syntax, from frame *next on. `ours`: an error is of the store, not of the pixels.
  Status AddPixelsAs(const std::string& syntax, const std::string& url, bool refused, uint32_t* next, bool* ours);
  // Frames from number *next on, which moves on; whole ones, so that others can take over where one fails.
  Status AddFrames(const FrameSource& source, const std::string& url, bool refused, uint32_t* next);
  Status MakeValue(const FrameSource& source, const std::string& url);
  Result<std::string> Make(const FrameSource& source, uint32_t frame);

  multipart::PartHeaders HeadOf(std::string type, std::string url, bool refused) const {
    multipart::PartHeaders head = {{"Content-Type", std::move(type)}, {"Content-Location", std::move(url)}};
    if (refused) head.emplace_back("Warning", http::WarningOf(kRefused));
    return head;
  }
  std::string UrlOf(const dicom::BulkValue& value) const { return url_ + "/bulkdata/" + value.path; }
  bool IsInFile(const dicom::Element& element) const { return inflated_.empty() && element.reversed == 1; }

  storage::Store& store_;
  const storage::CatalogueReader& reader_;
  pixel::FrameCodec& codec_;
  const dicom::ReadLimits& limits_;
  CodecFailures& failures_;
  MadeMemory& memory_;
  std::unique_ptr<MemoryAllowance::Share> share_;
  const Wish wish_;
  BulkParts& parts_;
  bool in_part_ = false;  // a part is begun and not complete
  // The instance at hand. Offsets of its values are of the file, or of `inflated_` when that is not empty.
  Found* found_ = nullptr;
  std::string url_;
  StoredRange object_;
  Bytes file_;
  dicom::Inflated inflated_;
  bool checked_ = false;  // all of it
};

Status BulkSender::Add(Found* found, std::string url) {
  found_ = found;
  url_ = std::move(url);
  inflated_.Clear();
  checked_ = false;
  HILUM_ASSIGN_OR_RETURN(object_, LocateObject(store_, found));
  HILUM_ASSIGN_OR_RETURN(const Mapping mapping, MapObject(store_, found, kHeaderBytes));
  file_ = mapping.bytes();
  return mapping.Judge(dicom::ForEachBulkValue(file_, dicom::JsonOptions().inline_binary_bytes, limits_, &inflated_,
                                               [this](const dicom::BulkValue& value) { return AddBulk(value); }));
}

Status BulkSender::AddBulk(const dicom::BulkValue& value) {
  const dicom::Element& element = value.element;
  if (element.depth == 0 && dicom::IsPixelData(element.tag)) return AddPixels(value);
  if (wish_.only_pixels) return Status::Ok();
  if (value.encapsulated) return AddFragments(value);
  const std::string_view document = DocumentType(found_->row);
  const bool is_document = element.depth == 0 && element.tag == kDocument && !document.empty();
  return AddValue(value, std::string(is_document ? document : kOctetStream), /*refused=*/false);
}

Status BulkSender::AddValue(const dicom::BulkValue& value, std::string type, bool refused) {
  const dicom::Element& element = value.element;
  const multipart::PartHeaders head = HeadOf(std::move(type), UrlOf(value), refused);
  if (IsInFile(element)) return parts_.AddStored(head, {object_.Slice(element.offset, element.length)});
  if (!checked_) HILUM_RETURN_IF_ERROR(store_.objects().Check(object_.object, 0, object_.length));
  checked_ = true;
  HILUM_RETURN_IF_ERROR(parts_.Begin(head));
  return parts_.Append(element.reversed > 1 ? dicom::LittleEndian(element.value, element.reversed) : element.value);
}

Status BulkSender::AddFragments(const dicom::BulkValue& value) {
  std::vector<StoredRange> fragments;
  for (const dicom::FrameRange& one : dicom::FragmentsOf(file_, value.element))
    fragments.push_back(object_.Slice(one.offset, one.length));
  const std::string& syntax = found_->row.transfer_syntax;
  const std::string type = multipart::WithTransferSyntax(dicom::MediaTypeOf(syntax), syntax);
  return parts_.AddStored(HeadOf(type, UrlOf(value), /*refused=*/false), fragments);
}

Status BulkSender::AddPixels(const dicom::BulkValue& value) {
  const std::string& stored = found_->row.transfer_syntax;
  const std::string plain = PlainSyntax(stored);
  std::vector<std::string> targets;
  for (const InstanceChoice& choice : wish_.choices)
    if (std::string target = FrameSyntax(choice, stored); !target.empty()) targets.push_back(std::move(target));
  bool refused = targets.empty();
  if (refused) targets = {plain};

  const std::string url = UrlOf(value);
  uint32_t next = 1;
  for (size_t i = 0;;) {
    const std::string target = targets[i];
    // Native pixels are the same bytes in all native syntaxes.
    if (!value.encapsulated && IsNative(target))
      return AddValue(value, multipart::WithTransferSyntax(kOctetStream, target), refused);
    bool ours = false;
    Status status = AddPixelsAs(target, url, refused, &next, &ours);
    if (status.ok() || in_part_ || ours) return status;
    if (status.code() == Code::kUnsupported && ++i < targets.size()) continue;
    status = failures_.Tell(status, found_->row.uid);
    const bool its_own = status.code() == Code::kInvalid || status.code() == Code::kUnsupported;
    if (!its_own || (wish_.or_fail && !parts_.begun())) return status;
    status.IgnoreError();  // the client is told by Warning
    if (!value.encapsulated)
      return AddValue(value, multipart::WithTransferSyntax(kOctetStream, plain), /*refused=*/true);
    if (refused || target == plain) break;
    refused = true;
    targets = {plain};
    i = 0;
  }
  return parts_.Begin({{"Content-Type", std::string(kOctetStream)},
                       {"Content-Location", url},
                       {"Warning", http::WarningOf(kUnreadable)}});
}

Status BulkSender::AddPixelsAs(const std::string& syntax, const std::string& url, bool refused, uint32_t* next,
                               bool* ours) {
  HILUM_ASSIGN_OR_RETURN(const FrameSource source, FrameSource::Open(store_, reader_, found_, syntax, limits_));
  *ours = source.as_stored();
  return source.MakesValue() ? MakeValue(source, url) : AddFrames(source, url, refused, next);
}

Result<std::string> BulkSender::Make(const FrameSource& source, uint32_t frame) {
  const uint64_t bytes = source.FrameBytes();
  if (!parts_.begun() && (!share_ || share_->held() < bytes)) {
    share_.reset();  // who waits holds nothing
    HILUM_ASSIGN_OR_RETURN(share_, memory_.ForFrame(bytes));
  }
  // What was begun goes on; it counts as far as there is room.
  if (!share_) share_ = std::make_unique<MemoryAllowance::Share>(&memory_.allowance);
  if (share_->held() < bytes) share_->Grow(bytes - share_->held());
  return source.Make(frame, codec_);
}

Status BulkSender::MakeValue(const FrameSource& source, const std::string& url) {
  pixel::BitPacker packer;
  for (uint32_t frame = 1; frame <= source.frames(); ++frame) {
    HILUM_ASSIGN_OR_RETURN(std::string made, Make(source, frame));
    if (!in_part_) HILUM_RETURN_IF_ERROR(parts_.Begin(HeadOf(source.ContentType(), url, /*refused=*/false)));
    in_part_ = true;
    HILUM_RETURN_IF_ERROR(parts_.Append(source.PieceOf(std::move(made), frame, &packer)));
  }
  in_part_ = false;
  return Status::Ok();
}

Status BulkSender::AddFrames(const FrameSource& source, const std::string& url, bool refused, uint32_t* next) {
  const bool only = source.frames() == 1;  // then it is all of the element
  for (; *next <= source.frames(); ++*next) {
    const std::string own = only ? url : url_ + "/frames/" + std::to_string(*next);
    const multipart::PartHeaders head = HeadOf(source.ContentType(), own, refused);
    if (source.as_stored()) {
      HILUM_RETURN_IF_ERROR(parts_.AddStored(head, source.Stored(*next)));
      continue;
    }
    HILUM_ASSIGN_OR_RETURN(const std::string bytes, Make(source, *next));
    HILUM_RETURN_IF_ERROR(parts_.Begin(head));
    HILUM_RETURN_IF_ERROR(parts_.Append(bytes));
  }
  return Status::Ok();
}

}  // namespace

Status BulkDataService::RetrieveAll(http::Request& request, const Resource& resource, const QueryParameters& query,
                                    http::Responder& responder) {
  const storage::CatalogueReader reader = store_.Read();
  HILUM_ASSIGN_OR_RETURN(Selection selection, Select(reader, resource));
  const bool only_pixels = resource.what == Resource::What::kPixelData;
  const auto choices = ChooseBulk(Accepted(request, query).Frames(), selection.instances, only_pixels);
  if (choices.empty()) {
    const std::string frames = ObtainableFrames(store_, selection.instances, options_.ingest.limits);
    if (only_pixels && frames.empty()) return NotFound("there are no pixel data");
    return SendError(
        responder, request, 406,
        "no type that was asked for fits; " +
            (only_pixels ? "pixel data can be had " + frames : ObtainableBulkData(selection.instances, frames)));
  }
  return SendAll(request, resource, reader, std::move(selection), choices, responder);
}

Status BulkDataService::SendAll(http::Request& request, const Resource& resource,
                                const storage::CatalogueReader& reader, Selection selection,
                                const std::vector<InstanceChoice>& choices, http::Responder& responder) {
  const bool only_pixels = resource.what != Resource::What::kAllBulkData;
  const std::string base = options_.BaseUrl(request);
  http::Headers headers = {{"ETag", TagFor(choices, only_pixels, base, selection.etag)}, {"Vary", "Accept"}};
  HILUM_ASSIGN_OR_RETURN(const bool answered, AnswerCondition(request, responder, headers));
  if (answered) return Status::Ok();

  BulkParts parts(store_, random_, std::move(headers), responder);
  BulkSender sender(store_, reader, codec_, options_.ingest.limits, failures_, memory_,
                    {choices, only_pixels, /*or_fail=*/selection.instances.size() == 1}, parts);
  const std::string all_series = base + "/studies/" + *resource.study + "/series/";
  for (Found& found : selection.instances) {
    const Status status = sender.Add(&found, all_series + found.series_uid + "/instances/" + found.row.uid);
    if (status.code() == Code::kUnsupported && !parts.begun())
      return Unsupported(std::string(status.message()) + "; its pixels can be had " +
                         ObtainableFrames(store_, {found}, options_.ingest.limits));
    HILUM_RETURN_IF_ERROR(status);
    if (!responder.wants_body() && parts.begun()) return responder.Finish();
  }
  responder.CountUnsent(sender.TakeShare());
  if (!parts.begun()) return NotFound(only_pixels ? "there are no pixel data" : "there are no bulk data");
  return parts.Finish();
}

}  // namespace hilum::dicomweb
