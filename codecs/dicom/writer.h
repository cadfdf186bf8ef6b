// Writes DICOM Part 10 files (PS3.10 7.1) in Explicit VR Little Endian: preamble, File Meta Information, data set.
// Not thread-safe. Elements are added in ascending order of tags (asserted); values are padded to even length.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "codecs/dicom/tag.h"
#include "codecs/dicom/transfer_syntax.h"

namespace hilum::dicom {

// Appends one element in Explicit VR Little Endian, its value padded to even length. A value too long for the 16-bit
// length of its VR is written as UN (PS3.5 6.2.2). REQUIRES: at most 4,294,967,294 bytes.
void AppendElement(std::string* out, Tag tag, Vr vr, Bytes value);

class Part10Writer {
 public:
  // The File Meta Information is complete with these. `transfer_syntax` must be one with explicit VR little endian.
  Part10Writer(std::string_view sop_class_uid, std::string_view sop_instance_uid,
               std::string_view transfer_syntax = kExplicitLittleEndian);

  // Text or bytes as they are. REQUIRES: `tag` is greater than the last one, and what AppendElement requires.
  void Add(Tag tag, Vr vr, Bytes value);
  void AddUint16(Tag tag, uint16_t value);
  // Encapsulated Pixel Data (PS3.5 A.4) with an empty Basic Offset Table. REQUIRES: as of Add, for each fragment.
  void AddFragments(Tag tag, std::span<const Bytes> fragments);

  // The file so far; the writer is empty afterwards.
  std::string Take();

 private:
  std::string file_;
  Tag last_;
};

}  // namespace hilum::dicom
