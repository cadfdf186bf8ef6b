// Arbitrary bytes as the records of a segment: nothing may crash, hang or read what is not there, and whatever a scan
// calls whole must read back.
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

void Check(const ObjectStore& store, const FoundObject& found) {
  const bool whole = store.VerifyObject(found.id, found.ref).ok();
  if (whole) Require(found.state.ok());
  std::string out(std::min<uint64_t>(found.ref.length, 1 << 20), '\0');
  const bool readable = store.Read(found.ref, 0, out).ok();
  if (whole) Require(readable);
}

void Run(Bytes input) {
  MemoryDisk disk;
  Require(disk.CreateDirectories("/s").ok());
  Require(WriteWholeFile(disk, "/s/000001.seg", MakeFile(input)).ok());
  ObjectStoreOptions options;
  options.directory = "/s";
  options.low_water_bytes = 0;
  auto store = ObjectStore::Open(options, disk, Logger());
  Require(store.ok());
  const Status scanned = (*store)->Scan(1, [&](const FoundObject& found) {
    Check(**store, found);
    return Status::Ok();
  });
  Require(scanned.ok());
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
