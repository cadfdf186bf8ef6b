#include "codecs/pixel/icon_item.h"

#include <algorithm>

#include "codecs/dicom/transfer_syntax.h"
#include "codecs/dicom/writer.h"

namespace hilum::pixel {
namespace {

// An icon is small (PS3.3 F.7: at most 64 by 64 pixels in a directory): more is an attack on memory.
constexpr size_t kMaxFragmentBytes = 16 << 20, kMaxNativeBytes = 64 << 20;

class Nothing : public dicom::Visitor {
 public:
  Status OnElement(const dicom::Element&) override { return Status::Ok(); }
};

}  // namespace

void IconItem::AddFragments(dicom::Tag tag, Bytes items) {
  has_fragments_ = true;
  too_long_ = too_long_ || items.size() > kMaxFragmentBytes;
  if (too_long_) return;
  writer_.AddHeader(tag, dicom::Vr("OB"), UINT32_MAX);
  elements_.append(items);
  writer_.AddItemTag(dicom::tags::kSequenceDelimitation, 0);
}

Result<std::string> IconItem::Native(bool explicit_vr, const TranscodeOptions& options, FrameCodec& codec) const {
  if (too_long_) return LimitExceeded("an icon of more than " + std::to_string(kMaxFragmentBytes) + " bytes");
  // An image of its own, for as long as this takes.
  const std::string file = dicom::Part10Writer("", "", transfer_syntax_).Take() + elements_;
  std::string native;
  TranscodeOptions limited{.decode = options.decode, .read = options.read};
  limited.decode.max_frame_bytes = std::min<uint64_t>(limited.decode.max_frame_bytes, kMaxNativeBytes);
  const std::string_view syntax = explicit_vr ? dicom::kExplicitLittleEndian : dicom::kImplicitLittleEndian;
  HILUM_RETURN_IF_ERROR(Transcode(file, syntax, limited, codec, [&](Bytes bytes) {
    native.append(bytes);
    return native.size() <= kMaxNativeBytes ? Status::Ok() : LimitExceeded("an icon that is too large");
  }));
  Nothing nothing;
  dicom::Inflated inflated;
  HILUM_ASSIGN_OR_RETURN(const dicom::Layout layout, dicom::Read(native, options.read, nothing, &inflated));
  return native.substr(layout.data_set_offset);
}

}  // namespace hilum::pixel
