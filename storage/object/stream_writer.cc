#include "storage/object/stream_writer.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hilum::storage::segment {

StreamWriter::StreamWriter(SegmentSet& set, SegmentSet::Place lane, Bytes id)
    : set_(set), lane_(std::move(lane)), id_(id) {}

StreamWriter::~StreamWriter() {
  set_.ReturnLane(lane_).IgnoreError();  // an error has stopped the store, which says so at the next call
}

Status StreamWriter::Append(Bytes bytes) {
  if (!usable_) return Unavailable("an object writer was used after its end or an error");
  usable_ = false;
  if (bytes.size() > kMaxBodyBytes - length_)
    return LimitExceeded("an object is larger than the object store can hold");
  length_ += bytes.size();
  while (!bytes.empty()) {
    const size_t step = std::min(bytes.size(), kChunkBytes - chunk_.size());
    chunk_.append(bytes.substr(0, step));
    bytes.remove_prefix(step);
    if (chunk_.size() == kChunkBytes) HILUM_RETURN_IF_ERROR(WriteChunk());
  }
  usable_ = true;
  return Status::Ok();
}

Status StreamWriter::WriteChunk() {
  const uint64_t begin = lane_.offset + kFrameBytes + table_.size() / sizeof(uint64_t) * kChunkBytes;
  HILUM_RETURN_IF_ERROR(set_.ExtendLane(lane_, RoundUpToPage(begin + chunk_.size())));
  const Bytes piece = chunk_;
  HILUM_RETURN_IF_ERROR(lane_.file->Write(begin, {&piece, 1}));
  AppendLe(&table_, Checksum(chunk_));
  chunk_.clear();
  return Status::Ok();
}

Result<ObjectRef> StreamWriter::Finish() {
  if (!usable_) return Unavailable("an object writer was used after its end or an error");
  usable_ = false;
  HILUM_RETURN_IF_ERROR(WriteEnd());
  return ObjectRef{lane_.segment, lane_.offset, length_};
}

Status StreamWriter::WriteEnd() {
  const ObjectRef ref{lane_.segment, lane_.offset, length_};
  const Layout layout(ref);
  HILUM_RETURN_IF_ERROR(set_.ExtendLane(lane_, layout.end));
  if (!chunk_.empty()) HILUM_RETURN_IF_ERROR(WriteChunk());
  const Frame frame{ref, id_, Checksum(table_)};
  const std::string padding(layout.table - layout.body - length_, '\0');
  const FrameBytes footer = EncodeFrame(FrameKind::kFooter, frame);
  const std::array<Bytes, 3> tail = {padding, table_, Bytes(footer.data(), footer.size())};
  HILUM_RETURN_IF_ERROR(lane_.file->Write(layout.body + length_, tail));
  const FrameBytes header = EncodeFrame(FrameKind::kHeader, frame);
  const Bytes piece(header.data(), header.size());
  return lane_.file->Write(ref.offset, {&piece, 1});
}

}  // namespace hilum::storage::segment
