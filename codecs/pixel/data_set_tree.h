// A small data set held as a tree, for objects that are all structure: presentation states. Internal to codecs/pixel.
// Elements are views of the file (or of what it inflates to).
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/dicom/reader.h"

namespace hilum::pixel {

struct DataSetItem {
  std::map<dicom::Tag, dicom::Element> elements;
  std::map<dicom::Tag, std::vector<DataSetItem>> sequences;

  const dicom::Element* Find(dicom::Tag tag) const;
  // Without padding; empty when absent.
  std::string_view Text(dicom::Tag tag) const;
  // Of any VR that holds numbers; what is no finite number is 0. Empty when absent.
  std::vector<double> Numbers(dicom::Tag tag) const;
  double Number(dicom::Tag tag, double otherwise) const;
  std::span<const DataSetItem> Items(dicom::Tag sequence) const;
};

// kLimit for more elements than such objects have.
Result<DataSetItem> ReadTree(Bytes file, const dicom::ReadLimits& limits, dicom::Inflated* inflated);

}  // namespace hilum::pixel
