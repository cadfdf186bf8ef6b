// Reads DICOM Part 10 bytes (PS3.10) in one bounded pass: implicit and explicit VR little endian, explicit VR big endian, deflated; with or without preamble
// and File Meta Information. Any bytes are safe to read: no recursion, no allocation sized by the input, every length checked against what is there.
//
// Pure functions, thread-safe. Views point into the given bytes (or, for deflated data, into DataSet::inflated).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codecs/dicom/tag.h"

namespace hilum::dicom {

struct ReadLimits {
  size_t max_depth = 64;                    // of nested sequences
  size_t max_elements = 4'000'000;          // in all, nested ones included
  uint64_t max_inflated_bytes = 512 << 20;  // of a deflated data set
};

// One data element as it stands in the bytes.
struct Element {
  Tag tag;
  Vr vr;             // as written; from the dictionary in implicit VR (UN when unknown)
  uint64_t offset;   // of the value, from the start of the (inflated) bytes
  uint64_t length;   // of the value; of a sequence or encapsulated pixel data: from its first item to before its delimiter
  Bytes value;       // empty for sequences
  uint32_t depth;    // 0: top level
};

// How the bytes are laid out.
struct Layout {
  std::string transfer_syntax;        // UID; inferred when the file has no File Meta Information
  bool has_preamble = false;
  bool has_meta = false;
  bool big_endian = false;
  bool explicit_vr = true;
  bool deflated = false;
  uint64_t data_set_offset = 0;       // of the first element after the File Meta Information
  uint64_t pixel_data_offset = 0;     // of the value of top-level (Float, Double) Pixel Data; 0: none
  uint64_t pixel_data_length = 0;     // octets, without the final sequence delimiter when encapsulated
  Tag pixel_data_tag;
  Vr pixel_data_vr;
  bool encapsulated = false;          // pixel data is a sequence of fragments
  std::vector<Element> meta;          // group 0002
};

// Receives the data set in file order. Returning a non-OK status ends the read with it.
class Visitor {
 public:
  virtual ~Visitor() = default;
  // An element with a value (not a sequence, not encapsulated pixel data).
  virtual Status OnElement(const Element& element) = 0;
  virtual Status OnSequenceBegin(const Element& element) { return Status::Ok(); }
  virtual Status OnItemBegin(uint32_t depth) { return Status::Ok(); }
  virtual Status OnItemEnd(uint32_t depth) { return Status::Ok(); }
  virtual Status OnSequenceEnd(uint32_t depth) { return Status::Ok(); }
  // Encapsulated pixel data; its fragments are read by frames.h.
  virtual Status OnEncapsulated(const Element& element) { return Status::Ok(); }
  // False stops the read before the first top-level element with a greater tag: nothing after it is looked at. (Pixel data of 2 GB costs nothing.)
  virtual bool WantsBeyond(Tag last) { return true; }
};

// Reads layout and visits the data set. kInvalid (with tag path and byte offset) when it is not DICOM or breaks off in the middle of an element; kLimit; kUnsupported for a
// transfer syntax whose data set cannot be parsed. `inflated` keeps the data set alive when deflated, else stays empty.
Result<Layout> Read(Bytes file, const ReadLimits& limits, Visitor& visitor, std::string* inflated);

}  // namespace hilum::dicom
