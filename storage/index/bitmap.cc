#include "storage/index/bitmap.h"

#include <roaring/roaring.h>

#include <utility>

#include "storage/index/bitmap_access.h"

namespace hilum::storage {

Bitmap::Bitmap() : rep_(roaring_bitmap_create()) {}

Bitmap::Bitmap(const std::vector<Doc>& docs) : rep_(roaring_bitmap_of_ptr(docs.size(), docs.data())) {}

Bitmap Bitmap::Range(uint64_t begin, uint64_t end) {
  Bitmap range;
  if (begin < end) roaring_bitmap_add_range(range.rep_, begin, end);
  return range;
}

// A moved-from Bitmap has no rep; it may only be assigned to or destroyed.
Bitmap::~Bitmap() {
  if (rep_ != nullptr) roaring_bitmap_free(rep_);
}

Bitmap::Bitmap(const Bitmap& other) : rep_(roaring_bitmap_copy(other.rep_)) {}

Bitmap& Bitmap::operator=(const Bitmap& other) {
  if (this != &other) *this = Bitmap(other);
  return *this;
}

Bitmap::Bitmap(Bitmap&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}

Bitmap& Bitmap::operator=(Bitmap&& other) noexcept {
  std::swap(rep_, other.rep_);
  return *this;
}

void Bitmap::Add(Doc doc) {
  roaring_bitmap_add(rep_, doc);
}
void Bitmap::Remove(Doc doc) {
  roaring_bitmap_remove(rep_, doc);
}
bool Bitmap::Contains(Doc doc) const {
  return roaring_bitmap_contains(rep_, doc);
}
uint64_t Bitmap::Count() const {
  return roaring_bitmap_get_cardinality(rep_);
}
bool Bitmap::empty() const {
  return roaring_bitmap_is_empty(rep_);
}

Bitmap& Bitmap::operator&=(const Bitmap& other) {
  roaring_bitmap_and_inplace(rep_, other.rep_);
  return *this;
}

Bitmap& Bitmap::operator|=(const Bitmap& other) {
  if (this != &other) roaring_bitmap_or_inplace(rep_, other.rep_);
  return *this;
}

Bitmap& Bitmap::operator-=(const Bitmap& other) {
  if (this == &other) return *this = Bitmap();
  roaring_bitmap_andnot_inplace(rep_, other.rep_);
  return *this;
}

bool Bitmap::operator==(const Bitmap& other) const {
  return roaring_bitmap_equals(rep_, other.rep_);
}

bool Bitmap::Intersects(const Bitmap& other) const {
  return roaring_bitmap_intersect(rep_, other.rep_);
}

std::optional<Doc> Bitmap::Select(uint64_t rank) const {
  Doc doc = 0;
  if (rank > UINT32_MAX || !roaring_bitmap_select(rep_, static_cast<uint32_t>(rank), &doc)) return std::nullopt;
  return doc;
}

uint64_t Bitmap::Rank(Doc doc) const {
  return roaring_bitmap_rank(rep_, doc);
}

void Bitmap::ForEachFrom(Doc start, bool descending, const std::function<bool(Doc)>& visit) const {
  roaring_uint32_iterator_t at;
  if (!descending) {
    roaring_init_iterator(rep_, &at);
    if (at.has_value && at.current_value < start) roaring_move_uint32_iterator_equalorlarger(&at, start);
    while (at.has_value && visit(at.current_value)) roaring_advance_uint32_iterator(&at);
    return;
  }
  roaring_init_iterator_last(rep_, &at);
  if (at.has_value && at.current_value > start) {
    roaring_init_iterator(rep_, &at);
    roaring_move_uint32_iterator_equalorlarger(&at, start);
    if (at.current_value > start) roaring_previous_uint32_iterator(&at);
  }
  while (at.has_value && visit(at.current_value)) roaring_previous_uint32_iterator(&at);
}

std::vector<Doc> Bitmap::ToVector() const {
  std::vector<Doc> docs(Count());
  roaring_bitmap_to_uint32_array(rep_, docs.data());
  return docs;
}

}  // namespace hilum::storage
