#include "storage/index/entries.h"
#include "storage/index/evaluate.h"
#include "storage/index/index.h"
#include "storage/index/lists.h"
#include "storage/index/match_text.h"
#include "storage/index/rows.h"
#include "storage/index/walk.h"

namespace hilum::storage {

struct IndexReader::Rep {
  Rep(const Kv& kv, const Schema& schema, Tenant tenant, const Snapshot* snapshot)
      : lists(kv, schema, tenant, snapshot), evaluator(lists) {}
  Lists lists;
  Evaluator evaluator;
};

IndexReader::IndexReader(const Kv& kv, const Schema& schema, Tenant tenant, const Snapshot* snapshot)
    : rep_(std::make_unique<Rep>(kv, schema, tenant, snapshot)) {}

IndexReader::~IndexReader() = default;

Result<Bitmap> IndexReader::Evaluate(CollectionId collection, const Query& query) {
  return rep_->evaluator.Evaluate(collection, query);
}

Result<Page> IndexReader::Walk(CollectionId collection, const Bitmap& matches, const std::vector<SortKey>& sort,
                               const std::optional<Cursor>& after, uint64_t offset, size_t limit,
                               const std::vector<MovedDoc>& moved) {
  return Walker(rep_->lists, collection, offset, limit).Run(matches, sort, after, moved);
}

Result<std::vector<ReferenceValue>> IndexReader::References(CollectionId collection, FieldId field, Doc doc) {
  return rep_->evaluator.References(collection, field, doc);
}

Result<Bitmap> IndexReader::Referrers(CollectionId source, FieldId field, CollectionId target, const Bitmap& targets) {
  return rep_->evaluator.Referrers(source, field, target, targets, /*within=*/nullptr);
}

Result<Bitmap> IndexReader::Referees(CollectionId source, FieldId field, CollectionId target, const Bitmap& sources) {
  return rep_->evaluator.Referees(source, field, target, sources);
}

Status IndexReader::ForEachTarget(CollectionId source, FieldId field, CollectionId target, const Bitmap& sources,
                                  const VisitTarget& visit) {
  return rep_->evaluator.ForEachTarget(source, field, target, sources, visit);
}

Status IndexReader::ForEachDate(CollectionId collection, FieldId field, const Bitmap& docs, const VisitDate& visit) {
  HILUM_RETURN_IF_ERROR(rep_->evaluator.Find(collection, field, FieldKind::kDate).status());
  return rep_->lists.Rows(collection, field, docs, [&](Doc doc, Bytes cells) -> Status {
    ByteReader in(cells);
    while (!in.empty()) {
      RangeCell cell;
      if (!ReadRangeCell(&in, FieldKind::kDate, &cell)) return DamagedRow(field, doc);
      visit(doc, DateOf(cell.extent));
    }
    return Status::Ok();
  });
}

Result<std::vector<std::pair<TokenValue, uint64_t>>> IndexReader::Facets(CollectionId collection, FieldId field,
                                                                         const Bitmap& within, size_t limit) {
  const FieldSpec* const spec = rep_->lists.schema().Find(collection, field);
  const bool kept =
      spec != nullptr && (spec->kind == FieldKind::kUri || (spec->kind == FieldKind::kToken && HasOrderedCodes(*spec)));
  if (!kept) return Invalid("the index field keeps no codes to count");
  return CountTokens(rep_->lists, collection, *spec, within, limit);
}

Result<Bitmap> IndexReader::Live(CollectionId collection) {
  HILUM_ASSIGN_OR_RETURN(const BitmapPtr live, rep_->lists.List(collection, Entry::kLive));
  return *live;
}

}  // namespace hilum::storage
