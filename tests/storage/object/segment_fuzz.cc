// Arbitrary bytes as the records of a segment: nothing may crash or read what is not there, and whatever is found whole
// must read back.
//
// Checksums would keep a fuzzer out, so frames are repaired: where the first byte of a 4 KiB page is 'R' the page gets
// a header, where the first of its last 128 bytes is 'F' it gets a footer, with the segment and the checksum right and
// the rest as the input says.
#include <string>

#include "storage/object/format.h"
#include "storage/object/object_store.h"
#include "tests/fuzz/require.h"
#include "tests/support/memory_disk.h"

namespace hilum::storage {
namespace {

using hilum::fuzz::Require;
void Repair(segment::FrameKind kind, std::string* file, uint64_t at) {
  segment::Frame frame;
  frame.ref.segment = 1;
  frame.ref.offset = static_cast<unsigned char>((*file)[at + 1]) * segment::kPageBytes;
  frame.ref.length = LoadLe<uint64_t>(&(*file)[at + 2]) >> ((*file)[at + 10] & 63);
  frame.table_checksum = LoadLe<uint64_t>(&(*file)[at + 11]);
  if ((*file)[at + 11] == 0) frame.table_checksum = segment::Checksum("");
  frame.id = file->substr(at + 20, static_cast<unsigned char>((*file)[at + 19]) % (segment::kMaxIdBytes + 1));
  const segment::FrameBytes bytes = EncodeFrame(kind, frame);
  file->replace(at, bytes.size(), bytes.data(), bytes.size());
}

std::string MakeFile(Bytes input) {
  const segment::PageBytes begin = EncodeMark(segment::MarkKind::kBegin, 1, 0);
  std::string file(begin.data(), begin.size());
  file += input;
  for (uint64_t page = segment::kPageBytes; page + segment::kPageBytes <= file.size(); page += segment::kPageBytes) {
    const uint64_t last = page + segment::kPageBytes - segment::kFrameBytes;
    if (file[page] == 'R') Repair(segment::FrameKind::kHeader, &file, page);
    if (file[last] == 'F') Repair(segment::FrameKind::kFooter, &file, last);
  }
  return file;
}

// The record that a frame speaks of, if there is one at `at`.
void Check(const ObjectStore& store, const std::string& file, segment::FrameKind kind, uint64_t at) {
  const auto frame = DecodeFrame(kind, Bytes(file).substr(at, segment::kFrameBytes));
  if (!frame) return;
  const bool whole = store.VerifyObject(frame->id, frame->ref).ok();
  std::string out(std::min<uint64_t>(frame->ref.length, 1 << 20), '\0');
  const bool readable = store.Read(frame->ref, 0, out).ok();
  const bool checked = store.Check(frame->ref, 0, frame->ref.length).ok();
  if (whole) Require(readable && checked);
}

void Run(Bytes input) {
  MemoryDisk disk;
  Require(disk.CreateDirectories("/s").ok());
  const std::string file = MakeFile(input);
  Require(WriteWholeFile(disk, "/s/000001.seg", file).ok());
  ObjectStoreOptions options;
  options.directory = "/s";
  options.low_water_bytes = 0;
  auto store = ObjectStore::Open(options, disk, Logger());
  Require(store.ok());
  for (uint64_t page = segment::kPageBytes; page + segment::kPageBytes <= file.size(); page += segment::kPageBytes) {
    Check(**store, file, segment::FrameKind::kHeader, page);
    Check(**store, file, segment::FrameKind::kFooter, page + segment::kPageBytes - segment::kFrameBytes);
  }
  const auto ref = (*store)->Put("id", "still works");
  Require(ref.ok());
  Require((*store)->VerifyObject("id", *ref).ok());

  ByteReader in(input);
  ObjectRef decoded;
  if (ReadObjectRef(&in, &decoded)) {
    std::string out(1, '\0');
    (*store)->Read(decoded, 0, out).IgnoreError();  // either outcome is right: it must only not crash
  }
}

}  // namespace
}  // namespace hilum::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  hilum::storage::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
