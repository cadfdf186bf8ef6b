// A data set as a tree of attributes: what DICOM JSON (PS3.18 Annex F) and the Native DICOM Model (PS3.19 A.1) have in
// common. Everything that is in one of them is read into it and written from it. Values own their text; functions are
// pure and thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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
  std::string content;              // kInline: octets, numbers in little endian; kBulk: the URI
};

struct ModelLimits {
  size_t max_depth = 64;            // of nested sequences
  size_t max_elements = 1'000'000;  // attributes, items and values of one document
};

// The data sets of a DICOM JSON document: an array of them, or one. kInvalid names the path of the attribute that is
// wrong; kLimit.
Result<std::vector<ModelDataSet>> ReadJsonModel(std::string_view json, const ModelLimits& limits);

// Appends the data set as a Native DICOM Model document. Private attributes whose creator is there are written without
// their block number, next to `privateCreator`. Characters that XML cannot hold become U+FFFD.
void AppendXmlModel(const ModelDataSet& data_set, std::string* out);

}  // namespace hilum::dicom
