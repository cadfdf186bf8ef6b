#include "storage/index/evaluate.h"

#include <algorithm>

#include "storage/index/match_range.h"
#include "storage/index/match_text.h"

namespace hilum::storage {
namespace {

// Up to here an outer result narrows the inner query of a chain.
constexpr uint64_t kFewSources = 1000;

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

// What to evaluate first: what costs little and leaves little for the rest to look at.
int CostOf(const Query& query) {
  using How = StringMatch::How;
  return std::visit(Overloaded{
                        [](const All&) { return 0; },
                        [](const DocsIn&) { return 0; },
                        [](const TokenIs&) { return 1; },
                        [](const ReferenceIs&) { return 1; },
                        [](const UriMatch&) { return 1; },
                        [](const Present&) { return 2; },
                        [](const StringMatch& match) {
                          if (match.how == How::kExact || match.how == How::kEqualsFolded) return 1;
                          return match.how == How::kContains || match.how == How::kPattern ? 6 : 3;
                        },
                        [](const DateMatch&) { return 4; },
                        [](const NumberMatch&) { return 4; },
                        [](const QuantityMatch&) { return 4; },
                        [](const TokenPattern&) { return 5; },
                        [](const And& all) {
                          int least = 7;
                          for (const Query& part : all.parts) least = std::min(least, CostOf(part));
                          return least;
                        },
                        [](const Or& any) {
                          int most = 0;
                          for (const Query& part : any.parts) most = std::max(most, CostOf(part));
                          return most;
                        },
                        // Takes away from what the others leave.
                        [](const Not&) { return 8; },
                        [](const RefersTo&) { return 7; },
                        [](const ReferredToBy&) { return 7; },
                    },
                    query.node);
}

}  // namespace

Result<const FieldSpec*> Evaluator::Find(CollectionId collection, FieldId field, std::optional<FieldKind> kind) const {
  const FieldSpec* spec = lists_.schema().Find(collection, field);
  if (spec != nullptr && (!kind || spec->kind == *kind)) return spec;
  return Invalid("collection " + std::to_string(static_cast<int>(collection)) + " has no index field " +
                 std::to_string(static_cast<int>(field)) + " that can be asked so");
}

Result<Bitmap> Evaluator::Live(CollectionId collection, const Query& query, const Bitmap* within, int depth) {
  HILUM_ASSIGN_OR_RETURN(Bitmap docs, Match(collection, query, within, depth));
  HILUM_ASSIGN_OR_RETURN(const BitmapPtr live, lists_.List(collection, Entry::kLive));
  docs &= *live;
  if (within != nullptr) docs &= *within;
  return docs;
}

Result<Bitmap> Evaluator::Match(CollectionId collection, const Query& query, const Bitmap* within, int depth) {
  if (depth >= kMaxQueryDepth) return LimitExceeded("the query is nested deeper than 64 levels");
  if (const auto* all = std::get_if<And>(&query.node)) return MatchAnd(collection, *all, within, depth);
  if (const auto* any = std::get_if<Or>(&query.node)) return MatchOr(collection, *any, within, depth);
  if (const auto* none = std::get_if<Not>(&query.node)) return MatchNot(collection, *none, within, depth);
  if (const auto* to = std::get_if<RefersTo>(&query.node)) return MatchRefersTo(collection, *to, within, depth);
  if (const auto* by = std::get_if<ReferredToBy>(&query.node)) return MatchReferredToBy(collection, *by, depth);
  return MatchLeaf(collection, query, within);
}

Result<Bitmap> Evaluator::MatchAnd(CollectionId collection, const And& all, const Bitmap* within, int depth) {
  std::vector<const Query*> parts;
  for (const Query& part : all.parts) parts.push_back(&part);
  std::stable_sort(parts.begin(), parts.end(), [](const auto* a, const auto* b) { return CostOf(*a) < CostOf(*b); });

  std::optional<Bitmap> docs;
  for (const Query* part : parts) {
    HILUM_ASSIGN_OR_RETURN(Bitmap some, Match(collection, *part, docs ? &*docs : within, depth + 1));
    if (docs) {
      *docs &= some;
    } else {
      docs = std::move(some);
      if (within != nullptr) *docs &= *within;
    }
    if (docs->empty()) return *std::move(docs);
  }
  if (docs) return *std::move(docs);
  HILUM_ASSIGN_OR_RETURN(const BitmapPtr live, lists_.List(collection, Entry::kLive));
  return *live;
}

Result<Bitmap> Evaluator::MatchOr(CollectionId collection, const Or& any, const Bitmap* within, int depth) {
  Bitmap docs;
  for (const Query& part : any.parts) {
    HILUM_ASSIGN_OR_RETURN(const Bitmap some, Match(collection, part, within, depth + 1));
    docs |= some;
  }
  return docs;
}

Result<Bitmap> Evaluator::MatchNot(CollectionId collection, const Not& none, const Bitmap* within, int depth) {
  HILUM_ASSIGN_OR_RETURN(const BitmapPtr live, lists_.List(collection, Entry::kLive));
  HILUM_ASSIGN_OR_RETURN(const Bitmap some, Match(collection, *none.part, within, depth + 1));
  Bitmap docs = *live;
  if (within != nullptr) docs &= *within;
  docs -= some;
  return docs;
}

Result<Bitmap> Evaluator::MatchLeaf(CollectionId collection, const Query& query, const Bitmap* within) {
  const auto copied = [](const Result<BitmapPtr>& list) -> Result<Bitmap> {
    if (!list.ok()) return list.status();
    return Bitmap(**list);
  };
  const UnitFilter any_unit;
  if (std::holds_alternative<All>(query.node)) return copied(lists_.List(collection, Entry::kLive));
  if (const auto* match = std::get_if<DocsIn>(&query.node)) return Bitmap(match->docs);
  if (const auto* match = std::get_if<TokenIs>(&query.node)) {
    HILUM_ASSIGN_OR_RETURN(const FieldSpec* field, Find(collection, match->field, FieldKind::kToken));
    return copied(MatchToken(lists_, collection, *field, *match));
  }
  if (const auto* match = std::get_if<TokenPattern>(&query.node)) {
    HILUM_ASSIGN_OR_RETURN(const FieldSpec* field, Find(collection, match->field, FieldKind::kToken));
    if (!field->patterns) return Invalid("the index field keeps no codes to compare with a pattern");
    return MatchTokenPattern(lists_, collection, *field, *match);
  }
  if (const auto* match = std::get_if<StringMatch>(&query.node)) {
    HILUM_ASSIGN_OR_RETURN(const FieldSpec* field, Find(collection, match->field, FieldKind::kString));
    return MatchString(lists_, collection, *field, *match, within);
  }
  if (const auto* match = std::get_if<UriMatch>(&query.node)) {
    HILUM_ASSIGN_OR_RETURN(const FieldSpec* field, Find(collection, match->field, FieldKind::kUri));
    return MatchUri(lists_, collection, *field, *match);
  }
  if (const auto* match = std::get_if<DateMatch>(&query.node)) {
    HILUM_ASSIGN_OR_RETURN(const FieldSpec* field, Find(collection, match->field, FieldKind::kDate));
    return MatchRange(lists_, collection, *field, match->comparison, ExtentOf(match->asked), any_unit, within);
  }
  if (const auto* match = std::get_if<NumberMatch>(&query.node)) {
    HILUM_ASSIGN_OR_RETURN(const FieldSpec* field, Find(collection, match->field, FieldKind::kNumber));
    const auto asked = ExtentOf(match->asked);
    if (!asked) return Invalid("not a number");
    return MatchRange(lists_, collection, *field, match->comparison, *asked, any_unit, within);
  }
  if (const auto* match = std::get_if<QuantityMatch>(&query.node)) return MatchQuantity(collection, *match, within);
  if (const auto* match = std::get_if<ReferenceIs>(&query.node)) return MatchReference(collection, *match);
  if (const auto* match = std::get_if<Present>(&query.node)) {
    const auto kind = match->target ? std::optional(FieldKind::kReference) : std::nullopt;
    HILUM_ASSIGN_OR_RETURN(const FieldSpec* field, Find(collection, match->field, kind));
    if (!match->target) return copied(lists_.List(collection, Entry::kPresent, field->id));
    std::string prefix = lists_.Prefix(collection, Entry::kReferrer, field->id);
    AppendBe(&prefix, static_cast<uint16_t>(*match->target));
    return copied(lists_.List(prefix, /*longer=*/true));
  }
  return Internal("index: a query node that does not exist");
}

Result<Bitmap> Evaluator::MatchQuantity(CollectionId collection, const QuantityMatch& match, const Bitmap* within) {
  HILUM_ASSIGN_OR_RETURN(const FieldSpec* field, Find(collection, match.field, FieldKind::kQuantity));
  const auto asked = ExtentOf(match.asked);
  if (!asked) return Invalid("not a number");
  return MatchRange(lists_, collection, *field, match.comparison, *asked, {match.system, match.code}, within);
}

Result<Bitmap> Evaluator::MatchReference(CollectionId collection, const ReferenceIs& match) {
  HILUM_ASSIGN_OR_RETURN(const FieldSpec* field, Find(collection, match.field, FieldKind::kReference));
  std::string prefix = lists_.Prefix(collection, match.value.target ? Entry::kReferrer : Entry::kToken, field->id);
  if (match.value.target) {
    AppendBe(&prefix, static_cast<uint16_t>(match.value.target->collection));
    AppendBe(&prefix, match.value.target->doc);
  } else {
    AppendTokenKey(&prefix, {}, match.value.text);
  }
  HILUM_ASSIGN_OR_RETURN(const BitmapPtr list, lists_.List(prefix));
  return *list;
}

Result<Bitmap> Evaluator::MatchRefersTo(CollectionId collection, const RefersTo& match, const Bitmap* within,
                                        int depth) {
  HILUM_RETURN_IF_ERROR(Find(collection, match.field, FieldKind::kReference).status());
  // Chains ask for it on the way to many collections, of which few have anything.
  HILUM_ASSIGN_OR_RETURN(const BitmapPtr referring, lists_.List(collection, Entry::kPresent, match.field));
  if (referring->empty()) return Bitmap();
  std::optional<Bitmap> reachable;
  if (within != nullptr && within->Count() <= kFewSources) {
    HILUM_ASSIGN_OR_RETURN(reachable, Referees(collection, match.field, match.target, *within));
  }
  HILUM_ASSIGN_OR_RETURN(const Bitmap targets,
                         Live(match.target, *match.query, reachable ? &*reachable : nullptr, depth + 1));
  return Referrers(collection, match.field, match.target, targets, within);
}

Result<Bitmap> Evaluator::MatchReferredToBy(CollectionId collection, const ReferredToBy& match, int depth) {
  HILUM_RETURN_IF_ERROR(Find(match.source, match.field, FieldKind::kReference).status());
  HILUM_ASSIGN_OR_RETURN(const Bitmap sources, Live(match.source, *match.query, nullptr, depth + 1));
  return Referees(match.source, match.field, collection, sources);
}

}  // namespace hilum::storage
