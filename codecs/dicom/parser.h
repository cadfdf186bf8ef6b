// The walk over the elements of one data set. Internal to codecs/dicom: reader.h is the interface.
#pragma once

#include <string>
#include <vector>

#include "codecs/dicom/element_header.h"
#include "codecs/dicom/reader.h"

namespace hilum::dicom {

// Walks `bytes` from an offset to the end, reports to a visitor and notes pixel data in a layout. One walk per object.
class Parser {
 public:
  Parser(Bytes bytes, const ReadLimits& limits, Visitor& visitor, Layout* layout);
  Status Walk(uint64_t offset, Syntax syntax);

 private:
  // The data set, an open sequence or an open item.
  struct Frame {
    uint64_t end;        // of the container: nothing inside reaches past it
    Tag tag;             // of the sequence, or of the last element read in an item or the data set
    uint32_t items = 0;  // of the sequence, begun so far
    bool is_sequence;
    bool undefined;      // ends by a delimiter, or where a container ends that has a length
    bool silent;         // not reported
    bool signed_pixels;  // Pixel Representation seen here or further out
    uint32_t cell = 1;   // bytes, where Bits Allocated of 32 or 64 was seen here or further out
    Syntax syntax;
  };

  Status WalkToEnd();
  Status ReadElement();
  Status ReadItem();
  Status ReadDelimiter(const ElementHeader& header);
  Status BeginSequence(const ElementHeader& header, uint64_t value, Syntax inner);
  // Whether the value of an element, written as UN, is that of a sequence.
  bool HoldsItems(Tag tag, Bytes value) const;
  Status ReadEncapsulated(const ElementHeader& header, uint64_t value);
  bool EndsOnlyWithTheFile() const;
  Status Close();
  void NotePixelData(const Element& element, bool encapsulated);
  void CheckTrailingZeros();
  uint32_t depth() const { return (stack_.size() - 1) / 2; }

  // "(0040,0275)[0]/(0040,0007) at offset 1234"
  std::string Place(uint64_t offset) const;
  Status Broken(uint64_t offset, std::string_view why) const;
  Status TooManyElements() const;

  const Bytes bytes_;
  const ReadLimits& limits_;
  Visitor& visitor_;
  Layout* const layout_;
  uint64_t position_ = 0;
  size_t elements_ = 0;
  bool stopped_ = false;
  bool zeros_checked_ = false;
  std::vector<Frame> stack_;
};

}  // namespace hilum::dicom
