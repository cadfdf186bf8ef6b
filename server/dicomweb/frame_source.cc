#include "server/dicomweb/frame_source.h"

#include <algorithm>

#include "codecs/dicom/transfer_syntax.h"

namespace hilum::dicomweb {
namespace {

// Whether frames, not videos, are ever of that type.
bool IsFrameType(std::string_view media_type) {
  const std::string_view syntax = dicom::DefaultSyntaxOf(media_type);
  return !syntax.empty() && !dicom::IsVideo(syntax);
}

// Frames of these have no bytes of their own in the file, or none that a client can be expected to read.
bool HasPlainFrames(const std::string& stored) {
  const pixel::TransferSyntax* syntax = pixel::FindTransferSyntax(stored);
  return !syntax || !(syntax->big_endian || syntax->deflated);
}

// Decoded here and hardly anywhere else: JPEG XL, retired JPEG processes, deflated frames. Viewers that ask for "*" as
// bytes mean something that they can decode; by its media type or UID such a syntax is still had as stored.
bool IsRare(const std::string& stored) {
  const pixel::TransferSyntax* syntax = pixel::FindTransferSyntax(stored);
  return syntax && (!syntax->can_encode || syntax->coding == pixel::Coding::kDeflatedFrame);
}

bool TakesVideo(const InstanceChoice& choice, const std::string& stored) {
  const std::string_view type = dicom::MediaTypeOf(stored);
  const bool type_fits = choice.Takes(type) || (choice.media_type == kOctetStream && !choice.Refuses(type));
  const std::string& syntax = choice.transfer_syntax;
  return type_fits && (syntax.empty() || syntax == "*" || syntax == stored);
}

// The syntax that is asked for, whether it can be made or not.
std::string Wanted(const InstanceChoice& choice, const std::string& stored) {
  if (!choice.transfer_syntax.empty() && choice.transfer_syntax != "*") return choice.transfer_syntax;
  const bool as_stream = choice.media_type == kOctetStream;
  if (choice.transfer_syntax == "*") {
    const bool decoded = !HasPlainFrames(stored) || (IsRare(stored) && as_stream);
    std::string target = decoded ? std::string(dicom::kExplicitLittleEndian) : stored;
    if (!choice.Refuses(dicom::MediaTypeOf(target))) return target;
  }
  const std::string_view own = dicom::MediaTypeOf(stored);
  if (choice.Takes(own) && own != kOctetStream) return stored;
  return std::string(dicom::DefaultSyntaxOf(choice.media_type));
}

// Native pixels in the colour order the data set declares: decoders give them interleaved.
void Planarize(pixel::Image* image) {
  const size_t bytes = image->format.bits_allocated / 8;
  const size_t samples = image->format.samples;
  if (bytes == 0 || samples < 2) return;
  const size_t pixels = image->pixels.size() / (bytes * samples);
  std::string planar(image->pixels.size(), '\0');
  for (size_t s = 0; s < samples; ++s)
    for (size_t p = 0; p < pixels; ++p)
      image->pixels.copy(&planar[(s * pixels + p) * bytes], bytes, (p * samples + s) * bytes);
  image->pixels = std::move(planar);
}

}  // namespace

std::string FrameSyntax(const InstanceChoice& choice, const std::string& stored) {
  if (dicom::IsVideo(stored)) return TakesVideo(choice, stored) ? stored : "";
  if (!choice.media_type.ends_with("/*") && !IsFrameType(choice.media_type)) return "";
  std::string target = Wanted(choice, stored);
  if (target == stored && HasPlainFrames(stored)) return target;
  return pixel::CanDecode(stored) && pixel::CanEncode(target) ? target : "";
}

std::string PlainSyntax(const std::string& stored) {
  return HasPlainFrames(stored) ? stored : std::string(dicom::kExplicitLittleEndian);
}

std::string ObtainableFrames(storage::Store& store, const std::vector<Found>& instances,
                             const dicom::ReadLimits& limits) {
  std::string text;
  std::vector<pixel::FrameFormat> formats;  // of what can be decoded
  for (Found& found : OneOfEachSyntax(instances)) {
    const auto image = StoredImage::Open(store, &found, limits);
    if (image.status().code() == Code::kNotFound) continue;
    if (image.ok()) formats.push_back((*image)->format());
    const std::string& stored = found.row.transfer_syntax;
    text += (text.empty() ? "as stored, " : ", ") + stored + ", as multipart/related; type=\"" +
            std::string(dicom::MediaTypeOf(stored)) + "\"; transfer-syntax=*";
  }
  if (formats.empty()) return text;
  text += instances.size() == 1 ? "; or as" : "; or, those with room in it, as";
  std::string_view separator = " ";
  for (const pixel::TransferSyntax& syntax : pixel::TransferSyntaxes()) {
    const auto has_room = [&](const pixel::FrameFormat& format) { return pixel::CheckRoom(syntax.uid, format).ok(); };
    if (std::ranges::none_of(formats, has_room)) continue;
    text.append(separator).append(multipart::WithTransferSyntax(syntax.media_type(), syntax.uid));
    separator = ", ";
  }
  return text;
}

Status NoSuchFrame(const pixel::Instance& instance, uint32_t frame) {
  const uint64_t number = uint64_t{frame} + 1;
  const std::string there = std::to_string(instance.frames());
  if (frame < uint64_t{instance.frames()} + instance.missing_frames())
    return Invalid("frame " + std::to_string(number) + " is missing: the pixel data end behind frame " + there);
  return NotFound("there is no frame " + std::to_string(number) + "; the instance has " + there);
}

Result<FrameSource> FrameSource::Open(storage::Store& store, const storage::CatalogueReader& reader, Found* found,
                                      std::string target, const dicom::ReadLimits& limits) {
  FrameSource source;
  HILUM_ASSIGN_OR_RETURN(source.table_, KeptFrameTable(store, reader, found, limits));
  source.target_ = std::move(target);
  const std::string& stored = found->row.transfer_syntax;
  const pixel::TransferSyntax* const syntax = pixel::FindTransferSyntax(stored);
  source.native_ = syntax && !syntax->encapsulated();
  if (source.target_ == stored && source.table_.frames() > 0 && !source.table_.bit_packed) {
    HILUM_ASSIGN_OR_RETURN(source.object_, LocateObject(store, found));
    return source;
  }
  HILUM_ASSIGN_OR_RETURN(source.image_, StoredImage::Open(store, found, std::move(source.table_), limits));
  HILUM_RETURN_IF_ERROR(pixel::CheckRoom(source.target_, (*source.image_)->format()));
  return source;
}

Status FrameSource::Check(const std::vector<uint32_t>& numbers) const {
  if (numbers.empty() && image_ && (*image_)->missing_frames() > 0) return NoSuchFrame(**image_, frames());
  for (const uint32_t frame : numbers) {
    if (frame <= frames()) continue;
    if (image_) return NoSuchFrame(**image_, frame - 1);
    return NotFound("there is no frame " + std::to_string(frame) + "; the instance has " + std::to_string(frames()));
  }
  return Status::Ok();
}

std::vector<StoredRange> FrameSource::Stored(uint32_t frame) const {
  std::vector<StoredRange> ranges;
  for (uint32_t i = table_.first_range[frame - 1]; i < table_.first_range[frame]; ++i)
    ranges.push_back(object_.Slice(table_.ranges[i].offset, table_.ranges[i].length));
  return ranges;
}

std::optional<StoredRange> FrameSource::StoredValue() const {
  if (!native_ || !as_stored()) return std::nullopt;
  const dicom::FrameRange& first = table_.ranges.front();
  const dicom::FrameRange& last = table_.ranges.back();
  return object_.Slice(first.offset, last.offset + last.length - first.offset);
}

bool FrameSource::MakesValue() const {
  const pixel::TransferSyntax* const target = pixel::FindTransferSyntax(target_);
  return image_ && target && !target->encapsulated();
}

uint64_t FrameSource::ValueBytes() const {
  return HasSingleBits() ? (FrameBits() * frames() + 7) / 8 : FrameBytes() * frames();
}

std::string FrameSource::PieceOf(std::string made, uint32_t frame, pixel::BitPacker* packer) const {
  if (!HasSingleBits()) return made;
  std::string piece;
  packer->Append(made, FrameBits(), &piece);
  if (frame == frames()) packer->Flush(&piece);
  return piece;
}

Result<std::string> FrameSource::Make(uint32_t frame, pixel::FrameCodec& codec) const {
  std::string storage;
  HILUM_RETURN_IF_ERROR(image_->Check(frame - 1));
  HILUM_ASSIGN_OR_RETURN(const Bytes bytes, (*image_)->Frame(frame - 1, &storage));
  HILUM_ASSIGN_OR_RETURN(const pixel::FrameTurn turn, codec.BeginFrame((*image_)->format()));
  HILUM_ASSIGN_OR_RETURN(pixel::Image image, codec.Decode((*image_)->syntax().uid, bytes, (*image_)->format(), {}));
  if (!pixel::FindTransferSyntax(target_)->encapsulated()) {
    if ((*image_)->format().planar) Planarize(&image);
    return std::move(image.pixels);
  }
  HILUM_ASSIGN_OR_RETURN(pixel::EncodedFrame encoded, codec.Encode(image, target_, {}));
  return std::move(encoded.bytes);
}

}  // namespace hilum::dicomweb
