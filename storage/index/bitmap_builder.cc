#include "storage/index/bitmap_builder.h"

#include <roaring/roaring.h>

#include <cassert>

#include "storage/index/bitmap_access.h"

namespace hilum::storage {

void BitmapAccess::Discard(roaring_bitmap_s* rep) {
  roaring_bitmap_free(rep);
}

// The library has no interface for whole containers, but reads its interchange format at memory speed.
Bitmap BitmapBuilder::Build() const {
  std::string head, offsets, containers;
  uint32_t count = 0;
  for (const auto& [block, set] : blocks_) {
    const uint32_t members = set.Count();
    if (members == 0) continue;
    ++count;
    AppendLe<uint16_t>(&head, block);
    AppendLe<uint16_t>(&head, members - 1);
    AppendLe<uint32_t>(&offsets, containers.size());
    if (members <= kMaxRoaringArray) {
      const size_t begin = containers.size();
      containers.resize(begin + members * sizeof(uint16_t));
      char* to = containers.data() + begin;
      set.ForEach([&](uint16_t member) {
        std::memcpy(to, &member, sizeof(member));
        to += sizeof(member);
      });
    } else {
      containers.append(reinterpret_cast<const char*>(set.words().data()), set.words().size_bytes());
    }
  }
  if (count == 0) return Bitmap();

  std::string bytes;
  bytes.reserve(8 + head.size() + offsets.size() + containers.size());
  AppendLe(&bytes, kRoaringCookie);
  AppendLe(&bytes, count);
  const auto body = static_cast<uint32_t>(8 + head.size() + offsets.size());
  for (size_t i = 0; i < offsets.size(); i += 4) {
    const uint32_t offset = LoadLe<uint32_t>(&offsets[i]) + body;
    std::memcpy(&offsets[i], &offset, sizeof(offset));
  }
  bytes += head;
  bytes += offsets;
  bytes += containers;
  roaring_bitmap_t* rep = roaring_bitmap_portable_deserialize_safe(bytes.data(), bytes.size());
  assert(rep != nullptr);
  return BitmapAccess::Adopt(rep);
}

}  // namespace hilum::storage
