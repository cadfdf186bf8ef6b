#include "storage/index/match_range.h"

namespace hilum::storage {
namespace {

// Up to here documents are checked one by one rather than by a union over half the line.
constexpr uint64_t kFewDocs = 512;

class RangeMatcher {
 public:
  RangeMatcher(Lists& lists, CollectionId collection, const FieldSpec& field, Comparison comparison,
               const Extent& asked, const UnitFilter& unit, const Bitmap* within)
      : lists_(lists),
        collection_(collection),
        field_(field),
        comparison_(comparison),
        asked_(asked),
        unit_(unit),
        code_hash_(UnitHash(unit.code.value_or(""))),
        system_hash_(UnitHash(unit.system.value_or(""))),
        within_(within) {}

  Result<Bitmap> Match();

 private:
  // The answer for documents of one value.
  Result<Bitmap> MatchSingle();
  Result<Bitmap> MatchEqual();
  // Documents with a value that begins from `asked` to `last`, and those that begin before and match: found by the
  // column when few can, else by `by_ends`.
  Result<Bitmap> StartsOrReaches(uint64_t last, const std::function<Result<Bitmap>()>& by_ends);
  Result<Bitmap> MatchOverlapsByEnds();
  // Documents with a value that begins in [first, last].
  Result<Bitmap> StartsIn(uint64_t first, uint64_t last);
  // Documents with a value that ends at `position` or later.
  Result<Bitmap> EndsFrom(uint64_t position);
  Result<Bitmap> StartsBelow(uint64_t position) {
    if (position == 0) return Bitmap();
    return StartsIn(0, position - 1);
  }
  Result<Bitmap> EndsAbove(uint64_t position) {
    if (position == UINT64_MAX) return Bitmap();
    return EndsFrom(position + 1);
  }
  Result<Bitmap> WithUnit();

  using Predicate = std::function<bool(const RangeCell&)>;
  Result<Bitmap> Check(Bitmap docs, const Predicate& matches);
  Result<Bitmap> CheckAll(Bitmap docs) {
    return Check(std::move(docs), [this](const RangeCell& cell) { return Matches(cell); });
  }
  bool Matches(const RangeCell& cell) const;

  Status AddBuckets(Entry entry, const BucketRange& buckets, BitmapBuilder* docs);
  Result<Bitmap> Bucket(uint64_t bucket, bool ends_too);
  // Whether a finest bucket begins with the position.
  bool StartsBucket(uint64_t position) const;
  Result<BitmapPtr> Wide() { return lists_.List(collection_, Entry::kWide, field_.id); }
  Result<BitmapPtr> Present() { return lists_.List(collection_, Entry::kPresent, field_.id); }
  LineKind line() const { return LineOf(field_.kind); }

  Lists& lists_;
  const CollectionId collection_;
  const FieldSpec& field_;
  const Comparison comparison_;
  const Extent asked_;
  const UnitFilter& unit_;
  const uint64_t code_hash_;
  const uint64_t system_hash_;
  const Bitmap* within_;
};

// One half-line, exact for any of a document's values. The others combine conditions that must
// hold for the same value, or deny one.
bool IsExactForSeveral(Comparison comparison) {
  return comparison == Comparison::kGreater || comparison == Comparison::kLess ||
         comparison == Comparison::kGreaterEqual || comparison == Comparison::kLessEqual ||
         comparison == Comparison::kStartsAfter;
}

Result<Bitmap> RangeMatcher::Match() {
  HILUM_ASSIGN_OR_RETURN(Bitmap docs, MatchSingle());
  if (!unit_.any()) {
    HILUM_ASSIGN_OR_RETURN(const Bitmap with_unit, WithUnit());
    docs &= with_unit;
  }
  if (unit_.any() && IsExactForSeveral(comparison_)) return docs;

  HILUM_ASSIGN_OR_RETURN(const BitmapPtr multi, lists_.List(collection_, Entry::kMulti, field_.id));
  if (multi->empty()) return docs;
  HILUM_ASSIGN_OR_RETURN(const Bitmap several, CheckAll(*multi));
  docs -= *multi;
  docs |= several;
  return docs;
}

Result<Bitmap> RangeMatcher::MatchSingle() {
  switch (comparison_) {
    case Comparison::kEqual:
      return MatchEqual();
    case Comparison::kOverlaps:
      // Begins within `asked`, or before and reaches into it.
      return StartsOrReaches(asked_.last, [this] { return MatchOverlapsByEnds(); });
    case Comparison::kGreater:
      return EndsAbove(asked_.last);
    case Comparison::kLess:
      return StartsBelow(asked_.start);
    case Comparison::kStartsAfter:
      if (asked_.last == UINT64_MAX) return Bitmap();
      return StartsIn(asked_.last + 1, UINT64_MAX);
    case Comparison::kGreaterEqual:
      // Begins at the begin of `asked` or later, or before and reaches into it.
      return StartsOrReaches(UINT64_MAX, [this] { return EndsFrom(asked_.start); });
    case Comparison::kLessEqual:
      return StartsIn(0, asked_.last);
    case Comparison::kNotEqual: {
      HILUM_ASSIGN_OR_RETURN(const BitmapPtr present, Present());
      HILUM_ASSIGN_OR_RETURN(const Bitmap equal, MatchEqual());
      Bitmap docs = *present;
      docs -= equal;
      return docs;
    }
    case Comparison::kEndsBefore: {
      HILUM_ASSIGN_OR_RETURN(const BitmapPtr present, Present());
      HILUM_ASSIGN_OR_RETURN(const Bitmap rest, EndsFrom(asked_.start));
      Bitmap docs = *present;
      docs -= rest;
      return docs;
    }
  }
  return Internal("index: a comparison that does not exist");
}

// Begins within `asked`, less what reaches above it: only wide values can, or any in the bucket that `asked` ends
// inside.
Result<Bitmap> RangeMatcher::MatchEqual() {
  HILUM_ASSIGN_OR_RETURN(Bitmap docs, StartsIn(asked_.start, asked_.last));
  HILUM_ASSIGN_OR_RETURN(const BitmapPtr wide, Wide());
  Bitmap reaching = *wide;
  if (asked_.last != UINT64_MAX && !StartsBucket(asked_.last + 1)) {
    HILUM_ASSIGN_OR_RETURN(const Bitmap edge, Bucket(BucketOf(line(), kFinestLevel, asked_.last), /*ends_too=*/false));
    reaching |= edge;
  }
  reaching &= docs;
  if (within_ != nullptr) reaching &= *within_;
  if (reaching.empty()) return docs;
  if (reaching.Count() <= kFewDocs) {
    docs -= reaching;
    HILUM_ASSIGN_OR_RETURN(const Bitmap checked, Check(std::move(reaching), [this](const RangeCell& cell) {
                             return Holds(Comparison::kEqual, cell.extent, asked_);
                           }));
    docs |= checked;
  } else {
    HILUM_ASSIGN_OR_RETURN(const Bitmap above, EndsAbove(asked_.last));
    docs -= above;
  }
  return docs;
}

// Only wide values can begin before `asked` and reach it, or any in the bucket that `asked` begins inside.
Result<Bitmap> RangeMatcher::StartsOrReaches(uint64_t last, const std::function<Result<Bitmap>()>& by_ends) {
  HILUM_ASSIGN_OR_RETURN(Bitmap docs, StartsIn(asked_.start, last));
  HILUM_ASSIGN_OR_RETURN(const BitmapPtr wide, Wide());
  Bitmap reaching = *wide;
  if (!StartsBucket(asked_.start)) {
    HILUM_ASSIGN_OR_RETURN(const Bitmap edge, Bucket(BucketOf(line(), kFinestLevel, asked_.start), false));
    reaching |= edge;
  }
  if (within_ != nullptr) reaching &= *within_;
  const bool few = reaching.Count() <= kFewDocs;
  HILUM_ASSIGN_OR_RETURN(const Bitmap more,
                         few ? Check(std::move(reaching),
                                     [this](const RangeCell& cell) { return Holds(comparison_, cell.extent, asked_); })
                             : by_ends());
  docs |= more;
  return docs;
}

Result<Bitmap> RangeMatcher::MatchOverlapsByEnds() {
  HILUM_ASSIGN_OR_RETURN(Bitmap docs, StartsIn(0, asked_.last));
  HILUM_ASSIGN_OR_RETURN(const Bitmap ends, EndsFrom(asked_.start));
  docs &= ends;
  return docs;
}

Result<Bitmap> RangeMatcher::StartsIn(uint64_t first, uint64_t last) {
  BitmapBuilder whole;
  Bitmap edges;
  const Cover cover = CoverOf(line(), first, last);
  for (const BucketRange& buckets : cover.whole) HILUM_RETURN_IF_ERROR(AddBuckets(Entry::kStart, buckets, &whole));
  Bitmap docs = whole.Build();
  for (const uint64_t edge : cover.edges) {
    HILUM_ASSIGN_OR_RETURN(const Bitmap some, Bucket(edge, /*ends_too=*/false));
    edges |= some;
  }
  edges -= docs;
  HILUM_ASSIGN_OR_RETURN(const Bitmap checked, Check(std::move(edges), [&](const RangeCell& cell) {
                           return cell.extent.start >= first && cell.extent.start <= last;
                         }));
  docs |= checked;
  return docs;
}

// A value stands in an end list only where it ends in another bucket than it begins in, so both lists count. Whoever
// begins at `position` or later ends there too.
Result<Bitmap> RangeMatcher::EndsFrom(uint64_t position) {
  BitmapBuilder whole;
  Bitmap edges;
  const Cover cover = CoverOf(line(), position, UINT64_MAX);
  for (const BucketRange& buckets : cover.whole) {
    HILUM_RETURN_IF_ERROR(AddBuckets(Entry::kStart, buckets, &whole));
    HILUM_RETURN_IF_ERROR(AddBuckets(Entry::kEnd, buckets, &whole));
  }
  Bitmap docs = whole.Build();
  for (const uint64_t edge : cover.edges) {
    HILUM_ASSIGN_OR_RETURN(const Bitmap some, Bucket(edge, /*ends_too=*/true));
    edges |= some;
  }
  edges -= docs;
  HILUM_ASSIGN_OR_RETURN(const Bitmap checked,
                         Check(std::move(edges), [&](const RangeCell& cell) { return cell.extent.last >= position; }));
  docs |= checked;
  return docs;
}

Status RangeMatcher::AddBuckets(Entry entry, const BucketRange& buckets, BitmapBuilder* docs) {
  std::string lower = lists_.Prefix(collection_, entry, field_.id);
  lower.push_back(static_cast<char>(buckets.level));
  std::string upper = lower;
  AppendBe(&lower, buckets.first);
  AppendBe(&upper, buckets.last);
  return lists_.AddUnion(lower, PrefixEnd(upper), docs);
}

Result<Bitmap> RangeMatcher::Bucket(uint64_t bucket, bool ends_too) {
  BitmapBuilder docs;
  HILUM_RETURN_IF_ERROR(AddBuckets(Entry::kStart, {kFinestLevel, bucket, bucket}, &docs));
  if (ends_too) HILUM_RETURN_IF_ERROR(AddBuckets(Entry::kEnd, {kFinestLevel, bucket, bucket}, &docs));
  return docs.Build();
}

bool RangeMatcher::StartsBucket(uint64_t position) const {
  return position == 0 || BucketOf(line(), kFinestLevel, position - 1) != BucketOf(line(), kFinestLevel, position);
}

Result<Bitmap> RangeMatcher::WithUnit() {
  Bitmap docs;
  if (unit_.code) {
    std::string prefix = lists_.Prefix(collection_, Entry::kToken, field_.id);
    AppendTokenKey(&prefix, unit_.system.value_or(""), *unit_.code);
    HILUM_ASSIGN_OR_RETURN(const BitmapPtr list, lists_.List(prefix, /*longer=*/!unit_.system));
    return *list;
  }
  if (!unit_.system->empty()) {
    std::string prefix = lists_.Prefix(collection_, Entry::kSystem, field_.id);
    AppendBe(&prefix, system_hash_);
    HILUM_ASSIGN_OR_RETURN(const BitmapPtr list, lists_.List(prefix));
    return *list;
  }
  const std::string prefix = lists_.Prefix(collection_, Entry::kToken, field_.id);
  return lists_.Union(prefix, PrefixEnd(prefix), [](Bytes value) { return value.size() == sizeof(uint64_t); });
}

bool RangeMatcher::Matches(const RangeCell& cell) const {
  if (unit_.code && cell.code_hash != code_hash_) return false;
  if (unit_.system && cell.system_hash != system_hash_) return false;
  return Holds(comparison_, cell.extent, asked_);
}

Result<Bitmap> RangeMatcher::Check(Bitmap docs, const Predicate& matches) {
  if (within_ != nullptr) docs &= *within_;
  std::vector<Doc> found;
  if (docs.empty()) return Bitmap();
  HILUM_RETURN_IF_ERROR(lists_.Rows(collection_, field_.id, docs, [&](Doc doc, Bytes cells) -> Status {
    ByteReader in(cells);
    for (RangeCell cell; !in.empty();) {
      if (!ReadRangeCell(&in, field_.kind, &cell)) return DamagedRow(field_.id, doc);
      if (!matches(cell)) continue;
      found.push_back(doc);
      break;
    }
    return Status::Ok();
  }));
  return Bitmap(found);
}

}  // namespace

bool Holds(Comparison comparison, const Extent& value, const Extent& asked) {
  const bool equal = value.start >= asked.start && value.last <= asked.last;
  switch (comparison) {
    case Comparison::kEqual:
      return equal;
    case Comparison::kNotEqual:
      return !equal;
    case Comparison::kGreater:
      return value.last > asked.last;
    case Comparison::kLess:
      return value.start < asked.start;
    case Comparison::kGreaterEqual:
      return value.last >= asked.start;
    case Comparison::kLessEqual:
      return value.start <= asked.last;
    case Comparison::kStartsAfter:
      return value.start > asked.last;
    case Comparison::kEndsBefore:
      return value.last < asked.start;
    case Comparison::kOverlaps:
      return value.start <= asked.last && value.last >= asked.start;
  }
  return false;
}

Result<Bitmap> MatchRange(Lists& lists, CollectionId collection, const FieldSpec& field, Comparison comparison,
                          const Extent& asked, const UnitFilter& unit, const Bitmap* within) {
  return RangeMatcher(lists, collection, field, comparison, asked, unit, within).Match();
}

}  // namespace hilum::storage
