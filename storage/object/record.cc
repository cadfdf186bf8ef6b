#include "storage/object/record.h"

#include <algorithm>
#include <utility>

namespace hilum::storage::segment {
namespace {

Status Damaged(const ObjectRef& ref, const std::string& what) {
  return Corruption("segment " + std::to_string(ref.segment) + ", record at offset " + std::to_string(ref.offset) +
                    ": " + what);
}

// The frame of `kind` at `offset`, or nullopt when there is none that is intact.
Result<std::optional<Frame>> ReadFrame(const File& file, FrameKind kind, uint64_t offset) {
  FrameBytes bytes;
  HILUM_RETURN_IF_ERROR(file.ReadAt(offset, bytes));
  return DecodeFrame(kind, {bytes.data(), bytes.size()});
}

}  // namespace

Record::Record(std::shared_ptr<File> file, Frame footer, std::string table)
    : file_(std::move(file)), footer_(std::move(footer)), layout_(footer_.ref), table_(std::move(table)) {}

Result<Record> Record::Open(std::shared_ptr<File> file, const ObjectRef& ref) {
  if (!IsPlausible(ref)) return Damaged(ref, "no record can be there");
  const Layout layout(ref);
  HILUM_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (layout.end > size) return Damaged(ref, "the file ends before the record does");
  std::string tail(layout.end - layout.table, '\0');
  HILUM_RETURN_IF_ERROR(file->ReadAt(layout.table, tail));
  const size_t table_size = layout.footer - layout.table;
  std::optional<Frame> footer = DecodeFrame(FrameKind::kFooter, Bytes(tail).substr(table_size));
  if (!footer || footer->ref != ref) return Damaged(ref, "its footer is damaged or not its own");
  tail.resize(table_size);
  if (Checksum(tail) != footer->table_checksum) return Damaged(ref, "its table of checksums is damaged");
  return Record(std::move(file), std::move(*footer), std::move(tail));
}

uint64_t Record::ChunkLength(uint64_t chunk) const {
  return std::min(kChunkBytes, footer_.ref.length - chunk * kChunkBytes);
}

Status Record::ReadChunk(uint64_t chunk, std::span<char> out) const {
  HILUM_RETURN_IF_ERROR(file_->ReadAt(layout_.body + chunk * kChunkBytes, out));
  if (Checksum({out.data(), out.size()}) != LoadLe<uint64_t>(&table_[chunk * sizeof(uint64_t)])) {
    return Damaged(footer_.ref, "the body is damaged between its bytes " + std::to_string(chunk * kChunkBytes) +
                                    " and " + std::to_string(chunk * kChunkBytes + out.size()));
  }
  return Status::Ok();
}

Status Record::Read(uint64_t offset, std::span<char> out) const {
  if (offset > footer_.ref.length || out.size() > footer_.ref.length - offset) {
    return Invalid("a range beyond the end of an object is asked for");
  }
  std::string part_of_chunk;
  while (!out.empty()) {
    const uint64_t chunk = offset / kChunkBytes;
    const uint64_t begin = offset % kChunkBytes;
    const uint64_t length = ChunkLength(chunk);
    const size_t step = std::min<uint64_t>(out.size(), length - begin);
    if (step == length) {
      HILUM_RETURN_IF_ERROR(ReadChunk(chunk, out.first(step)));
    } else {
      part_of_chunk.resize(length);
      HILUM_RETURN_IF_ERROR(ReadChunk(chunk, part_of_chunk));
      std::copy_n(part_of_chunk.data() + begin, step, out.data());
    }
    offset += step;
    out = out.subspan(step);
  }
  return Status::Ok();
}

Status Record::ReadAll(const std::function<Status(Bytes)>& visit) const {
  std::string content(std::min(kChunkBytes, footer_.ref.length), '\0');
  for (uint64_t chunk = 0; chunk < layout_.chunks; ++chunk) {
    content.resize(ChunkLength(chunk));
    HILUM_RETURN_IF_ERROR(ReadChunk(chunk, content));
    HILUM_RETURN_IF_ERROR(visit(content));
  }
  return Status::Ok();
}

Status Record::CheckHeader() const {
  HILUM_ASSIGN_OR_RETURN(const std::optional<Frame> header, ReadFrame(*file_, FrameKind::kHeader, footer_.ref.offset));
  if (!header || *header != footer_) return Damaged(footer_.ref, "its header is damaged");
  return Status::Ok();
}

Status Record::CheckId(Bytes id) const {
  if (footer_.id.empty() || footer_.id == id) return Status::Ok();
  return Damaged(footer_.ref, "it holds another object");
}

}  // namespace hilum::storage::segment
