// Documents of several collections in one order, by dates: each collection is walked by itself (IndexReader::Walk), and
// the places of what comes out are compared. Pure but for the reader.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "storage/index/index.h"

namespace hilum::storage {

// Where a document stands: for each sort key the begin of its earliest date (descending: of the one that begins
// latest), as a position on the line (position.h). nullopt: it has none, and comes last.
using DatePlace = std::vector<std::optional<uint64_t>>;

// Of each of `docs`, in the order they are given; `moved` as for Walk. kInvalid when a key is no date.
Result<std::vector<DatePlace>> DatePlacesOf(IndexReader& reader, CollectionId collection, const std::vector<Doc>& docs,
                                            const std::vector<SortKey>& sort, const std::vector<MovedDoc>& moved = {});
// Negative when `a` comes first, 0 when they stand at the same place.
int Compare(const DatePlace& a, const DatePlace& b, const std::vector<SortKey>& sort);

// For a Walk in this order: behind a document that stands there, behind all that do, and before them (nullopt: that is
// the beginning).
Cursor CursorBehind(const DatePlace& place, Doc doc);
Cursor CursorBehindAll(const DatePlace& place, const std::vector<SortKey>& sort);
std::optional<Cursor> CursorBefore(const DatePlace& place, const std::vector<SortKey>& sort);
// Of a cursor made by one of these; nullopt when it is of another kind.
std::optional<DatePlace> PlaceOf(const Cursor& cursor, const std::vector<SortKey>& sort);

}  // namespace hilum::storage
