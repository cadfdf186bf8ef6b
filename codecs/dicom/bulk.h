// The values of an instance that its metadata refers to (json.h), and where they stand.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "codecs/dicom/frames.h"
#include "codecs/dicom/reader.h"

namespace hilum::dicom {

// Knows the path of each element while it is read: "7FE00010", "00291010/0/00291020" (tags and item numbers from 0).
class PathVisitor : public Visitor {
 public:
  Status OnSequenceBegin(const Element& element) final;
  Status OnItemBegin(uint32_t depth) final;
  Status OnSequenceEnd(uint32_t depth) final;

 protected:
  std::string PathOf(const Element& element) const;

 private:
  std::vector<std::pair<Tag, int64_t>> open_;  // sequences, with the item at hand
};

struct BulkValue {
  std::string path;
  Element element;
  bool encapsulated = false;
};

// Calls `take` for every value that AppendJson with these `inline_binary_bytes` refers to by a URI, in the order of the
// file; an error of it ends the read. Offsets are of the file, of `inflated` when that is not empty.
Status ForEachBulkValue(Bytes file, uint64_t inline_binary_bytes, const ReadLimits& limits, Inflated* inflated,
                        const std::function<Status(const BulkValue&)>& take);

// What the fragments of encapsulated pixel data hold, without the offset table; `element` is of `bytes`. Fragments that
// break off end it.
std::vector<FrameRange> FragmentsOf(Bytes bytes, const Element& element);

}  // namespace hilum::dicom
