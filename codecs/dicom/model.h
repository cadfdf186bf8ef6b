// A data set as a tree of attributes: what DICOM JSON (PS3.18 Annex F) and the Native DICOM Model (PS3.19 A.1) have in
// common. Everything that is in one of them is read into it and written from it. Values own their text; functions are
// pure and thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/memory_allowance.h"
#include "base/result.h"
#include "codecs/dicom/tag.h"

namespace hilum::dicom {

struct ModelAttribute;

// Attributes in ascending order of tags, none twice.
struct ModelDataSet {
  std::vector<ModelAttribute> attributes;

  const ModelAttribute* Find(Tag tag) const;
};

struct ModelAttribute {
  enum class Form : uint8_t { kValues, kInline, kBulk };

  Tag tag;
  Vr vr;
  Form form = Form::kValues;
  // UTF-8; numbers in decimal, AT as eight hexadecimal digits, person names as "Alphabetic=Ideographic=Phonetic". An
  // empty one stands for no value at that place.
  std::vector<std::string> values;
  std::vector<ModelDataSet> items;  // of a sequence
  std::string content;              // kInline: bytes, numbers in little endian; kBulk: the URI
};

struct ModelLimits {
  size_t max_depth = 64;            // of nested sequences
  size_t max_elements = 1'000'000;  // attributes, items and values of one document
};

// The data sets of a DICOM JSON document: an array of them, or one. kInvalid names the path of the attribute that is
// wrong; kLimit.
Result<std::vector<ModelDataSet>> ReadJsonModel(std::string_view json, const ModelLimits& limits);

// The data set of a Native DICOM Model document in UTF-8. A document type declaration is refused. Attributes with a
// `privateCreator` and without a block number get the block of that creator, or a free one. Errors as above.
Result<ModelDataSet> ReadXmlModel(std::string_view xml, const ModelLimits& limits);

// Appends the data set as a Native DICOM Model document. Private attributes whose creator is there are written without
// their block number, next to `privateCreator`. Characters that XML cannot hold become U+FFFD.
void AppendXmlModel(const ModelDataSet& data_set, std::string* out);

// What a bulk data URI stands for.
struct ModelBulk {
  std::vector<Bytes> pieces;    // the value; compressed: one piece for each frame
  std::string transfer_syntax;  // of compressed frames; "": the value as it is, numbers in little endian
  std::string charset;          // of text, by its name of the Internet ("ISO-8859-1"); "": none was said
};
// nullptr for a URI that stands for nothing.
using BulkFinder = std::function<const ModelBulk*(const std::string& uri)>;

// The data set as a Part 10 file in Explicit VR Little Endian, or in the transfer syntax of its compressed Pixel Data.
// Text is written in UTF-8, and Specific Character Set says so. Group 0002, group lengths and padding are not taken
// over. Bulk data of text are in their `charset`, without one in UTF-8 or else in the Specific Character Set that the
// data set has. kInvalid with the path of an attribute whose values its VR cannot hold; kLimit past `max_bytes`. What
// is made counts in `memory`, also after a failure: kUnavailable without room there.
Result<std::string> EncodeModel(const ModelDataSet& data_set, const BulkFinder& bulk, uint64_t max_bytes,
                                MemoryAllowance::Share* memory = nullptr);

}  // namespace hilum::dicom
