#include "storage/index/date_order.h"

#include <algorithm>

#include "storage/index/position.h"

namespace hilum::storage {
namespace {

// The last document that a walk gives out of those that stand at one place.
Doc LastDoc(const std::vector<SortKey>& sort) {
  return sort.front().descending ? 0 : UINT32_MAX;
}

// The place just before, whoever stands there; false when there is none.
bool StepBack(std::optional<uint64_t>* place, bool descending) {
  const uint64_t first = descending ? UINT64_MAX : 0;
  if (!place->has_value()) {
    *place = ~first;
    return true;
  }
  if (**place == first) return false;
  **place += descending ? 1 : -1;
  return true;
}

}  // namespace

Result<std::vector<DatePlace>> DatePlacesOf(IndexReader& reader, CollectionId collection, const std::vector<Doc>& docs,
                                            const std::vector<SortKey>& sort, const std::vector<MovedDoc>& moved) {
  std::vector<DatePlace> places(docs.size(), DatePlace(sort.size()));
  std::vector<std::pair<Doc, DatePlace*>> by_doc;
  for (size_t i = 0; i < docs.size(); ++i) by_doc.emplace_back(docs[i], &places[i]);
  std::ranges::sort(by_doc);
  const Bitmap given(docs);
  Bitmap unmoved = given;
  for (const MovedDoc& each : moved) unmoved.Remove(each.doc);
  for (size_t key = 0; key < sort.size(); ++key) {
    const auto visit = [&](Doc doc, const DateValue& value) {
      const uint64_t start = ExtentOf(value).start;
      auto& place = (*std::ranges::lower_bound(by_doc, doc, {}, &std::pair<Doc, DatePlace*>::first)->second)[key];
      if (!place || (sort[key].descending ? start > *place : start < *place)) place = start;
    };
    HILUM_RETURN_IF_ERROR(reader.ForEachDate(collection, sort[key].field, unmoved, visit));
    for (const MovedDoc& each : moved) {
      if (!given.Contains(each.doc)) continue;
      for (const auto& entry : each.values.entries) {
        const auto* const date = entry.field == sort[key].field ? std::get_if<DateValue>(&entry.value) : nullptr;
        if (date != nullptr) visit(each.doc, *date);
      }
    }
  }
  return places;
}

int Compare(const DatePlace& a, const DatePlace& b, const std::vector<SortKey>& sort) {
  for (size_t key = 0; key < sort.size(); ++key) {
    if (a[key] == b[key]) continue;
    if (!a[key] || !b[key]) return a[key] ? -1 : 1;
    return (*a[key] < *b[key]) == sort[key].descending ? 1 : -1;
  }
  return 0;
}

// As Walk writes them: for each key whether there is a position, and the position.
Cursor CursorBehind(const DatePlace& place, Doc doc) {
  Cursor cursor{.last_doc = doc};
  for (const auto& position : place) {
    cursor.last_key.push_back(position ? 1 : 0);
    if (!position) continue;
    std::string bytes;
    AppendBe(&bytes, *position);
    AppendSized(&cursor.last_key, bytes);
  }
  return cursor;
}

Cursor CursorBehindAll(const DatePlace& place, const std::vector<SortKey>& sort) {
  return CursorBehind(place, LastDoc(sort));
}

std::optional<Cursor> CursorBefore(const DatePlace& place, const std::vector<SortKey>& sort) {
  // Behind all that stand just before: a step back in the last key that has room for it, and the last of the rest.
  DatePlace before = place;
  for (size_t key = sort.size(); key-- > 0;) {
    if (StepBack(&before[key], sort[key].descending)) return CursorBehindAll(before, sort);
    before[key].reset();
  }
  return std::nullopt;
}

std::optional<DatePlace> PlaceOf(const Cursor& cursor, const std::vector<SortKey>& sort) {
  ByteReader in(cursor.last_key);
  DatePlace place(sort.size());
  for (auto& position : place) {
    Bytes has, bytes;
    if (!in.ReadBytes(1, &has)) return std::nullopt;
    if (has[0] == 0) continue;
    if (!in.ReadSized(&bytes) || bytes.size() != sizeof(uint64_t)) return std::nullopt;
    position = LoadBe<uint64_t>(bytes.data());
  }
  if (!in.empty()) return std::nullopt;
  return place;
}

}  // namespace hilum::storage
