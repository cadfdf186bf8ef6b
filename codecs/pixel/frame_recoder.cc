#include "codecs/pixel/frame_recoder.h"

#include "codecs/dicom/writer.h"
#include "codecs/pixel/bit_packer.h"

namespace hilum::pixel {
namespace {

using dicom::DataSetWriter;
using dicom::Vr;
namespace tags = dicom::tags;

}  // namespace

Result<std::string> FrameRecoder::Next() {
  const uint32_t index = next_++;
  const auto failed = [&](const Status& status) {
    return status.WithContext("frame " + std::to_string(uint64_t{index} + 1));
  };
  std::string storage;
  const Result<Bytes> frame = instance_.Frame(index, &storage);
  if (!frame.ok()) return failed(frame.status());
  HILUM_ASSIGN_OR_RETURN(const FrameTurn turn, codec_.BeginFrame(instance_.format()));
  Result<Image> image = codec_.Decode(instance_.syntax().uid, *frame, instance_.format(), options_.decode);
  if (!image.ok()) return failed(image.status());
  overlays_.RemoveFrom(&*image);
  EncodedFrame encoded{.format = image->format};
  decoded_bytes_ += image->pixels.size();
  if (target_.encapsulated()) {
    Result<EncodedFrame> result = codec_.Encode(*image, target_.uid, options_.encode);
    if (!result.ok()) return failed(result.status());
    encoded = *std::move(result);
  } else {
    encoded.bytes = std::move(image->pixels);
  }
  encoded_bytes_ += encoded.bytes.size();
  if (index == 0) {
    format_ = encoded.format;
    lossy_ = encoded.lossy;
  } else if (encoded.format != format_ || encoded.lossy != lossy_) {
    return failed(Invalid("its colours or its loss are not those of the first frame"));
  }
  return std::move(encoded.bytes);
}

Status FrameRecoder::Begin() {
  bool goes_on = true;
  while (goes_on) {
    HILUM_ASSIGN_OR_RETURN(std::string frame, Next());
    // It is held anyway; whether another one may be is asked before that is made.
    goes_on = target_.encapsulated() && next_ < instance_.frames() && encoded_bytes_ < options_.offset_table_bytes &&
              held_.Grow(frame.size());
    queue_.push_back(std::move(frame));
  }
  return Status::Ok();
}

Result<std::string> FrameRecoder::TakeFrame() {
  if (queue_.empty()) return Next();
  std::string frame = std::move(queue_.front());
  queue_.pop_front();
  held_.Shrink(frame.size());
  return frame;
}

Status FrameRecoder::Write(bool explicit_vr, const Sink& sink) {
  return target_.encapsulated() ? WriteEncapsulated(explicit_vr, sink) : WriteNative(explicit_vr, sink);
}

Status FrameRecoder::WriteNative(bool explicit_vr, const Sink& sink) {
  const bool bits = format_.bits_allocated == 1;
  const uint64_t frame_bits = uint64_t{format_.rows} * format_.columns;
  const unsigned __int128 wide = bits ? (static_cast<unsigned __int128>(frame_bits) * instance_.frames() + 7) / 8
                                      : static_cast<unsigned __int128>(FrameBytes(format_)) * instance_.frames();
  if (wide > 0xFFFFFFFEu) return LimitExceeded("native pixel data would be longer than 4 GiB");
  const auto total = static_cast<uint32_t>(wide);
  std::string head;
  DataSetWriter writer(explicit_vr, &head);
  writer.AddHeader(tags::kPixelData, Vr(format_.bits_allocated > 8 ? "OW" : "OB"), total + total % 2);
  HILUM_RETURN_IF_ERROR(sink(head));
  BitPacker packer;
  for (uint32_t i = 0; i < instance_.frames(); ++i) {
    HILUM_ASSIGN_OR_RETURN(std::string frame, TakeFrame());
    if (bits) {
      std::string packed;
      packer.Append(frame, frame_bits, &packed);
      frame = std::move(packed);
    }
    HILUM_RETURN_IF_ERROR(sink(frame));
  }
  std::string tail;
  packer.Flush(&tail);
  if (total % 2 != 0) tail.push_back('\0');
  return tail.empty() ? Status::Ok() : sink(tail);
}

Status FrameRecoder::WriteEncapsulated(bool explicit_vr, const Sink& sink) {
  std::string head;
  DataSetWriter writer(explicit_vr, &head);
  writer.AddHeader(tags::kPixelData, Vr("OB"), UINT32_MAX);
  const bool complete = queue_.size() == instance_.frames() && encoded_bytes_ < UINT32_MAX / 2;
  writer.AddItemTag(tags::kItem, complete ? static_cast<uint32_t>(queue_.size() * 4) : 0);
  if (complete) {
    uint64_t offset = 0;
    for (const std::string& frame : queue_) {
      AppendLe(&head, static_cast<uint32_t>(offset));
      offset += 8 + frame.size() + frame.size() % 2;
    }
  }
  HILUM_RETURN_IF_ERROR(sink(head));
  for (uint32_t i = 0; i < instance_.frames(); ++i) {
    HILUM_ASSIGN_OR_RETURN(std::string frame, TakeFrame());
    if (frame.size() % 2 != 0) frame.push_back('\0');
    if (frame.size() > 0xFFFFFFFEu) return LimitExceeded("a frame is longer than a fragment can be");
    head.clear();
    writer.AddItemTag(tags::kItem, static_cast<uint32_t>(frame.size()));
    HILUM_RETURN_IF_ERROR(sink(head));
    HILUM_RETURN_IF_ERROR(sink(frame));
  }
  head.clear();
  writer.AddItemTag(tags::kSequenceDelimitation, 0);
  return sink(head);
}

}  // namespace hilum::pixel
