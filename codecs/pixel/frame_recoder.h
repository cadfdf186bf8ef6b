// The frames of one instance in another coding, as the value of Pixel Data. Internal to codecs/pixel. Not thread-safe.
#pragma once

#include <deque>
#include <string>

#include "codecs/pixel/embedded_overlays.h"
#include "codecs/pixel/instance.h"
#include "codecs/pixel/transcode.h"

namespace hilum::pixel {

class FrameRecoder {
 public:
  // All outlive it. `overlays`: not to be in the pixels.
  FrameRecoder(const Instance& instance, const TransferSyntax& target, const EmbeddedOverlays& overlays,
               const TranscodeOptions& options, FrameCodec& codec)
      : instance_(instance),
        target_(target),
        overlays_(overlays),
        options_(options),
        codec_(codec),
        held_(options.held) {}

  // Does the first frame, and as many more as the budget for an offset table allows: then the format is known.
  Status Begin();

  const FrameFormat& format() const { return format_; }
  bool lossy() const { return lossy_; }
  // Bytes decoded to bytes encoded, of the frames seen at Begin.
  double ratio() const {
    return encoded_bytes_ == 0 ? 1 : static_cast<double>(decoded_bytes_) / static_cast<double>(encoded_bytes_);
  }
  // The whole element, header to delimiter.
  Status Write(bool explicit_vr, const Sink& sink);

 private:
  Result<std::string> Next();
  // From the queue, or the next one.
  Result<std::string> TakeFrame();
  Status WriteNative(bool explicit_vr, const Sink& sink);
  Status WriteEncapsulated(bool explicit_vr, const Sink& sink);

  const Instance& instance_;
  const TransferSyntax& target_;
  const EmbeddedOverlays& overlays_;
  const TranscodeOptions& options_;
  FrameCodec& codec_;
  uint32_t next_ = 0;
  std::deque<std::string> queue_;
  MemoryAllowance::Share held_;  // of all in the queue
  FrameFormat format_;
  bool lossy_ = false;
  uint64_t decoded_bytes_ = 0, encoded_bytes_ = 0;
};

}  // namespace hilum::pixel
