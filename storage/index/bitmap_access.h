// The library's bitmap inside a Bitmap: for what makes one, or takes it apart, as a whole.
#pragma once

#include "storage/index/bitmap.h"

namespace hilum::storage {

// Of its interchange format (Roaring): how it begins when there are no run containers, and the most members that a
// container lists one by one.
inline constexpr uint32_t kRoaringCookie = 12346;
inline constexpr uint32_t kMaxRoaringArray = 4096;

struct BitmapAccess {
  // Takes ownership.
  static Bitmap Adopt(roaring_bitmap_s* rep) {
    Bitmap bitmap;
    std::swap(bitmap.rep_, rep);
    Discard(rep);
    return bitmap;
  }
  static roaring_bitmap_s* Get(Bitmap& bitmap) { return bitmap.rep_; }
  static void Discard(roaring_bitmap_s* rep);
};

}  // namespace hilum::storage
