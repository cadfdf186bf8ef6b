// Reads DICOM Part 10 bytes (PS3.10) in one bounded pass: implicit and explicit VR little endian, explicit VR big
// endian, deflated; with or without preamble and File Meta Information. Any bytes are safe to read: no recursion, no
// allocation sized by the input, every length checked against what is there.
//
// Lenient where nothing is lost: the syntax is taken from the bytes when the File Meta Information is missing or names
// another one, its group length is not believed, delimiters may be missing where the enclosing item or the file ends,
// zeros may follow the data set. A file that breaks off inside an element, pixel data included, is kInvalid.
//
// Pure functions, thread-safe. Views point into the given bytes (or, for deflated data, into the caller's `inflated`).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codecs/dicom/inflated.h"
#include "codecs/dicom/tag.h"

namespace hilum::dicom {

struct ReadLimits {
  size_t max_depth = 64;                    // of nested sequences
  size_t max_elements = 4'000'000;          // in all, nested ones, items and fragments included
  uint64_t max_inflated_bytes = 512 << 20;  // of a deflated data set
  uint64_t max_inflation_ratio = 500;       // inflated to deflated bytes, counted once 16 MiB are inflated
  // For all deflated data sets that are read at a time; outlives them. Null: as much as each likes.
  MemoryAllowance* inflated_memory = nullptr;
};

// Length of a sequence whose end is marked by a delimiter.
inline constexpr uint64_t kUndefinedLength = 0xFFFFFFFF;

// One data element as it stands in the bytes.
struct Element {
  Tag tag;
  Vr vr;            // as written; from the dictionary in implicit VR (UN when unknown), UN for letters that are no VR
  bool big_endian;  // of the numbers in the value; never of those in UN
  uint32_t depth;   // 0: top level
  uint64_t offset;  // of the value, from the start of the (inflated) bytes
  uint64_t length;  // of the value; of encapsulated pixel data: from its first item to before its delimiter; of a
                    // sequence: of its items, or kUndefinedLength
  Bytes value;      // empty for sequences and encapsulated pixel data
  // Bytes of a word of the value that stand in reverse of little endian; 1: they do not, or it has no words. Cells of
  // native pixel data of 32 and 64 bits are found reversed as a whole, although OW has words of 16.
  uint32_t reversed = 1;
};

// How the bytes are laid out.
struct Layout {
  std::string transfer_syntax;  // UID as declared; inferred when not, "" when encapsulated pixel data do not tell which
  bool has_preamble = false;
  bool has_meta = false;
  bool big_endian = false;  // as found, even where the declared syntax says otherwise; so is explicit_vr
  bool explicit_vr = true;
  bool deflated = false;
  uint64_t data_set_offset = 0;  // in the file: of the first byte after the File Meta Information
  // Top-level (Float, Double Float) Pixel Data. Offsets are from the start of the file, of the inflated bytes if
  // deflated.
  uint64_t pixel_data_offset = 0;  // of the value; 0: no pixel data
  uint64_t pixel_data_length = 0;  // bytes, without the final sequence delimiter when encapsulated
  Tag pixel_data_tag;
  Vr pixel_data_vr;
  bool encapsulated = false;  // pixel data is a sequence of fragments
  // The file ends where the next fragment or the sequence delimiter of encapsulated pixel data should be.
  bool lacks_delimiter = false;
  // Value of (7FE0,0001), one 64-bit number a frame; length 0 when absent.
  uint64_t extended_offsets_offset = 0, extended_offsets_length = 0;
  std::vector<Element> meta;  // group 0002
};

// Receives the data set in file order. Returning a non-OK status ends the read with it.
// `depth` is that of the sequence element: its items' elements are one deeper.
class Visitor {
 public:
  virtual ~Visitor() = default;
  // An element with a value (not a sequence, not encapsulated pixel data).
  virtual Status OnElement(const Element& element) = 0;
  // False: the sequence is checked, but neither it nor what is in it is reported.
  virtual bool WantsSequence(const Element& element) { return true; }
  virtual Status OnSequenceBegin(const Element& element) { return Status::Ok(); }
  virtual Status OnItemBegin(uint32_t depth) { return Status::Ok(); }
  virtual Status OnItemEnd(uint32_t depth) { return Status::Ok(); }
  virtual Status OnSequenceEnd(uint32_t depth) { return Status::Ok(); }
  // Encapsulated pixel data, at any depth; its fragments are read by frames.h.
  virtual Status OnEncapsulated(const Element& element) { return Status::Ok(); }
  // False stops the read at the first fragment of top-level encapsulated pixel data, whose length is then what is left.
  virtual bool WantsFragments() { return true; }
  // False stops the read before the first top-level element with a tag greater than `last`, the one read before:
  // nothing after it is looked at, and the layout knows no pixel data there.
  virtual bool WantsBeyond(Tag last) { return true; }
};

// Reads layout and visits the data set. kInvalid (with tag path and byte offset) when it is not DICOM or breaks off in
// the middle of an element; kLimit; kUnavailable when `inflated_memory` is used up; kUnsupported for a transfer syntax
// whose data set cannot be parsed. `inflated` keeps the data set alive when deflated, else stays empty.
Result<Layout> Read(Bytes file, const ReadLimits& limits, Visitor& visitor, Inflated* inflated);

}  // namespace hilum::dicom
