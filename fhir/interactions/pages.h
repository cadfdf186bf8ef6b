// Pages of what a search found, when it may lie in several collections: type after type, each in its own order, or all
// in one. Cursors are signed and stateless: a page knows where it begins, the rest is found again. In an order by
// values it also knows when the first page was made: what has changed since stays where it stood then, or where it
// stood first, which old versions tell. So none is missed and none comes twice. Internal to fhir/interactions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fhir/interactions/shape.h"
#include "fhir/store/store.h"

namespace hilum::fhir {

inline constexpr std::string_view kCursorParameter = "_cursor";
// In place of the parameters of a search that is too long for a link: what kept_searches.h knows them by.
inline constexpr std::string_view kKeptParameter = "_kept";

// What was found of one type. Types do not repeat.
struct Segment {
  TypeId type = kNoType;
  storage::Bitmap docs;
  std::vector<storage::SortKey> sort;
  std::string_view mode = "match";  // search.mode
};

struct Row {
  TypeId type = kNoType;
  storage::Doc doc = 0;
  std::string_view mode;
};

// Links are cursors; an empty one leads to the first page.
struct ResultPage {
  std::vector<Row> rows;
  std::optional<std::string> previous, next, last;
};

// Whom the cursors belong to: made by `fingerprint`'s request, signed with `key`.
struct CursorSeal {
  uint64_t fingerprint = 0;
  Bytes key;
};

// `count` > 0 rows from `cursor` on. `reader` is a view of `store`. kInvalid when the cursor was not made here, or for
// another request. In the order of ids (kDocOrder comes first in the sort) there are no links to the previous and the
// last page. REQUIRES: several segments have no sort.
Result<ResultPage> ReadPage(const ResourceStore& store, ResourceReader& reader, const std::vector<Segment>& segments,
                            size_t count, const std::optional<std::string>& cursor, const CursorSeal& seal);

// The same with the rows of all segments in one order, by dates; those that stand at the same place by type. Their
// sorts have the same directions. Without links to the previous and the last page: how many rows lie before one in the
// other types is not known.
Result<ResultPage> ReadMergedPage(const ResourceStore& store, ResourceReader& reader,
                                  const std::vector<Segment>& segments, size_t count,
                                  const std::optional<std::string>& cursor, const CursorSeal& seal);

// kInvalid unless it was made with this seal.
Result<storage::Cursor> OpenCursor(std::string_view text, const CursorSeal& seal);

}  // namespace hilum::fhir
