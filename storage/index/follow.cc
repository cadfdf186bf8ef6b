// References, followed forward by the column and backward by lists.
#include "storage/index/evaluate.h"
#include "storage/index/rows.h"

namespace hilum::storage {
namespace {

// A seek to one target's list costs as much as reading this many rows of the column in a row.
constexpr uint64_t kRowsPerSeek = 250;

}  // namespace

Status Evaluator::ForEachReference(CollectionId collection, FieldId field, const Bitmap& docs,
                                   const VisitReference& visit) {
  return lists_.Rows(collection, field, docs, [&](Doc doc, Bytes cells) -> Status {
    ByteReader in(cells);
    while (!in.empty()) {
      ReferenceValue value;
      if (!ReadReferenceCell(&in, &value)) return DamagedRow(field, doc);
      HILUM_RETURN_IF_ERROR(visit(doc, std::move(value)));
    }
    return Status::Ok();
  });
}

Result<std::vector<ReferenceValue>> Evaluator::References(CollectionId collection, FieldId field, Doc doc) {
  HILUM_RETURN_IF_ERROR(Find(collection, field, FieldKind::kReference).status());
  std::vector<ReferenceValue> values;
  HILUM_RETURN_IF_ERROR(ForEachReference(collection, field, Bitmap({doc}), [&](Doc, ReferenceValue value) {
    values.push_back(std::move(value));
    return Status::Ok();
  }));
  return values;
}

Result<Bitmap> Evaluator::Referrers(CollectionId source, FieldId field, CollectionId target, const Bitmap& targets,
                                    const Bitmap* within) {
  HILUM_RETURN_IF_ERROR(Find(source, field, FieldKind::kReference).status());
  if (targets.empty()) return Bitmap();
  HILUM_ASSIGN_OR_RETURN(const BitmapPtr present, lists_.List(source, Entry::kPresent, field));
  Bitmap candidates = *present;
  if (within != nullptr) candidates &= *within;
  BitmapBuilder docs;

  if (candidates.Count() < targets.Count() * kRowsPerSeek) {
    HILUM_RETURN_IF_ERROR(ForEachReference(source, field, candidates, [&](Doc doc, ReferenceValue value) {
      if (value.target && value.target->collection == target && targets.Contains(value.target->doc)) docs.Add(doc);
      return Status::Ok();
    }));
    return docs.Build();
  }

  std::string prefix = lists_.Prefix(source, Entry::kReferrer, field);
  AppendBe(&prefix, static_cast<uint16_t>(target));
  Status outcome;
  targets.ForEachFrom(0, /*descending=*/false, [&](Doc doc) {
    std::string list = prefix;
    AppendBe(&list, doc);
    outcome = lists_.AddList(list, /*longer=*/false, &docs);
    return outcome.ok();
  });
  HILUM_RETURN_IF_ERROR(outcome);
  return docs.Build();
}

Result<Bitmap> Evaluator::Referees(CollectionId source, FieldId field, CollectionId target, const Bitmap& sources) {
  HILUM_RETURN_IF_ERROR(Find(source, field, FieldKind::kReference).status());
  BitmapBuilder docs;
  HILUM_RETURN_IF_ERROR(ForEachTarget(source, field, target, sources, [&](Doc, Doc found) { docs.Add(found); }));
  return docs.Build();
}

Status Evaluator::ForEachTarget(CollectionId source, FieldId field, CollectionId target, const Bitmap& sources,
                                const IndexReader::VisitTarget& visit) {
  HILUM_RETURN_IF_ERROR(Find(source, field, FieldKind::kReference).status());
  return ForEachReference(source, field, sources, [&](Doc doc, ReferenceValue value) {
    if (value.target && value.target->collection == target) visit(doc, value.target->doc);
    return Status::Ok();
  });
}

}  // namespace hilum::storage
