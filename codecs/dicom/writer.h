// Writes data elements in little endian syntaxes, and DICOM Part 10 files (PS3.10 7.1) of them: preamble, File Meta
// Information, data set. Not thread-safe. Values are padded to even length.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "codecs/dicom/reader.h"
#include "codecs/dicom/tag.h"
#include "codecs/dicom/transfer_syntax.h"

namespace hilum::dicom {

// Of the File Meta Information (PS3.10 7.1) that we write. The UID, a fixed one below 2.25, names this implementation.
inline constexpr Bytes kMetaInformationVersion("\0\1", 2);
inline constexpr std::string_view kImplementationClassUid = "2.25.118230964570418205340921830175012345601";

// What makes the length of a value even (PS3.5 6.2).
char PaddingOf(Vr vr);

// Appends to a string, which outlives it.
class DataSetWriter {
 public:
  explicit DataSetWriter(std::string* out) : DataSetWriter(/*explicit_vr=*/true, out) {}
  DataSetWriter(bool explicit_vr, std::string* out) : explicit_vr_(explicit_vr), out_(out) {}

  // The value as it is. One too long for the 16-bit length of its VR is written as UN (PS3.5 6.2.2). REQUIRES: at most
  // 4,294,967,294 bytes.
  void Add(Tag tag, Vr vr, Bytes value);
  // With its numbers turned to little endian where they are not. REQUIRES: as above.
  void Add(const Element& element);
  // Only tag, VR and length: the value follows by other means. UINT32_MAX: undefined length.
  void AddHeader(Tag tag, Vr vr, uint32_t length);
  // The head of an item (PS3.5 7.5), or a delimiter.
  void AddItemTag(Tag tag, uint32_t length);

 private:
  const bool explicit_vr_;
  std::string* const out_;
};

// Adds elements in ascending order of tags (asserted), in Explicit VR Little Endian.
class Part10Writer {
 public:
  // The File Meta Information is complete with these. `transfer_syntax` must be one with explicit VR little endian.
  Part10Writer(std::string_view sop_class_uid, std::string_view sop_instance_uid,
               std::string_view transfer_syntax = kExplicitLittleEndian);

  // Text or bytes as they are. REQUIRES: `tag` is greater than the last one, and what DataSetWriter::Add requires.
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
