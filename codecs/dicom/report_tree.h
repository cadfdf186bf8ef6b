// The content tree of a structured report or key object selection (PS3.3 C.17.3, C.17.6) as it was read. Internal to
// codecs/dicom.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "codecs/dicom/reader.h"

namespace hilum::dicom {

struct ReportItem {
  std::string type, name, value;
  std::vector<size_t> children;     // in ReportTree::items
  std::vector<uint32_t> reference;  // by-reference: to the item of that place, from 1, the root's first (C.17.3.2.5)
};

struct ReportTree {
  std::vector<ReportItem> items = std::vector<ReportItem>(1);  // the first one is the root
  std::vector<std::pair<std::string_view, std::string>> headings;

  // nullptr: there is none.
  const ReportItem* At(const std::vector<uint32_t>& place) const;
  std::string_view title() const {
    return items.front().name.empty() ? "Report" : std::string_view(items.front().name);
  }
};

// What a by-reference item says: its place, and what is there, shortened where it is long.
struct ReportReference {
  std::string name, value;
};
ReportReference Follow(const ReportTree& tree, const ReportItem& item);

// Errors are those of Read.
Result<ReportTree> ReadReport(Bytes file, const ReadLimits& limits);

}  // namespace hilum::dicom
