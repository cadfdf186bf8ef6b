// Evaluates a query tree to a bitmap, and follows references. Not thread-safe.
#pragma once

#include "storage/index/lists.h"

namespace hilum::storage {

inline constexpr int kMaxQueryDepth = 64;

class Evaluator {
 public:
  explicit Evaluator(Lists& lists) : lists_(lists) {}

  // Live documents that match.
  Result<Bitmap> Evaluate(CollectionId collection, const Query& query) { return Live(collection, query, nullptr, 0); }

  Result<std::vector<ReferenceValue>> References(CollectionId collection, FieldId field, Doc doc);
  // `within`, when given, allows to leave out sources that are not in it.
  Result<Bitmap> Referrers(CollectionId source, FieldId field, CollectionId target, const Bitmap& targets,
                           const Bitmap* within);
  Result<Bitmap> Referees(CollectionId source, FieldId field, CollectionId target, const Bitmap& sources);
  Status ForEachTarget(CollectionId source, FieldId field, CollectionId target, const Bitmap& sources,
                       const IndexReader::VisitTarget& visit);

  // kInvalid when the collection has no such field, or of another kind.
  Result<const FieldSpec*> Find(CollectionId collection, FieldId field, std::optional<FieldKind> kind = {}) const;

 private:
  // The answer is right for the documents in `within` (null: all); others may be in it or not.
  Result<Bitmap> Match(CollectionId collection, const Query& query, const Bitmap* within, int depth);
  Result<Bitmap> Live(CollectionId collection, const Query& query, const Bitmap* within, int depth);
  Result<Bitmap> MatchAnd(CollectionId collection, const And& all, const Bitmap* within, int depth);
  Result<Bitmap> MatchOr(CollectionId collection, const Or& any, const Bitmap* within, int depth);
  Result<Bitmap> MatchNot(CollectionId collection, const Not& none, const Bitmap* within, int depth);
  Result<Bitmap> MatchLeaf(CollectionId collection, const Query& query, const Bitmap* within);
  Result<Bitmap> MatchQuantity(CollectionId collection, const QuantityMatch& match, const Bitmap* within);
  Result<Bitmap> MatchReference(CollectionId collection, const ReferenceIs& match);
  Result<Bitmap> MatchRefersTo(CollectionId collection, const RefersTo& match, const Bitmap* within, int depth);
  Result<Bitmap> MatchReferredToBy(CollectionId collection, const ReferredToBy& match, int depth);

  using VisitReference = std::function<Status(Doc source, ReferenceValue value)>;
  Status ForEachReference(CollectionId collection, FieldId field, const Bitmap& docs, const VisitReference& visit);

  Lists& lists_;
};

}  // namespace hilum::storage
