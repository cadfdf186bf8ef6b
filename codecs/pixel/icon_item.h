// An item of the Icon Image Sequence (0088,0200) whose pixels are encapsulated: in another transfer syntax its
// fragments mean nothing. Internal to codecs/pixel. Not thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "codecs/dicom/reader.h"
#include "codecs/dicom/writer.h"
#include "codecs/pixel/transcode.h"

namespace hilum::pixel {

class IconItem {
 public:
  // `transfer_syntax`: of the data set that it is in.
  explicit IconItem(std::string_view transfer_syntax) : transfer_syntax_(transfer_syntax) {}
  IconItem(const IconItem&) = delete;
  IconItem& operator=(const IconItem&) = delete;

  // What is in the item goes here, but for its fragments.
  dicom::DataSetWriter& writer() { return writer_; }
  // Items of the encapsulated value, the delimiter excluded.
  void AddFragments(dicom::Tag tag, Bytes items);
  bool has_fragments() const { return has_fragments_; }

  // The elements with native pixels, which an item may have in every transfer syntax (PS3.5 A.4). Errors are those of
  // Transcode; kLimit for what is no icon by its size.
  Result<std::string> Native(bool explicit_vr, const TranscodeOptions& options, FrameCodec& codec) const;

 private:
  const std::string transfer_syntax_;
  std::string elements_;
  dicom::DataSetWriter writer_{/*explicit_vr=*/true, &elements_};
  bool has_fragments_ = false;
  bool too_long_ = false;
};

}  // namespace hilum::pixel
