#include "fhir/interactions/pages.h"

#include <algorithm>

#include "storage/index/date_order.h"

namespace hilum::fhir {
namespace {

// Where a page begins. On the wire as Cursor::last_key.
struct Position {
  // 3 was kMerged without a sequence.
  enum class Kind : uint8_t {
    kRow = 0,     // at the row `row`, wherever that is now
    kStart = 1,   // at the first row of `collection`
    kAfter = 2,   // behind `after` in `collection`: stays right when rows come or go before it
    kSorted = 4,  // the same in an order by values, as it was at `sequence`
    kMerged = 5,  // behind `after` of `collection` in the order of all, as it was at `sequence`
    kById = 6     // behind the id `after.last_key` in the order of ids
  };
  Kind kind = Kind::kRow;
  uint64_t sequence = 0;  // ResourceReader::Sequence() when the first page was made
  uint64_t row = 0;       // how many rows lie before, when the cursor was made
  storage::CollectionId collection{};
  storage::Cursor after;
};

Status OfAnotherKind() {
  return Invalid("the page cursor is of another kind of request: start again at the first page");
}

bool HasSequence(Position::Kind kind) {
  return kind == Position::Kind::kSorted || kind == Position::Kind::kMerged;
}

std::string Encode(const Position& position, const CursorSeal& seal) {
  storage::Cursor cursor{.last_doc = position.after.last_doc, .fingerprint = seal.fingerprint};
  cursor.last_key.push_back(static_cast<char>(position.kind));
  if (HasSequence(position.kind)) AppendBe(&cursor.last_key, position.sequence);
  AppendBe(&cursor.last_key, position.row);
  AppendBe(&cursor.last_key, static_cast<uint16_t>(position.collection));
  cursor.last_key += position.after.last_key;
  return storage::EncodeCursor(cursor, seal.key);
}

Result<Position> Decode(std::string_view text, const CursorSeal& seal) {
  HILUM_ASSIGN_OR_RETURN(const storage::Cursor cursor, OpenCursor(text, seal));
  Position position;
  ByteReader in(cursor.last_key);
  Bytes kind;
  uint16_t collection = 0;
  const bool known = in.ReadBytes(1, &kind) && std::string_view("\0\1\2\4\5\6", 6).find(kind) != kind.npos;
  if (known) position.kind = static_cast<Position::Kind>(kind[0]);
  if (!known || (HasSequence(position.kind) && !in.ReadBe(&position.sequence)) || !in.ReadBe(&position.row) ||
      !in.ReadBe(&collection)) {
    return OfAnotherKind();
  }
  position.collection = storage::CollectionId{collection};
  position.after = {.last_key = std::string(in.rest()), .last_doc = cursor.last_doc};
  return position;
}

std::string ToRow(uint64_t row, const CursorSeal& seal) {
  return row == 0 ? std::string() : Encode({.row = row}, seal);
}

// What has another place in the segment's order now than it had at `sequence`. None when they are too many to look at:
// then everything stands where it is now.
Result<std::vector<storage::MovedDoc>> MovedSince(uint64_t sequence, const Segment& segment, const ResourceStore& store,
                                                  ResourceReader& reader) {
  HILUM_ASSIGN_OR_RETURN(const auto versions, reader.EarlierVersions(segment.type, sequence, segment.docs));
  const auto updated = reader.schema().UpdatedField(segment.type);
  const bool by_time =
      std::ranges::all_of(segment.sort, [&](const storage::SortKey& key) { return key.field == updated; });
  std::vector<storage::MovedDoc> moved;
  for (const Version& version : versions.value_or(std::vector<Version>())) {
    storage::DocumentValues values;
    if (by_time) {
      values.Add(*updated, UpdatedValue(version.updated_micros));
    } else {
      HILUM_ASSIGN_OR_RETURN(values, store.ValuesOf(version));
    }
    std::erase_if(values.entries, [&](const auto& entry) {
      return std::ranges::find(segment.sort, entry.field, &storage::SortKey::field) == segment.sort.end();
    });
    moved.push_back({version.doc, std::move(values)});
  }
  return moved;
}

// Not thread-safe; one per page.
class PageWalk {
 public:
  PageWalk(const ResourceStore& store, ResourceReader& reader, const std::vector<Segment>& segments)
      : store_(store), reader_(reader), segments_(segments) {}

  void Seek(const Position& position) {
    sequence_ = position.sequence;
    if (position.kind == Position::Kind::kRow) {
      skip_ = position.row;
      while (at_ < segments_.size() && skip_ >= segments_[at_].docs.Count()) skip_ -= segments_[at_++].docs.Count();
      return;
    }
    while (at_ < segments_.size() && Collection() != position.collection) ++at_;
    if (position.kind != Position::Kind::kStart) after_ = position.after;
  }

  // Appends up to `count` rows; where the next page begins, but for its `row`.
  Result<std::optional<Position>> Fill(size_t count, std::vector<Row>* rows) {
    for (; at_ < segments_.size() && rows->size() < count; ++at_) {
      const Segment& segment = segments_[at_];
      std::vector<storage::MovedDoc> moved;
      if (after_ && !segment.sort.empty()) {
        HILUM_ASSIGN_OR_RETURN(moved, MovedSince(sequence_, segment, store_, reader_));
      }
      HILUM_ASSIGN_OR_RETURN(storage::Page page, reader_.index().Walk(Collection(), segment.docs, segment.sort, after_,
                                                                      skip_, count - rows->size(), moved));
      after_.reset();
      skip_ = 0;
      for (const storage::Doc doc : page.docs) rows->push_back({segment.type, doc, segment.mode});
      if (page.next) {
        return std::optional<Position>({.kind = segment.sort.empty() ? Position::Kind::kAfter : Position::Kind::kSorted,
                                        .sequence = sequence_,
                                        .collection = Collection(),
                                        .after = *std::move(page.next)});
      }
    }
    while (at_ < segments_.size() && segments_[at_].docs.empty()) ++at_;
    if (at_ == segments_.size()) return std::optional<Position>();
    return std::optional<Position>({.kind = Position::Kind::kStart, .collection = Collection()});
  }

 private:
  storage::CollectionId Collection() const { return reader_.CollectionOf(segments_[at_].type); }

  const ResourceStore& store_;
  ResourceReader& reader_;
  const std::vector<Segment>& segments_;
  size_t at_ = 0;
  uint64_t skip_ = 0;
  std::optional<storage::Cursor> after_;
  uint64_t sequence_ = 0;
};

// In the order of ids nothing ever moves.
Result<ResultPage> ReadPageById(ResourceReader& reader, const Segment& segment, size_t count,
                                const std::optional<std::string>& cursor, const CursorSeal& seal) {
  std::string after;
  if (cursor) {
    HILUM_ASSIGN_OR_RETURN(Position position, Decode(*cursor, seal));
    if (position.kind != Position::Kind::kById) return OfAnotherKind();
    after = std::move(position.after.last_key);
  }
  const bool descending = segment.sort.front().descending;
  HILUM_ASSIGN_OR_RETURN(auto named, reader.InOrderOfIds(segment.type, segment.docs, after, descending, count + 1));
  ResultPage page;
  if (named.size() > count) {
    named.pop_back();
    page.next = Encode({.kind = Position::Kind::kById, .after = {.last_key = named.back().id}}, seal);
  }
  for (const auto& each : named) page.rows.push_back({segment.type, each.doc, segment.mode});
  return page;
}

// When the order was that a page from `position` on goes by.
Result<uint64_t> SequenceFrom(const std::optional<Position>& position, ResourceReader& reader) {
  if (position && HasSequence(position->kind)) return position->sequence;
  return reader.Sequence();
}

// The first rows of one segment behind a position.
struct Run {
  const Segment* segment = nullptr;
  std::vector<storage::Doc> docs;
  std::vector<storage::DatePlace> places;
  size_t at = 0;
  bool more = false;  // behind `docs`

  bool empty() const { return at == docs.size(); }
};

Result<std::vector<Run>> ReadRuns(const ResourceStore& store, ResourceReader& reader,
                                  const std::vector<Segment>& segments, size_t count,
                                  const std::optional<Position>& position) {
  std::optional<storage::DatePlace> place;
  if (position) {
    place = storage::PlaceOf(position->after, segments.front().sort);
    if (!place) return Invalid("the page cursor is of another order: start again at the first page");
  }
  std::vector<Run> runs;
  bool before = true;  // the segment of the row that was given out last
  for (const Segment& segment : segments) {
    const storage::CollectionId collection = reader.CollectionOf(segment.type);
    std::optional<storage::Cursor> after;
    if (place && collection == position->collection) {
      after = position->after;
      before = false;
    } else if (place) {
      after = before ? storage::CursorBehindAll(*place, segment.sort) : storage::CursorBefore(*place, segment.sort);
    }
    std::vector<storage::MovedDoc> moved;
    if (position) {
      HILUM_ASSIGN_OR_RETURN(moved, MovedSince(position->sequence, segment, store, reader));
    }
    HILUM_ASSIGN_OR_RETURN(storage::Page page,
                           reader.index().Walk(collection, segment.docs, segment.sort, after, 0, count, moved));
    HILUM_ASSIGN_OR_RETURN(auto places,
                           storage::DatePlacesOf(reader.index(), collection, page.docs, segment.sort, moved));
    runs.push_back({.segment = &segment,
                    .docs = std::move(page.docs),
                    .places = std::move(places),
                    .more = page.next.has_value()});
  }
  return runs;
}

}  // namespace

Result<storage::Cursor> OpenCursor(std::string_view text, const CursorSeal& seal) {
  HILUM_ASSIGN_OR_RETURN(storage::Cursor cursor, storage::DecodeCursor(text, seal.key));
  if (cursor.fingerprint != seal.fingerprint) {
    return Invalid("the page cursor belongs to another request: start again at the first page");
  }
  return cursor;
}

Result<ResultPage> ReadPage(const ResourceStore& store, ResourceReader& reader, const std::vector<Segment>& segments,
                            size_t count, const std::optional<std::string>& cursor, const CursorSeal& seal) {
  if (segments.size() == 1 && !segments[0].sort.empty() && segments[0].sort[0].field == storage::kDocOrder) {
    return ReadPageById(reader, segments[0], count, cursor, seal);
  }
  Position position;
  if (cursor) {
    HILUM_ASSIGN_OR_RETURN(position, Decode(*cursor, seal));
    if (position.kind > Position::Kind::kSorted) return OfAnotherKind();
  }
  HILUM_ASSIGN_OR_RETURN(position.sequence, SequenceFrom(position, reader));
  uint64_t total = 0;
  for (const Segment& segment : segments) total += segment.docs.Count();

  PageWalk walk(store, reader, segments);
  walk.Seek(position);
  ResultPage page;
  HILUM_ASSIGN_OR_RETURN(auto next, walk.Fill(count, &page.rows));
  if (next) {
    next->row = position.row + page.rows.size();
    page.next = Encode(*next, seal);
  }
  if (position.row > 0) page.previous = ToRow(position.row - std::min<uint64_t>(position.row, count), seal);
  if (total > 0) page.last = ToRow((total - 1) / count * count, seal);
  return page;
}

Result<ResultPage> ReadMergedPage(const ResourceStore& store, ResourceReader& reader,
                                  const std::vector<Segment>& segments, size_t count,
                                  const std::optional<std::string>& cursor, const CursorSeal& seal) {
  std::optional<Position> position;
  if (cursor) {
    HILUM_ASSIGN_OR_RETURN(position, Decode(*cursor, seal));
    if (position->kind != Position::Kind::kMerged) return OfAnotherKind();
  }
  HILUM_ASSIGN_OR_RETURN(std::vector<Run> runs, ReadRuns(store, reader, segments, count, position));
  const auto before = [](const Run& a, const Run& b) {
    if (a.empty() || b.empty()) return !a.empty();
    return storage::Compare(a.places[a.at], b.places[b.at], a.segment->sort) < 0;
  };
  ResultPage page;
  Position next{.kind = Position::Kind::kMerged};
  HILUM_ASSIGN_OR_RETURN(next.sequence, SequenceFrom(position, reader));
  while (page.rows.size() < count) {
    const auto first = std::ranges::min_element(runs, before);
    if (first == runs.end() || first->empty()) break;
    const storage::Doc doc = first->docs[first->at];
    page.rows.push_back({first->segment->type, doc, first->segment->mode});
    next.collection = reader.CollectionOf(first->segment->type);
    next.after = storage::CursorBehind(first->places[first->at], doc);
    ++first->at;
  }
  if (std::ranges::any_of(runs, [](const Run& run) { return !run.empty() || run.more; })) {
    page.next = Encode(next, seal);
  }
  return page;
}

}  // namespace hilum::fhir
