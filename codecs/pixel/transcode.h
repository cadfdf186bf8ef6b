// A whole Part 10 instance from one transfer syntax to another (PS3.5 Annex A).
//
// Thread-safe. Memory: the frame at hand, decoded, and encoded frames up to `offset_table_bytes`.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/bytes.h"
#include "base/memory_allowance.h"
#include "base/result.h"
#include "codecs/dicom/reader.h"
#include "codecs/pixel/codec.h"

namespace hilum::pixel {

// Receives the output piece by piece; an error ends the work with it. The bytes are only valid during the call.
using Sink = std::function<Status(Bytes)>;

struct TranscodeOptions {
  DecodeOptions decode;
  EncodeOptions encode;
  dicom::ReadLimits read;
  // Encoded frames are kept up to here before the first byte is written, to know their offsets: then the Basic Offset
  // Table is filled, and the ratio of a lossy compression exact. Beyond, the table is empty (frames are still one
  // fragment each) and the ratio that of the frames seen.
  uint64_t offset_table_bytes = 64 << 20;
  // Memory for that, but for one frame, comes from here; when there is no more left the table stays empty as
  // well. nullptr: from nowhere in particular.
  MemoryAllowance* held = nullptr;
  // Called with what had to be left out ("the icon image, ..."), before the sink gets what stands behind it.
  std::function<void(std::string_view)> remark = [](std::string_view) {};
};

// True when Transcode has a chance from one to the other: both are known, the target can be written (not big endian).
bool CanTranscode(std::string_view from, std::string_view to);

// Why Transcode cannot succeed, as far as the description of the image tells: kNotFound without pixel data,
// kUnsupported. Nothing is decoded.
Status CheckTranscode(Bytes file, std::string_view to, const TranscodeOptions& options);

// Writes `file` in the transfer syntax `to`. Instances without pixel data change only their encoding; `to` must then be
// one of the native ones. Pixels are decoded only where their coding changes. Attributes that describe pixels follow,
// those of a lossy compression are added ((0028,2110) (0028,2112) (0028,2114)); overlays in unused bits of pixels that
// become encapsulated move to Overlay Data; an encapsulated icon becomes native. SOP Instance UID and everything else
// stay. What reached the sink before an error is not an instance.
Status Transcode(Bytes file, std::string_view to, const TranscodeOptions& options, FrameCodec& codec, const Sink& sink);

}  // namespace hilum::pixel
