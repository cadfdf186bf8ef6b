#include "codecs/pixel/transcode.h"

#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "codecs/dicom/attributes.h"
#include "codecs/dicom/byte_order.h"
#include "codecs/dicom/transfer_syntax.h"
#include "codecs/dicom/writer.h"
#include "codecs/pixel/embedded_overlays.h"
#include "codecs/pixel/frame_recoder.h"
#include "codecs/pixel/icon_item.h"
#include "codecs/pixel/instance.h"

namespace hilum::pixel {
namespace {

using dicom::DataSetWriter;
using dicom::Element;
using dicom::Tag;
using dicom::Vr;
namespace tags = dicom::tags;

constexpr Tag kIconImageSequence{0x0088, 0x0200};
constexpr size_t kFlushBytes = 64 << 10;

// Passes on, deflated (PS3.5 A.5); memory is bounded by its buffer.
class DeflatingSink {
 public:
  explicit DeflatingSink(const Sink& sink) : sink_(sink) {}
  ~DeflatingSink() {
    if (open_) deflateEnd(&stream_);
  }
  DeflatingSink(const DeflatingSink&) = delete;
  DeflatingSink& operator=(const DeflatingSink&) = delete;

  Status Write(Bytes bytes) {
    while (!bytes.empty()) {
      const Bytes piece = bytes.substr(0, size_t{1} << 30);
      HILUM_RETURN_IF_ERROR(Run(piece, Z_NO_FLUSH));
      bytes.remove_prefix(piece.size());
    }
    return Status::Ok();
  }
  Status Finish() {
    HILUM_RETURN_IF_ERROR(Run({}, Z_FINISH));
    return written_ % 2 == 0 ? Status::Ok() : sink_(Bytes("\0", 1));
  }

 private:
  Status Run(Bytes bytes, int flush) {
    if (!open_) {
      if (deflateInit2(&stream_, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return Internal("deflate: cannot start zlib");
      }
      open_ = true;
    }
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer_);
      stream_.avail_out = sizeof(buffer_);
      deflate(&stream_, flush);
      const size_t some = sizeof(buffer_) - stream_.avail_out;
      written_ += some;
      if (some > 0) HILUM_RETURN_IF_ERROR(sink_(Bytes(buffer_, some)));
    } while (stream_.avail_out == 0);
    return Status::Ok();
  }

  const Sink& sink_;
  z_stream stream_{};
  bool open_ = false;
  uint64_t written_ = 0;
  char buffer_[kFlushBytes];
};

// Writes what it visits; the top level may have attributes replaced and its pixel data recoded.
class Rewriter : public dicom::Visitor {
 public:
  // `source`: the transfer syntax of `file`, which is read into `inflated`.
  Rewriter(Bytes file, const dicom::Inflated& inflated, std::string source, const TransferSyntax& target,
           FrameRecoder* recoder, const TranscodeOptions& options, FrameCodec& codec, const Sink& sink)
      : file_(file),
        inflated_(inflated),
        source_(std::move(source)),
        target_(target),
        recoder_(recoder),
        options_(options),
        codec_(codec),
        sink_(sink),
        writer_(target.explicit_vr, &out_) {}

  void Replace(Tag tag, Vr vr, std::string value) { changes_[tag] = {vr, std::move(value), false}; }
  // After what is there, as one more value.
  void AppendValue(Tag tag, Vr vr, std::string value) { changes_[tag] = {vr, std::move(value), true}; }

  Status OnElement(const Element& e) override {
    if (e.tag.element == 0) return Status::Ok();  // group lengths are optional, and wrong from now on
    if (e.depth > 0) {
      writer_.Add(e);
      if (icon_) icon_->writer().Add(e);
      return Status::Ok();
    }
    WriteBefore(e.tag);
    if (Take(e)) return Status::Ok();
    const bool offsets = e.tag == tags::kExtendedOffsetTable || e.tag == tags::kExtendedOffsetTableLengths;
    if (offsets && recoder_ != nullptr) return Status::Ok();
    if (dicom::IsPixelData(e.tag)) return OnPixelData(e);
    if (e.value.size() < kFlushBytes) {
      writer_.Add(e);
      return FlushSome();
    }
    writer_.AddHeader(e.tag, e.vr, static_cast<uint32_t>(e.length + e.length % 2));
    return WriteLong(e);
  }

  Status OnSequenceBegin(const Element& e) override {
    if (e.depth == 0) {
      WriteBefore(e.tag);
      sequence_ = e.tag;
      sequence_begin_ = out_.size();
      drop_sequence_ = false;
    }
    writer_.AddHeader(e.tag, Vr("SQ"), UINT32_MAX);
    if (icon_) icon_->writer().AddHeader(e.tag, Vr("SQ"), UINT32_MAX);
    return Status::Ok();
  }
  Status OnItemBegin(uint32_t depth) override {
    writer_.AddItemTag(tags::kItem, UINT32_MAX);
    if (icon_) icon_->writer().AddItemTag(tags::kItem, UINT32_MAX);
    if (depth > 0 || sequence_ != kIconImageSequence || source_ == target_.uid) return Status::Ok();
    icon_.emplace(source_);
    icon_begin_ = out_.size();
    return Status::Ok();
  }
  Status OnItemEnd(uint32_t depth) override {
    if (depth == 0 && icon_) HILUM_RETURN_IF_ERROR(FinishIcon());
    writer_.AddItemTag(tags::kItemDelimitation, 0);
    if (icon_) icon_->writer().AddItemTag(tags::kItemDelimitation, 0);
    return Status::Ok();
  }
  Status OnSequenceEnd(uint32_t depth) override {
    writer_.AddItemTag(tags::kSequenceDelimitation, 0);
    if (icon_) icon_->writer().AddItemTag(tags::kSequenceDelimitation, 0);
    if (depth > 0) return Status::Ok();
    if (drop_sequence_) out_.resize(sequence_begin_);
    return FlushSome();
  }

  Status OnEncapsulated(const Element& e) override {
    if (e.depth == 0) {
      WriteBefore(e.tag);
      return OnPixelData(e);
    }
    if (icon_) {
      icon_->AddFragments(e.tag, bytes().substr(e.offset, e.length));
      return Status::Ok();
    }
    if (source_ != target_.uid) return Unsupported("encapsulated pixel data inside " + dicom::ToString(sequence_));
    AddFragments(e);
    return Status::Ok();
  }

  Status Finish() {
    WriteBefore({0xFFFF, 0xFFFF});
    return Flush();
  }

 private:
  // What the offsets of elements are in.
  Bytes bytes() const { return inflated_.empty() ? file_ : inflated_.bytes(); }
  struct Value {
    Vr vr;
    std::string value;
    bool append;
  };

  // New attributes whose place comes before `tag`.
  void WriteBefore(Tag tag) {
    while (!changes_.empty() && changes_.begin()->first < tag) {
      const auto& [other, change] = *changes_.begin();
      writer_.Add(other, change.vr, change.value);
      changes_.erase(changes_.begin());
    }
  }

  bool Take(const Element& e) {
    const auto found = changes_.find(e.tag);
    if (found == changes_.end()) return false;
    std::string value;
    if (found->second.append) {
      value = e.value;
      while (!value.empty() && (value.back() == ' ' || value.back() == 0)) value.pop_back();
      if (!value.empty()) value.push_back('\\');
    }
    writer_.Add(e.tag, found->second.vr, value + found->second.value);
    changes_.erase(found);
    return true;
  }

  // Puts the item with native pixels in place of what was written of it.
  Status FinishIcon() {
    if (!icon_->has_fragments()) {
      icon_.reset();
      return Status::Ok();
    }
    const Result<std::string> native = icon_->Native(target_.explicit_vr, options_, codec_);
    icon_.reset();
    const Code code = native.status().code();
    if (code == Code::kCancelled || code == Code::kUnavailable) return native.status();
    if (!native.ok()) {
      // The icon is a preview of the image: an instance without it is whole.
      drop_sequence_ = true;
      options_.remark("the icon image was left out: it cannot be decoded");
    } else {
      out_.resize(icon_begin_);
      out_ += *native;
    }
    return Status::Ok();
  }

  Status OnPixelData(const Element& e) {
    HILUM_RETURN_IF_ERROR(Flush());
    // A second one in the same data set would be another image.
    if (recoder_ != nullptr && !pixels_written_ && e.tag == tags::kPixelData) {
      pixels_written_ = true;
      return recoder_->Write(target_.explicit_vr, sink_);
    }
    if (e.value.empty() && e.length > 0) {
      writer_.AddHeader(e.tag, Vr("OB"), UINT32_MAX);
      HILUM_RETURN_IF_ERROR(Flush());
      HILUM_RETURN_IF_ERROR(sink_(bytes().substr(e.offset, e.length)));
      writer_.AddItemTag(tags::kSequenceDelimitation, 0);
      return Status::Ok();
    }
    Vr vr = e.vr;
    // Implicit VR little endian knows pixel data as OW only.
    if (vr == Vr("UN")) vr = Vr("OW");
    writer_.AddHeader(e.tag, vr, static_cast<uint32_t>(e.length + e.length % 2));
    return WriteLong(e);
  }

  // A value of any length, from where it lies; its header is written.
  Status WriteLong(const Element& e) {
    HILUM_RETURN_IF_ERROR(Flush());
    if (e.reversed == 1) {
      HILUM_RETURN_IF_ERROR(sink_(e.value));
    } else {
      for (size_t at = 0; at < e.value.size(); at += kFlushBytes) {
        dicom::AppendReversed(e.value.substr(at, kFlushBytes), e.reversed, &out_);
        HILUM_RETURN_IF_ERROR(Flush());
      }
    }
    if (e.length % 2 != 0) out_.push_back(dicom::PaddingOf(e.vr));
    return Status::Ok();
  }

  // As they are: fragments are little endian in every syntax that has them.
  void AddFragments(const Element& e) {
    writer_.AddHeader(e.tag, Vr("OB"), UINT32_MAX);
    out_.append(bytes().substr(e.offset, e.length));
    writer_.AddItemTag(tags::kSequenceDelimitation, 0);
  }

  Status FlushSome() { return out_.size() >= kFlushBytes ? Flush() : Status::Ok(); }
  Status Flush() {
    if (out_.empty()) return Status::Ok();
    HILUM_RETURN_IF_ERROR(sink_(out_));
    out_.clear();
    return Status::Ok();
  }

  const Bytes file_;
  const dicom::Inflated& inflated_;
  const std::string source_;
  const TransferSyntax& target_;
  FrameRecoder* const recoder_;
  const TranscodeOptions& options_;
  FrameCodec& codec_;
  const Sink& sink_;
  std::string out_;
  DataSetWriter writer_;
  std::map<Tag, Value> changes_;
  Tag sequence_;
  size_t sequence_begin_ = 0;
  bool drop_sequence_ = false;
  std::optional<IconItem> icon_;  // the item at hand, where its fragments would mean nothing in the target
  size_t icon_begin_ = 0;         // in out_
  bool pixels_written_ = false;
};

void DescribePixels(const Instance& instance, const FrameRecoder& recoder, const TransferSyntax& target,
                    Rewriter* rewriter) {
  const FrameFormat& before = instance.format();
  const FrameFormat& after = recoder.format();
  if (after.photometric != before.photometric) {
    rewriter->Replace(tags::kPhotometricInterpretation, Vr("CS"), std::string(PhotometricName(after.photometric)));
  }
  if (after.bits_allocated != before.bits_allocated) {
    std::string bits;
    AppendLe(&bits, after.bits_allocated);
    rewriter->Replace(tags::kBitsAllocated, Vr("US"), std::move(bits));
  }
  if (after.samples > 1) rewriter->Replace(tags::kPlanarConfiguration, Vr("US"), std::string(2, '\0'));
  if (recoder.lossy() || instance.syntax().lossy_only) rewriter->Replace(tags::kLossyImageCompression, Vr("CS"), "01");
  if (recoder.lossy()) {
    char ratio[32];
    std::snprintf(ratio, sizeof(ratio), "%.2f", recoder.ratio());
    rewriter->AppendValue(tags::kLossyImageCompressionRatio, Vr("DS"), ratio);
    rewriter->AppendValue(tags::kLossyImageCompressionMethod, Vr("CS"), std::string(LossyMethod(target.coding)));
  }
}

// An overlay that was in the pixels covers all of them (PS3.3 C.9.2).
void DescribeOverlay(const Instance& instance, const EmbeddedOverlays::Plane& plane, Rewriter* rewriter) {
  const auto number = [](uint32_t value) {
    std::string bytes;
    AppendLe(&bytes, static_cast<uint16_t>(value));
    return bytes;
  };
  const auto replace = [&](uint16_t element, Vr vr, std::string value) {
    rewriter->Replace({plane.group, element}, vr, std::move(value));
  };
  replace(0x0010, Vr("US"), number(instance.format().rows));
  replace(0x0011, Vr("US"), number(instance.format().columns));
  if (instance.frames() > 1) {
    replace(0x0015, Vr("IS"), std::to_string(instance.frames()));
    replace(0x0051, Vr("US"), number(1));
  }
  replace(0x0050, Vr("SS"), number(1) + number(1));
  replace(0x0100, Vr("US"), number(1));
  replace(0x0102, Vr("US"), number(0));
  replace(0x3000, Vr("OW"), plane.data);
}

// An empty preamble, and the File Meta Information (PS3.10 7.1) as it was, but for the transfer syntax and what it must
// have and had not.
Result<std::string> MetaInformation(Bytes file, const dicom::Layout& layout, std::string_view to,
                                    const dicom::ReadLimits& limits) {
  std::map<Tag, Element> elements;
  for (const Element& e : layout.meta) {
    if (e.tag.element != 0 && e.tag != tags::kTransferSyntaxUid) elements.emplace(e.tag, e);
  }
  const auto lacks = [&](Tag tag) { return !elements.contains(tag) || elements[tag].value.empty(); };
  const auto require = [&](Tag tag, Vr vr, Bytes value) {
    if (!lacks(tag)) return;
    Element element{};
    element.tag = tag;
    element.vr = vr;
    element.value = value;
    elements[tag] = element;
  };
  dicom::Header header;
  if (lacks(tags::kMediaStorageSopClassUid) || lacks(tags::kMediaStorageSopInstanceUid)) {
    HILUM_ASSIGN_OR_RETURN(header, dicom::ReadHeader(file, dicom::AttributeSelection({}), limits));
  }
  require(tags::kMetaInformationVersion, Vr("OB"), dicom::kMetaInformationVersion);
  require(tags::kMediaStorageSopClassUid, Vr("UI"), header.sop_class_uid);
  require(tags::kMediaStorageSopInstanceUid, Vr("UI"), header.sop_uid);
  require(tags::kTransferSyntaxUid, Vr("UI"), to);
  require(tags::kImplementationClassUid, Vr("UI"), dicom::kImplementationClassUid);
  std::string body;
  DataSetWriter writer(/*explicit_vr=*/true, &body);
  for (const auto& [tag, element] : elements) writer.Add(element);
  std::string meta(128, '\0');
  meta += "DICM";
  std::string length;
  AppendLe(&length, static_cast<uint32_t>(body.size()));
  DataSetWriter(/*explicit_vr=*/true, &meta).Add({0x0002, 0x0000}, Vr("UL"), length);
  return meta + body;
}

class Nothing : public dicom::Visitor {
 public:
  Status OnElement(const Element&) override { return Status::Ok(); }
};

Result<dicom::Layout> LayoutOf(Bytes file, const dicom::ReadLimits& limits) {
  Nothing nothing;
  dicom::Inflated inflated;
  return dicom::Read(file, limits, nothing, &inflated);
}

bool IsRecoded(const Instance& instance, const TransferSyntax& target) {
  return instance.syntax().encapsulated() ? instance.syntax().uid != target.uid : target.encapsulated();
}

// nullopt: without pixels, to a syntax that such instances can have.
Result<std::optional<Instance>> OpenFor(Bytes file, std::string_view to, const TranscodeOptions& options) {
  const TransferSyntax* const target = FindTransferSyntax(to);
  if (target == nullptr || !target->can_encode)
    return Unsupported("transfer syntax " + std::string(to) + " cannot be written");
  Result<Instance> instance = Instance::Open(file, options.read);
  if (instance.status().code() == Code::kNotFound && !target->encapsulated()) return std::optional<Instance>();
  if (!instance.ok()) return instance.status();
  if (IsRecoded(*instance, *target)) {
    if (instance->missing_frames() > 0)
      return Invalid("the pixel data end behind frame " + std::to_string(instance->frames()) + ", " +
                     std::to_string(instance->missing_frames()) + " are missing");
    HILUM_RETURN_IF_ERROR(CheckRoom(to, instance->format()));
  }
  return std::optional<Instance>(*std::move(instance));
}

}  // namespace

bool CanTranscode(std::string_view from, std::string_view to) {
  return CanDecode(from) && (from == to || CanEncode(to)) && to != dicom::kExplicitBigEndian;
}

Status CheckTranscode(Bytes file, std::string_view to, const TranscodeOptions& options) {
  return OpenFor(file, to, options).status();
}

Status Transcode(Bytes file, std::string_view to, const TranscodeOptions& options, FrameCodec& codec,
                 const Sink& sink) {
  const Result<std::optional<Instance>> opened = OpenFor(file, to, options);
  if (!opened.ok()) return opened.status();
  const std::optional<Instance>& instance = *opened;
  const bool has_pixels = instance.has_value();
  const TransferSyntax* const target = FindTransferSyntax(to);
  EmbeddedOverlays overlays;
  std::optional<FrameRecoder> recoder;
  if (has_pixels && IsRecoded(*instance, *target)) {
    if (target->encapsulated()) {
      HILUM_ASSIGN_OR_RETURN(overlays, EmbeddedOverlays::Read(*instance, options.decode, codec));
    }
    recoder.emplace(*instance, *target, overlays, options, codec);
    HILUM_RETURN_IF_ERROR(recoder->Begin());
  }
  HILUM_ASSIGN_OR_RETURN(const dicom::Layout layout, has_pixels ? instance->layout() : LayoutOf(file, options.read));
  HILUM_ASSIGN_OR_RETURN(const std::string meta, MetaInformation(file, layout, to, options.read));
  HILUM_RETURN_IF_ERROR(sink(meta));
  DeflatingSink deflating(sink);
  const Sink data_set = target->deflated ? Sink([&](Bytes bytes) { return deflating.Write(bytes); }) : sink;
  dicom::Inflated inflated;
  Rewriter rewriter(file, inflated, layout.transfer_syntax, *target, recoder ? &*recoder : nullptr, options, codec,
                    data_set);
  if (recoder) DescribePixels(*instance, *recoder, *target, &rewriter);
  for (const EmbeddedOverlays::Plane& plane : overlays.planes()) DescribeOverlay(*instance, plane, &rewriter);
  const Result<dicom::Layout> written = dicom::Read(file, options.read, rewriter, &inflated);
  if (!written.ok()) return written.status();
  HILUM_RETURN_IF_ERROR(rewriter.Finish());
  return target->deflated ? deflating.Finish() : Status::Ok();
}

}  // namespace hilum::pixel
