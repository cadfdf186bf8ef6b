// Writes one object of unknown length into a lane, one checksummed chunk at a time: memory stays at one chunk.
// The header is written last, so that a record which was given up is never taken for one.
#pragma once

#include <string>

#include "storage/object/format.h"
#include "storage/object/segment_set.h"

namespace hilum::storage::segment {

class StreamWriter : public ObjectWriter {
 public:
  // Owns the lane until destroyed. `set` outlives the writer. REQUIRES: id.size() <= kMaxIdBytes.
  StreamWriter(SegmentSet& set, SegmentSet::Place lane, Bytes id);
  ~StreamWriter() override;

  Status Append(Bytes bytes) override;
  uint64_t length() const override { return length_; }
  Result<ObjectRef> Finish() override;

 private:
  Status WriteChunk();
  Status WriteEnd();

  SegmentSet& set_;
  const SegmentSet::Place lane_;
  const std::string id_;
  std::string chunk_;  // not yet written
  std::string table_;
  uint64_t length_ = 0;
  bool usable_ = true;  // no error yet, not finished
};

}  // namespace hilum::storage::segment
