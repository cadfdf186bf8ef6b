#include "codecs/dicom/bulk.h"

#include <algorithm>

#include "codecs/dicom/element_header.h"
#include "codecs/dicom/json_writer.h"
#include "codecs/dicom/values.h"

namespace hilum::dicom {
namespace {

class BulkVisitor : public PathVisitor {
 public:
  BulkVisitor(uint64_t inline_binary_bytes, const std::function<Status(const BulkValue&)>& take)
      : inline_binary_bytes_(inline_binary_bytes), take_(take) {}

  Status OnElement(const Element& element) override {
    return IsByReference(element, inline_binary_bytes_) ? take_({PathOf(element), element}) : Status::Ok();
  }
  Status OnEncapsulated(const Element& element) override {
    return element.length > 0 ? take_({PathOf(element), element, /*encapsulated=*/true}) : Status::Ok();
  }

 private:
  const uint64_t inline_binary_bytes_;
  const std::function<Status(const BulkValue&)>& take_;
};

}  // namespace

Status PathVisitor::OnSequenceBegin(const Element& element) {
  open_.emplace_back(element.tag, -1);
  return Status::Ok();
}

Status PathVisitor::OnItemBegin(uint32_t) {
  if (!open_.empty()) ++open_.back().second;
  return Status::Ok();
}

Status PathVisitor::OnSequenceEnd(uint32_t) {
  if (!open_.empty()) open_.pop_back();
  return Status::Ok();
}

std::string PathVisitor::PathOf(const Element& element) const {
  std::string path;
  for (size_t i = 0; i < open_.size() && i < element.depth; ++i)
    path += ToHex(open_[i].first) + "/" + std::to_string(open_[i].second) + "/";
  return path + ToHex(element.tag);
}

Status ForEachBulkValue(Bytes file, uint64_t inline_binary_bytes, const ReadLimits& limits, Inflated* inflated,
                        const std::function<Status(const BulkValue&)>& take) {
  BulkVisitor visitor(inline_binary_bytes, take);
  return Read(file, limits, visitor, inflated).status();
}

std::vector<FrameRange> FragmentsOf(Bytes bytes, const Element& element) {
  std::vector<FrameRange> fragments;
  const uint64_t end = std::min<uint64_t>(element.offset + element.length, bytes.size());
  bool is_table = true;
  for (uint64_t at = element.offset; at < end && end - at >= 8; is_table = false) {
    const uint64_t length = Load32(bytes.data() + at + 4, element.big_endian);
    if (LoadTag(bytes.data() + at, element.big_endian) != tags::kItem || length > end - at - 8) break;
    if (!is_table) fragments.push_back({at + 8, length});
    at += 8 + length;
  }
  return fragments;
}

}  // namespace hilum::dicom
