// Frames to pixels and back, one transfer syntax at a time (PS3.5 Annex A).
//
// The functions are safe for concurrent use. They call decoders of many authors on bytes of unknown origin: a server
// calls them through CodecPool (worker.h), which runs them in processes that may die, and only tools and tests
// directly.
//
// Decoded images are interleaved (planar == false) whatever was stored; YBR_FULL_422 and 420 are full YBR_FULL or RGB.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "codecs/dicom/transfer_syntax.h"
#include "codecs/pixel/colour_space.h"
#include "codecs/pixel/image.h"

namespace hilum::pixel {

// What is done with the pixels of a transfer syntax.
enum class Coding : uint8_t {
  kNative,
  kRle,
  kDeflatedFrame,
  kJpeg,
  kJpegLossless,
  kJpegLs,
  kJpeg2000,
  kHtj2k,
  kJpegXl,
};

struct TransferSyntax {
  std::string_view uid;
  std::string_view name;  // of PS3.6
  Coding coding;
  bool explicit_vr = true;
  bool big_endian = false;
  bool deflated = false;      // the whole data set
  bool lossless_only = true;  // what it holds equals what was encoded
  bool lossy_only = false;
  bool can_encode = true;

  std::string_view media_type() const { return dicom::MediaTypeOf(uid); }  // of a frame
  bool encapsulated() const { return coding != Coding::kNative; }
};

// Everything that can be decoded, in order of preference for storage.
std::span<const TransferSyntax> TransferSyntaxes();
// nullptr for a syntax that cannot be decoded: video, JPIP, unknown ones.
const TransferSyntax* FindTransferSyntax(std::string_view uid);
inline bool CanDecode(std::string_view uid) {
  return FindTransferSyntax(uid) != nullptr;
}
bool CanEncode(std::string_view uid);

// Lossy Image Compression Method (0028,2114) of what a coding loses (PS3.3 C.7.6.1.1.5.2).
std::string_view LossyMethod(Coding coding);

struct DecodeOptions {
  uint64_t max_frame_bytes = 1 << 30;  // decoded; more is kLimit before anything is allocated
  // Halvings of rows and columns, rounded up, for previews: followed where the codec decodes less for it (JPEG 2000,
  // HTJ2K), otherwise the image has full size. At most as many as the codestream has.
  uint8_t reduce = 0;
};

struct EncodeOptions {
  // Where the transfer syntax leaves it open (.91, .81, .203) nothing is lost unless it is allowed here.
  bool allow_lossy = false;
  uint8_t jpeg_quality = 90;     // 1 to 100
  uint8_t near_lossless = 2;     // JPEG-LS: greatest difference of a sample
  float compression_ratio = 10;  // JPEG 2000 and HTJ2K: of the bytes stored to the bytes encoded; HTJ2K approximates it
};

struct EncodedFrame {
  std::string bytes;   // even length is left to who writes the fragment
  FrameFormat format;  // as the data set has to describe it: Photometric Interpretation and the like may have changed
  bool lossy = false;
};

// `frame`: the fragments of one frame joined, or native bytes. `expected`: what the data set says.
// kInvalid when the codestream is damaged or disagrees with the data set about rows, columns, samples or depth; kLimit;
// kUnsupported. A codestream's signedness that disagrees is overruled by the data set: the bits are kept (they often
// do).
Result<Image> Decode(std::string_view transfer_syntax, Bytes frame, const FrameFormat& expected,
                     const DecodeOptions& options = {});

// kUnsupported, saying why, where the transfer syntax has no room for an image of that description whatever its pixels
// are: 16 bits in baseline JPEG, signed samples in lossy JPEG, floating point anywhere but native. Nothing is decoded
// to find out. REQUIRES: a format that an image can have (Instance::format() has).
Status CheckRoom(std::string_view transfer_syntax, const FrameFormat& format);

// Lossless syntaxes give back every bit of every sample, unused ones included. kUnsupported where CheckRoom says so,
// and where samples in use of more bits than Bits Stored find no room.
Result<EncodedFrame> Encode(const Image& image, std::string_view transfer_syntax, const EncodeOptions& options = {});

// A place for one frame at hand, given back at the end.
class FrameTurn {
 public:
  FrameTurn() = default;  // of nowhere in particular
  explicit FrameTurn(std::function<void()> leave) : leave_(std::move(leave)) {}
  ~FrameTurn() {
    if (leave_) leave_();
  }
  FrameTurn(FrameTurn&& other) noexcept : leave_(std::exchange(other.leave_, nullptr)) {}
  FrameTurn& operator=(FrameTurn&&) = delete;

 private:
  std::function<void()> leave_;
};

// Who decodes and encodes: this process or workers. Implementations are safe for concurrent use.
class FrameCodec {
 public:
  virtual ~FrameCodec() = default;
  // Who decodes a frame, and maybe encodes it again, holds a turn meanwhile, so that all of them together do not need
  // more memory than there is; not while it waits for a client. One turn at a time: who waits for a second one might
  // wait for itself. kUnavailable when none could be had in time.
  virtual Result<FrameTurn> BeginFrame(const FrameFormat& format) { return FrameTurn(); }
  virtual Result<Image> Decode(std::string_view transfer_syntax, Bytes frame, const FrameFormat& expected,
                               const DecodeOptions& options) = 0;
  virtual Result<EncodedFrame> Encode(const Image& image, std::string_view transfer_syntax,
                                      const EncodeOptions& options) = 0;
  // As colour_space.h does.
  virtual Result<std::string> ConvertColours(Bytes rgb, Bytes profile, ColourSpace space) = 0;
};

// Calls the functions above on the caller's thread.
class LocalCodec : public FrameCodec {
 public:
  Result<Image> Decode(std::string_view transfer_syntax, Bytes frame, const FrameFormat& expected,
                       const DecodeOptions& options) override {
    return pixel::Decode(transfer_syntax, frame, expected, options);
  }
  Result<EncodedFrame> Encode(const Image& image, std::string_view transfer_syntax,
                              const EncodeOptions& options) override {
    return pixel::Encode(image, transfer_syntax, options);
  }
  Result<std::string> ConvertColours(Bytes rgb, Bytes profile, ColourSpace space) override {
    std::string converted(rgb);
    HILUM_RETURN_IF_ERROR(pixel::ConvertColours(profile, space, converted));
    return converted;
  }
};

}  // namespace hilum::pixel
