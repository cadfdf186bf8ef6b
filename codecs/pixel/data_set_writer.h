// Data elements in little-endian syntaxes, for transcoding. Internal to codecs/pixel. Not thread-safe.
#pragma once

#include <string>

#include "base/bytes.h"
#include "codecs/dicom/reader.h"

namespace hilum::pixel {

// Appends to a string; sequences and items have undefined length, values are padded to even length.
class DataSetWriter {
 public:
  DataSetWriter(bool explicit_vr, std::string* out) : explicit_vr_(explicit_vr), out_(out) {}

  // The value as it is. A value too long for the length field of its VR is written as UN (PS3.5 6.2.2).
  void Add(dicom::Tag tag, dicom::Vr vr, Bytes value);
  // With its numbers turned to little endian where they are not.
  void Add(const dicom::Element& element);
  // Only tag, VR and length: the value follows by other means. UINT32_MAX: undefined length.
  void AddHeader(dicom::Tag tag, dicom::Vr vr, uint32_t length);
  // Item or delimiter.
  void AddItemTag(dicom::Tag tag, uint32_t length);

 private:
  const bool explicit_vr_;
  std::string* const out_;
};

// Bytes of one number in a value of `vr` for the sake of their order; 1 when there is none.
size_t OrderUnit(dicom::Vr vr);

// What makes the length of a value even (PS3.5 6.2).
char PaddingOf(dicom::Vr vr);

// Appends `value` with every `unit` bytes reversed; what is left over at the end stays.
void AppendReversed(Bytes value, size_t unit, std::string* out);

}  // namespace hilum::pixel
