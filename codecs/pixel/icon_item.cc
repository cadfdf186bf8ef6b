#include "codecs/pixel/icon_item.h"

#include "codecs/dicom/writer.h"

namespace hilum::pixel {
namespace {

class Nothing : public dicom::Visitor {
 public:
  Status OnElement(const dicom::Element&) override { return Status::Ok(); }
};

}  // namespace

void IconItem::AddFragments(dicom::Tag tag, Bytes items) {
  has_fragments_ = true;
  writer_.AddHeader(tag, dicom::Vr("OB"), UINT32_MAX);
  elements_.append(items);
  writer_.AddItemTag(dicom::tags::kSequenceDelimitation, 0);
}

Result<std::string> IconItem::Native(bool explicit_vr, const TranscodeOptions& options, FrameCodec& codec) const {
  // An image of its own, for as long as this takes.
  const std::string file = dicom::Part10Writer("", "", transfer_syntax_).Take() + elements_;
  std::string native;
  HILUM_RETURN_IF_ERROR(Transcode(file, explicit_vr ? "1.2.840.10008.1.2.1" : "1.2.840.10008.1.2",
                                  {.decode = options.decode, .read = options.read}, codec, [&](Bytes bytes) {
                                    native.append(bytes);
                                    return Status::Ok();
                                  }));
  Nothing nothing;
  std::string inflated;
  HILUM_ASSIGN_OR_RETURN(const dicom::Layout layout, dicom::Read(native, options.read, nothing, &inflated));
  return native.substr(layout.data_set_offset);
}

}  // namespace hilum::pixel
