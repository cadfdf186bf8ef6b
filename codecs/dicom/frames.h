// Where each frame of an instance lies in its bytes (PS3.5 Annex A.4, 8.2). Pure functions, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "codecs/dicom/attributes.h"

namespace hilum::dicom {

struct FrameRange {
  uint64_t offset = 0;  // from the start of the file
  uint64_t length = 0;
};

// A frame is one range when native or when its fragments number one; a fragmented frame is several ranges in order.
// Native frames that do not begin on a byte (1-bit images) are `bit_packed`: ranges then cover the bytes that hold
// the frame.
struct FrameTable {
  std::vector<FrameRange> ranges;
  std::vector<uint32_t> first_range;  // of frame i; size() == frames + 1
  bool bit_packed = false;

  size_t frames() const { return first_range.empty() ? 0 : first_range.size() - 1; }
};

// More frames than this are kLimit: a table must not outgrow the file it describes.
inline constexpr uint32_t kMaxFrames = 1 << 22;

// Encapsulated frames are told apart by the first of these that is unambiguous: one frame, or as many fragments as
// frames; the Extended Offset Table; the Basic Offset Table; codestreams that begin with their marker. A table that
// contradicts the fragments is passed over. Video (MPEG-2, MPEG-4, HEVC) is one frame: the stream.
// kNotFound without pixel data; kUnsupported for deflated data sets (their frames have no place in the file); kInvalid
// when fragments or tables contradict each other or the length. Linear in the number of fragments.
Result<FrameTable> ReadFrameTable(Bytes file, const Header& header);

// Compact form for the store: equal-sized native frames take a few bytes. Decode is false on damaged bytes.
void AppendFrameTable(const FrameTable& table, std::string* out);
bool ReadFrameTable(ByteReader* in, FrameTable* out);

}  // namespace hilum::dicom
