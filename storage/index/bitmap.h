// A set of document numbers (a Roaring bitmap). A value type: copies are independent. Const calls are safe from several
// threads at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "storage/index/values.h"

struct roaring_bitmap_s;

namespace hilum::storage {

class Bitmap {
 public:
  Bitmap();
  explicit Bitmap(const std::vector<Doc>& docs);
  static Bitmap Range(uint64_t begin, uint64_t end);  // [begin, end)
  ~Bitmap();
  Bitmap(const Bitmap&);
  Bitmap& operator=(const Bitmap&);
  Bitmap(Bitmap&&) noexcept;
  Bitmap& operator=(Bitmap&&) noexcept;

  void Add(Doc doc);
  void Remove(Doc doc);
  bool Contains(Doc doc) const;
  uint64_t Count() const;
  bool empty() const;

  Bitmap& operator&=(const Bitmap& other);
  Bitmap& operator|=(const Bitmap& other);
  Bitmap& operator-=(const Bitmap& other);
  bool operator==(const Bitmap& other) const;
  bool Intersects(const Bitmap& other) const;

  // The `rank`th smallest member, from 0; nullopt past the end.
  std::optional<Doc> Select(uint64_t rank) const;
  // Members <= doc.
  uint64_t Rank(Doc doc) const;
  // Members in ascending (or descending) order from `start` on (inclusive) until `visit` is false.
  void ForEachFrom(Doc start, bool descending, const std::function<bool(Doc)>& visit) const;
  std::vector<Doc> ToVector() const;

 private:
  friend struct BitmapAccess;
  roaring_bitmap_s* rep_;
};

}  // namespace hilum::storage
