#include "storage/index/block_bits.h"

#include <roaring/roaring.h>

#include <cassert>
#include <cstring>
#include <memory>

#include "storage/index/bitmap_access.h"

namespace hilum::storage {
namespace {

std::string Serialized(const Bitmap& docs) {
  Bitmap copy = docs;
  roaring_bitmap_t* const rep = BitmapAccess::Get(copy);
  roaring_bitmap_remove_run_compression(rep);
  std::string bytes(roaring_bitmap_portable_size_in_bytes(rep), '\0');
  roaring_bitmap_portable_serialize(rep, bytes.data());
  return bytes;
}

}  // namespace

// The library has no interface for whole containers, but writes its interchange format at memory speed.
BlockBits::BlockBits(const Bitmap& docs) {
  if (docs.empty()) return;
  const std::string bytes = Serialized(docs);
  assert(LoadLe<uint32_t>(bytes.data()) == kRoaringCookie);
  const auto count = LoadLe<uint32_t>(bytes.data() + 4);
  const char* head = bytes.data() + 8;
  const char* container = head + size_t{8} * count;  // behind a head and an offset of four bytes each
  for (uint32_t i = 0; i < count; ++i, head += 4) {
    const uint32_t members = uint32_t{LoadLe<uint16_t>(head + 2)} + 1;
    Words& words = blocks_[LoadLe<uint16_t>(head)];
    if (members > kMaxRoaringArray) {
      std::memcpy(words.data(), container, sizeof(words));
      container += sizeof(words);
      continue;
    }
    for (const char* const end = container + size_t{2} * members; container != end; container += 2) {
      const auto member = LoadLe<uint16_t>(container);
      words[member >> 6] |= uint64_t{1} << (member & 63);
    }
  }
}

}  // namespace hilum::storage
