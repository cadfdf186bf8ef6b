// The frames of one instance in the transfer syntax that a client takes them in: bytes of the file where they are
// stored so, else made. Used by one request at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/dicom/frames.h"
#include "codecs/dicom/transfer_syntax.h"
#include "codecs/pixel/bit_packer.h"
#include "codecs/pixel/instance.h"
#include "server/dicomweb/negotiate.h"
#include "server/dicomweb/selection.h"
#include "server/dicomweb/stored_image.h"

namespace hilum::dicomweb {

// The transfer syntax that frames stored in `stored` are sent in for one choice of the client; empty: in none. Videos
// are sent as they are stored; without a syntax a media type means its default (PS3.18 table 8.7.3-5).
std::string FrameSyntax(const InstanceChoice& choice, const std::string& stored);

// The transfer syntax of frames that nothing in particular is wanted of: `stored`, or uncompressed where frames have no
// bytes of their own in the file that a client could read.
std::string PlainSyntax(const std::string& stored);

// How frames of instances can be had, for who asked for something else: "as stored, ...; or as ...". Empty:
// they have no pixels.
std::string ObtainableFrames(storage::Store& store, const std::vector<Found>& instances,
                             const dicom::ReadLimits& limits);

// The error for a frame (from 0) beyond those of an instance: kNotFound, or kInvalid where there should be one.
Status NoSuchFrame(const pixel::Instance& instance, uint32_t frame);

class FrameSource {
 public:
  // `target`: of FrameSyntax. kNotFound: the instance has no pixels; kUnsupported: the target has no room for them, or
  // they cannot be decoded. `store` outlives the source.
  static Result<FrameSource> Open(storage::Store& store, const storage::CatalogueReader& reader, Found* found,
                                  std::string target, const dicom::ReadLimits& limits);

  // Videos are one frame: the stream.
  uint32_t frames() const { return image_ ? (*image_)->frames() : static_cast<uint32_t>(table_.frames()); }
  // kNotFound for the number of a frame that there is not; from 1. Of none asked for by number (then all are meant)
  // kInvalid when some are missing.
  Status Check(const std::vector<uint32_t>& frames) const;
  std::string_view target() const { return target_; }
  std::string_view media_type() const { return dicom::MediaTypeOf(target_); }
  // With the transfer syntax.
  std::string ContentType() const { return multipart::WithTransferSyntax(media_type(), target_); }

  // Whether frames are bytes of the file.
  bool as_stored() const { return !image_; }
  // Of a frame, from 1. REQUIRES: as_stored().
  std::vector<StoredRange> Stored(uint32_t frame) const;
  // The value of native Pixel Data, of all frames, when that is what was asked for.
  std::optional<StoredRange> StoredValue() const;
  // Whether frames that are made are native ones that make up a value, of so many bytes, one behind the other.
  bool MakesValue() const;
  uint64_t ValueBytes() const;
  // A frame that was made, from 1, as a piece of that value: single bits run on where those of the frame before it end.
  // `packer`: of the value, whose frames come in order.
  std::string PieceOf(std::string made, uint32_t frame, pixel::BitPacker* packer) const;
  // Of a frame that is made, decoded: encoded ones are seldom longer. REQUIRES: !as_stored().
  uint64_t FrameBytes() const { return pixel::FrameBytes((*image_)->format()); }
  // REQUIRES: !as_stored().
  Result<std::string> Make(uint32_t frame, pixel::FrameCodec& codec) const;

 private:
  bool HasSingleBits() const { return (*image_)->format().bits_allocated == 1; }
  uint64_t FrameBits() const { return uint64_t{(*image_)->format().rows} * (*image_)->format().columns; }

  std::string target_;
  StoredRange object_;
  dicom::FrameTable table_;
  bool native_ = false;               // as stored
  std::optional<StoredImage> image_;  // when frames are made
};

}  // namespace hilum::dicomweb
