#include "storage/index/walk.h"

#include <algorithm>

#include "storage/index/block_bits.h"
#include "storage/index/rows.h"

namespace hilum::storage {
namespace {

constexpr uint64_t kFewDocs = 512;
// Columns of this many documents are read at a time.
constexpr uint64_t kRowsAtOnce = 4096;
// Times that are held at once.
constexpr uint64_t kMostTimes = 1 << 20;
// Reading the column of a document takes as long as so many steps over lists, and so does beginning with those of
// another level.
constexpr uint64_t kStepsPerRow = 4;
constexpr uint64_t kStepsToBegin = 20;

// Members of `docs` that consecutive keys of one value stand for.
class Group {
 public:
  explicit Group(const Bitmap& docs) : bits_(docs) {}

  // False when the bytes are damaged.
  bool Add(uint32_t block, Bytes stored) {
    ++lists_;
    stored_ += CountAbout(stored);
    const BlockBits::Words* const words = bits_.Find(block);
    if (words == nullptr) return true;
    if (const auto only = OnlyMember(stored)) {
      if ((*words)[*only >> 6] >> (*only & 63) & 1) few_.push_back(block << 16 | *only);
      return true;
    }
    const std::optional<bool> common = BlockSet::Intersects(stored, *words);
    if (common != true) return common.has_value();
    many_ = true;
    return builder_.AddCommon(block, stored, *words);
  }

  bool empty() const { return few_.empty() && !many_; }
  // Of the value: its lists, and about how many documents stand in them, members or not.
  uint64_t lists() const { return lists_; }
  uint64_t stored() const { return stored_; }

  // And starts anew.
  Bitmap Take() {
    Bitmap members(few_);
    if (many_) {
      members |= builder_.Build();
      builder_ = BitmapBuilder();
    }
    Clear();
    return members;
  }
  // REQUIRES: empty().
  void Clear() {
    few_.clear();
    many_ = false;
    lists_ = stored_ = 0;
  }

 private:
  const BlockBits bits_;
  std::vector<Doc> few_;
  BitmapBuilder builder_;
  bool many_ = false;
  uint64_t lists_ = 0;
  uint64_t stored_ = 0;
};

}  // namespace

Result<Page> Walker::Run(const Bitmap& matches, const std::vector<SortKey>& sort, const std::optional<Cursor>& after,
                         const std::vector<MovedDoc>& moved) {
  Page page;
  if (limit_ == 0) return page;
  HILUM_RETURN_IF_ERROR(SetOrder(sort));
  if (after) HILUM_RETURN_IF_ERROR(SetResume(*after));
  if (moved.empty()) {
    HILUM_RETURN_IF_ERROR(Order(matches, 0, after.has_value()));
  } else {
    Bitmap unmoved = matches;
    std::vector<Row> rows = Take(moved, after.has_value(), &unmoved);
    HILUM_RETURN_IF_ERROR(Order(unmoved, 0, after.has_value()));
    HILUM_RETURN_IF_ERROR(Merge(std::move(rows)));
  }
  if (full()) {
    page_.pop_back();
    HILUM_ASSIGN_OR_RETURN(page.next, CursorAfter(page_.back()));
    if (after) page.next->fingerprint = after->fingerprint;
  }
  page.docs = std::move(page_);
  return page;
}

std::vector<Walker::Row> Walker::Take(const std::vector<MovedDoc>& moved, bool resume, Bitmap* docs) const {
  std::vector<Row> rows;
  for (const MovedDoc& each : moved) {
    if (!docs->Contains(each.doc)) continue;
    docs->Remove(each.doc);
    Row row{.positions = std::vector<Position>(keys_.size()), .doc = each.doc};
    for (size_t i = 0; i < keys_.size(); ++i) {
      row.positions[i] = SortPosition(keys_[i].field->id, each.values, keys_[i].descending);
    }
    if (!resume || Before(resume_, row, 0)) rows.push_back(std::move(row));
  }
  return rows;
}

// More than a page of those that stand where the index has them were given out, or all: none can come between that is
// not here.
Status Walker::Merge(std::vector<Row> moved) {
  HILUM_ASSIGN_OR_RETURN(std::vector<Row> rows, ReadRows(Bitmap(page_), 0));
  std::move(moved.begin(), moved.end(), std::back_inserter(rows));
  std::sort(rows.begin(), rows.end(), [this](const Row& a, const Row& b) { return Before(a, b, 0); });
  page_.clear();
  for (size_t i = 0; i < rows.size() && !full(); ++i) page_.push_back(rows[i].doc);
  merged_ = std::move(rows);
  return Status::Ok();
}

Status Walker::SetOrder(const std::vector<SortKey>& sort) {
  if (!sort.empty()) docs_descending_ = sort.front().descending;
  for (const SortKey& key : sort) {
    if (key.field == kDocOrder) {
      docs_descending_ = key.descending;
      break;
    }
    const FieldSpec* field = lists_.schema().Find(collection_, key.field);
    if (field == nullptr || !field->sortable || field->kind == FieldKind::kReference) {
      return Invalid("index field " + std::to_string(static_cast<int>(key.field)) + " is not one to sort by");
    }
    keys_.push_back({field, key.descending});
  }
  return Status::Ok();
}

// A cursor holds for each key whether there is a position, and the position.
Status Walker::SetResume(const Cursor& after) {
  ByteReader in(after.last_key);
  for (size_t i = 0; i < keys_.size(); ++i) {
    Bytes has, position;
    const bool read = in.ReadBytes(1, &has) && (has[0] == 0 || in.ReadSized(&position));
    const bool fits = !IsRange(keys_[i].field->kind) || position.empty() || position.size() == sizeof(uint64_t);
    if (!read || !fits) return Invalid("the page cursor belongs to another sort order");
    resume_.positions.push_back(has[0] == 0 ? Position() : Position(position));
    if (resume_.positions.back() && IsRange(keys_[i].field->kind) && position.empty()) {
      return Invalid("the page cursor belongs to another sort order");
    }
  }
  if (!in.empty()) return Invalid("the page cursor belongs to another sort order");
  resume_.doc = after.last_doc;
  return Status::Ok();
}

Result<Cursor> Walker::CursorAfter(Doc doc) {
  std::vector<Row> rows = std::move(merged_);
  if (rows.empty()) {
    HILUM_ASSIGN_OR_RETURN(rows, ReadRows(Bitmap({doc}), 0));
  }
  Cursor cursor;
  cursor.last_doc = doc;
  for (const Position& position : std::ranges::find(rows, doc, &Row::doc)->positions) {
    cursor.last_key.push_back(position ? 1 : 0);
    if (position) AppendSized(&cursor.last_key, *position);
  }
  return cursor;
}

bool Walker::Skips(const Bitmap& docs, bool resume) {
  if (resume || skip_ == 0) return false;
  const uint64_t count = docs.Count();
  if (count > skip_) return false;
  skip_ -= count;
  return true;
}

Status Walker::Order(const Bitmap& docs, size_t key, bool resume) {
  if (full() || docs.empty() || Skips(docs, resume)) return Status::Ok();
  if (key == keys_.size() || (!resume && docs.Count() == 1)) return OrderByDoc(docs, resume);
  if (docs.Count() <= kFewDocs) return OrderByColumns(docs, key, resume);

  const FieldSpec& field = *keys_[key].field;
  const bool resume_absent = resume && !resume_.positions[key];
  HILUM_ASSIGN_OR_RETURN(const BitmapPtr present, lists_.List(collection_, Entry::kPresent, field.id));
  if (!resume_absent) {
    Bitmap with_value = docs;
    with_value &= *present;
    HILUM_RETURN_IF_ERROR(IsRange(field.kind) ? OrderByBuckets(with_value, key, 0, {0, UINT64_MAX}, resume)
                                              : OrderByTexts(with_value, key, resume));
  }
  Bitmap absent = docs;
  absent -= *present;
  return Order(absent, key + 1, resume_absent);
}

Status Walker::OrderByDoc(const Bitmap& docs, bool resume) {
  const uint64_t count = docs.Count();
  uint64_t rank = 0;  // of the first one to give out
  if (!docs_descending_) {
    rank = (resume ? docs.Rank(resume_.doc) : 0);
    const uint64_t rest = count - rank;
    if (skip_ >= rest) {
      skip_ -= rest;
      return Status::Ok();
    }
    rank += skip_;
  } else {
    const uint64_t rest = resume ? docs.Rank(resume_.doc) - docs.Contains(resume_.doc) : count;
    if (skip_ >= rest) {
      skip_ -= rest;
      return Status::Ok();
    }
    rank = rest - 1 - skip_;
  }
  skip_ = 0;
  docs.ForEachFrom(*docs.Select(rank), docs_descending_, [&](Doc doc) {
    page_.push_back(doc);
    return !full();
  });
  return Status::Ok();
}

template <typename Value, typename Read, typename OrderGroup>
Result<std::optional<Value>> Walker::ScanGroups(const Bitmap& docs, const std::string& lower, const std::string& upper,
                                                bool descending, const Read& read, const OrderGroup& order) {
  Group group(docs);
  std::optional<Value> value;
  const uint64_t most_steps = docs.Count() * kStepsPerRow;
  uint64_t steps = 0;
  bool too_far = false;
  const auto finish = [&]() -> Status {
    if (value && !group.empty()) return order(*value, &group);
    group.Clear();
    return Status::Ok();
  };
  Status outcome;
  HILUM_RETURN_IF_ERROR(lists_.Scan(lower, upper, descending, [&](Bytes bytes, uint32_t block, Bytes stored) {
    std::optional<Value> next = read(bytes);
    if (!next) {
      outcome = DamagedEntry(lower);
      return false;
    }
    if (next != value) {
      outcome = finish();
      too_far = steps > most_steps;
      if (too_far) return false;
      value = std::move(next);
    }
    ++steps;
    if (outcome.ok() && !full() && !group.Add(block, stored)) outcome = DamagedEntry(lower);
    return outcome.ok() && !full();
  }));
  HILUM_RETURN_IF_ERROR(outcome);
  if (full()) return std::optional<Value>();
  if (too_far) return value;
  HILUM_RETURN_IF_ERROR(finish());
  return std::optional<Value>();
}

Status Walker::OrderByBuckets(const Bitmap& docs, size_t key, int level, const Extent& within, bool resume) {
  const FieldSpec* field = keys_[key].field;
  const bool descending = keys_[key].descending;
  const LineKind line = LineOf(field->kind);
  const int finest = line == LineKind::kDate ? kSecondLevel : kFinestLevel;
  uint64_t first = BucketOf(line, level, within.start), last = BucketOf(line, level, within.last);
  std::optional<uint64_t> resumed;
  if (resume) {
    resumed = BucketOf(line, level, LoadBe<uint64_t>(resume_.positions[key]->data()));
    (descending ? last : first) = *resumed;
  }
  if (first > last) return Status::Ok();
  std::string lower = lists_.Prefix(collection_, Entry::kStart, field->id);
  lower.push_back(static_cast<char>(level));
  std::string upper = lower;
  AppendBe(&lower, first);
  AppendBe(&upper, last);

  const auto read = [](Bytes value) {
    return value.size() == 1 + sizeof(uint64_t) ? std::optional(LoadBe<uint64_t>(value.data() + 1)) : std::nullopt;
  };
  const auto order = [&](uint64_t bucket, Group* group) -> Status {
    const uint64_t lists = group->lists(), stored = group->stored();
    HILUM_ASSIGN_OR_RETURN(const Bitmap members, Belonging(group->Take(), key, [&](const std::string& position) {
                             return BucketOf(line, level, LoadBe<uint64_t>(position.data())) == bucket;
                           }));
    const bool here = resumed == bucket;
    if (members.empty() || Skips(members, here)) return Status::Ok();
    // A finest bucket of numbers is one number; one of dates is a second.
    if (level == finest) {
      return line == LineKind::kNumber ? Order(members, key + 1, here) : OrderByTimes(members, key, here);
    }
    const Extent extent = ExtentOfBucket(line, level, bucket);
    const uint64_t finer = BucketOf(line, level + 1, extent.last) - BucketOf(line, level + 1, extent.start) + 1;
    if (RowsTakeLess(members.Count(), finer > stored / lists ? stored : finer * lists)) {
      return OrderByColumns(members, key, here);
    }
    return OrderByBuckets(members, key, level + 1, extent, here);
  };

  HILUM_ASSIGN_OR_RETURN(const std::optional<uint64_t> bucket,
                         ScanGroups<uint64_t>(docs, lower, PrefixEnd(upper), descending, read, order));
  if (!bucket) return Status::Ok();
  const Extent done = ExtentOfBucket(line, level, *bucket);
  const std::string beyond = RangeSortPosition(descending ? done.start : done.last);
  return OrderByColumns(docs, key, /*resume=*/false, &beyond);
}

// As many share a value after an import, there may be far fewer lists: with more than a few members it is tried.
bool Walker::RowsTakeLess(uint64_t members, uint64_t lists) const {
  if (members > kFewDocs) return false;
  const uint64_t wanted = skip_ + limit_ + 1 - page_.size();
  return members * kStepsPerRow <= kStepsToBegin + (members > wanted ? lists / members * wanted : lists);
}

// An import writes tens of thousands within a second, many with the same time. Reading the times alone, and ordering by
// the other keys only those of a time that the page shows, takes a tenth of OrderByColumns.
Status Walker::OrderByTimes(const Bitmap& docs, size_t key, bool resume) {
  if (docs.Count() > kMostTimes) return OrderByColumns(docs, key, resume);
  const FieldSpec* field = keys_[key].field;
  const bool descending = keys_[key].descending;
  std::optional<uint64_t> resumed;
  if (resume) resumed = LoadBe<uint64_t>(resume_.positions[key]->data());
  std::vector<std::pair<uint64_t, Doc>> times;
  HILUM_RETURN_IF_ERROR(lists_.Rows(collection_, field->id, docs, [&](Doc doc, Bytes cells) -> Status {
    const Position position = SortPosition(field->kind, cells, descending);
    if (!position) return DamagedRow(field->id, doc);
    const auto time = LoadBe<uint64_t>(position->data());
    if (!resumed || (descending ? time <= *resumed : time >= *resumed)) times.emplace_back(time, doc);
    return Status::Ok();
  }));
  std::sort(times.begin(), times.end());
  if (descending) std::reverse(times.begin(), times.end());
  std::vector<Doc> equal;
  for (size_t i = 0; i < times.size() && !full(); ++i) {
    equal.push_back(times[i].second);
    if (i + 1 < times.size() && times[i + 1].first == times[i].first) continue;
    HILUM_RETURN_IF_ERROR(Order(Bitmap(equal), key + 1, resumed == times[i].first));
    equal.clear();
  }
  return Status::Ok();
}

Status Walker::OrderByTexts(const Bitmap& docs, size_t key, bool resume) {
  const FieldSpec* field = keys_[key].field;
  const bool descending = keys_[key].descending;
  const Entry entry = field->kind == FieldKind::kToken ? Entry::kCode : Entry::kText;
  std::string lower = lists_.Prefix(collection_, entry, field->id);
  std::string upper = PrefixEnd(lower);
  if (resume) {
    std::string at = lower;
    AppendTextPrefix(&at, *resume_.positions[key]);
    // A text ends with a zero, so behind it are all that are longer.
    (descending ? upper : lower) = descending ? at + '\1' : at;
  }

  const auto read = [](Bytes value) -> std::optional<std::string> {
    KeyText next;
    if (!ReadText(&value, &next)) return std::nullopt;
    return std::move(next.text);
  };
  const auto order = [&](const std::string& text, Group* group) -> Status {
    HILUM_ASSIGN_OR_RETURN(const Bitmap members, Belonging(group->Take(), key, [&](const std::string& position) {
                             return position == text;
                           }));
    return Order(members, key + 1, resume && resume_.positions[key] == text);
  };
  HILUM_ASSIGN_OR_RETURN(const std::optional<std::string> text,
                         ScanGroups<std::string>(docs, lower, upper, descending, read, order));
  return text ? OrderByColumns(docs, key, /*resume=*/false, &*text) : Status::Ok();
}

Result<Bitmap> Walker::Belonging(Bitmap docs, size_t key, const std::function<bool(const std::string&)>& fits) {
  const FieldSpec* field = keys_[key].field;
  const bool descending = keys_[key].descending;
  HILUM_ASSIGN_OR_RETURN(const BitmapPtr multi, lists_.List(collection_, Entry::kMulti, field->id));
  if (!docs.Intersects(*multi)) return docs;
  Bitmap several = docs;
  several &= *multi;
  HILUM_RETURN_IF_ERROR(lists_.Rows(collection_, field->id, several, [&](Doc doc, Bytes cells) -> Status {
    const auto position = SortPosition(field->kind, cells, descending);
    if (!position) return DamagedRow(field->id, doc);
    if (!fits(*position)) docs.Remove(doc);
    return Status::Ok();
  }));
  return docs;
}

Result<std::vector<Walker::Row>> Walker::ReadRows(const Bitmap& docs, size_t key) {
  std::vector<Row> rows;
  for (const Doc doc : docs.ToVector()) rows.push_back({std::vector<Position>(keys_.size()), doc});
  for (size_t i = key; i < keys_.size(); ++i) {
    const FieldSpec* field = keys_[i].field;
    const bool descending = keys_[i].descending;
    auto row = rows.begin();
    HILUM_RETURN_IF_ERROR(lists_.Rows(collection_, field->id, docs, [&](Doc doc, Bytes cells) -> Status {
      while (row->doc != doc) ++row;
      row->positions[i] = SortPosition(field->kind, cells, descending);
      return row->positions[i] ? Status::Ok() : DamagedRow(field->id, doc);
    }));
  }
  return rows;
}

bool Walker::Before(const Row& a, const Row& b, size_t key) const {
  for (size_t i = key; i < keys_.size(); ++i) {
    const Position &of_a = a.positions[i], &of_b = b.positions[i];
    if (of_a == of_b) continue;
    if (!of_a || !of_b) return of_a.has_value();
    return keys_[i].descending ? *of_a > *of_b : *of_a < *of_b;
  }
  return docs_descending_ ? a.doc > b.doc : a.doc < b.doc;
}

Status Walker::OrderByColumns(const Bitmap& docs, size_t key, bool resume, const std::string* beyond) {
  const auto before = [this, key](const Row& a, const Row& b) { return Before(a, b, key); };
  const uint64_t wanted = skip_ + limit_ + 1 - page_.size();
  std::vector<Row> best;
  uint64_t count = 0;
  const uint64_t size = docs.Count();
  // In portions, so that only the rows of this page (and what it skips) are held.
  for (uint64_t rank = 0; rank < size; rank += kRowsAtOnce) {
    Bitmap portion = docs;
    if (size > kRowsAtOnce) {
      const uint64_t end = rank + kRowsAtOnce < size ? uint64_t{*docs.Select(rank + kRowsAtOnce)} : uint64_t{1} << 32;
      portion &= Bitmap::Range(*docs.Select(rank), end);
    }
    HILUM_ASSIGN_OR_RETURN(std::vector<Row> rows, ReadRows(portion, key));
    std::erase_if(rows, [&](const Row& row) {
      if (resume && !before(resume_, row)) return true;
      if (beyond == nullptr) return false;
      const Position& position = row.positions[key];
      return !position || (keys_[key].descending ? *position >= *beyond : *position <= *beyond);
    });
    count += rows.size();
    std::move(rows.begin(), rows.end(), std::back_inserter(best));
    if (best.size() > wanted) {
      std::nth_element(best.begin(), best.begin() + static_cast<ptrdiff_t>(wanted), best.end(), before);
      best.resize(wanted);
    }
  }
  if (skip_ >= count) {
    skip_ -= count;
    return Status::Ok();
  }
  std::sort(best.begin(), best.end(), before);
  for (size_t i = skip_; i < best.size() && !full(); ++i) page_.push_back(best[i].doc);
  skip_ = 0;
  return Status::Ok();
}

}  // namespace hilum::storage
