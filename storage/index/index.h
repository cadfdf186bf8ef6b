// One index over images and clinical records: postings and columns under the key-value store, queried as bitmaps. QIDO
// and FHIR search are two grammars over it. Layout: keys.h. Measurements: tests/bench/index.
//
// Texts are folded (text.h) and searched up to 32 kB; keys, columns and sort positions keep 200 bytes of them, longer
// ones are told apart by a hash. A pattern compares codes by their first 200 bytes. Numbers that are NaN are not
// indexed; a date whose end is not after its begin is an instant.
//
// IndexWriter is used inside a Txn (writer thread). IndexReader is a view of one snapshot: cheap to make, not
// thread-safe (it caches the lists it reads); make one for each request. The Schema outlives both.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "storage/index/bitmap.h"
#include "storage/index/query.h"
#include "storage/index/values.h"
#include "storage/kv/kv.h"
#include "storage/kv/writer.h"
#include "storage/tenant.h"

namespace hilum::storage {

struct FieldSpec {
  FieldId id;
  FieldKind kind;
  bool sortable = false;  // can be sorted by: keeps the values ordered, and in a column. Not for references.
  bool patterns = false;  // tokens: keeps a dictionary of the codes so that TokenPattern and Facets can enumerate them
  bool contains =
      false;  // strings: keeps trigrams so that kContains and leading-wildcard patterns need no scan of all values
};

// What fields each collection has. Built at start, then read-only (safe for concurrent use).
class Schema {
 public:
  // Repeating a field with another kind is a programming error (asserted). Adding fields later is fine: old documents
  // lack them until reindexed.
  void Add(CollectionId collection, FieldSpec field);
  const FieldSpec* Find(CollectionId collection, FieldId field) const;

 private:
  std::unordered_map<uint32_t, FieldSpec> fields_;  // by collection << 16 | field
};

// Folds postings and columns; give it to Kv::Open and Writer::Start for Family::kIndex.
const Merger& IndexMerger();

class IndexEntries;
class MergeTable;

class IndexWriter {
 public:
  IndexWriter(const Schema& schema, Tenant tenant) : schema_(schema), tenant_(tenant) {}

  // The next unused number of the collection.
  Result<Doc> NewDoc(Txn& txn, CollectionId collection) const;
  // Replaces the index values of a document: `before` is exactly what was indexed last (nullptr: nothing, the document
  // is new), `after` what holds now (nullptr: the document is deleted). Only the difference is written. A value of
  // another kind than its field is kInternal.
  Status Update(Txn& txn, CollectionId collection, Doc doc, const DocumentValues* before,
                const DocumentValues* after) const;
  // The same with values that were worked out beforehand (entries.h), which learn their number here. What is added
  // waits in `table`, unless it is nullptr, until it is merged into the same Txn. REQUIRES: at most one update of each
  // document waits.
  void Update(Txn& txn, CollectionId collection, Doc doc, IndexEntries* before, IndexEntries* after,
              MergeTable* table) const;

 private:
  const Schema& schema_;
  Tenant tenant_;
};

// Documents that NewDoc gave out so far: numbers below it. kCorruption when the counter is damaged.
Result<uint32_t> CountDocs(const Kv& kv, Tenant tenant, CollectionId collection, const Snapshot* snapshot);

// As the field of a SortKey: by document number, that is by order of creation.
inline constexpr FieldId kDocOrder{0xFFFF};

struct SortKey {
  FieldId field;
  bool descending = false;
};

// Where a page begins. Opaque; Encode/Decode make it a signed text for a client.
struct Cursor {
  std::string last_key;  // sort position of the last row given out
  Doc last_doc = 0;
  uint64_t fingerprint = 0;  // of the query and sort it belongs to, as the caller computes it
};
// base64url(cursor, HMAC-SHA-256 cut to 16 bytes). `key`: 32 secret bytes kept in the store.
std::string EncodeCursor(const Cursor& cursor, Bytes key);
// kInvalid when it was not made by EncodeCursor with this key.
Result<Cursor> DecodeCursor(std::string_view text, Bytes key);

// A document that has its place in an order by these values, not by those that the index has of it.
struct MovedDoc {
  Doc doc = 0;
  DocumentValues values;  // of the sort keys, at least
};

struct Page {
  std::vector<Doc> docs;
  std::optional<Cursor> next;  // nullopt: that was the last page
};

class IndexReader {
 public:
  IndexReader(const Kv& kv, const Schema& schema, Tenant tenant, const Snapshot* snapshot);
  ~IndexReader();

  // Live documents of the collection that match. kInvalid for a field the collection does not have or a leaf that does
  // not fit its kind; kLimit past kMaxExpandedValues values of one pattern, or depth 64.
  Result<Bitmap> Evaluate(CollectionId collection, const Query& query);

  // `limit` documents of `matches` in sort order: by the begin of ranges, the folded text of strings, the code of
  // tokens; of several values the least counts, descending the greatest. Ties and the unsorted by ascending doc
  // (descending when the first key is); documents without a value come last. `offset` rows (after the cursor, if any)
  // are skipped without being read. Costs the same for every page. The next cursor has the fingerprint of `after`; the
  // caller sets the first one and compares. kInvalid for a field that is not sortable, or a cursor of another sort
  // order. REQUIRES: no `offset` with `moved`, which are few and do not repeat.
  Result<Page> Walk(CollectionId collection, const Bitmap& matches, const std::vector<SortKey>& sort,
                    const std::optional<Cursor>& after, uint64_t offset, size_t limit,
                    const std::vector<MovedDoc>& moved = {});

  // Targets of a reference field of one document, from its column.
  Result<std::vector<ReferenceValue>> References(CollectionId collection, FieldId field, Doc doc);
  // Documents of `source` whose reference `field` points at any of `targets`.
  Result<Bitmap> Referrers(CollectionId source, FieldId field, CollectionId target, const Bitmap& targets);
  // Documents of `target` that any of `sources` points at by `field`.
  Result<Bitmap> Referees(CollectionId source, FieldId field, CollectionId target, const Bitmap& sources);
  // The same one by one: `visit` gets a source and one of its targets, sources in ascending order.
  using VisitTarget = std::function<void(Doc source, Doc target)>;
  Status ForEachTarget(CollectionId source, FieldId field, CollectionId target, const Bitmap& sources,
                       const VisitTarget& visit);
  // Each value of a date field of each of `docs`, documents in ascending order; an instant lasts a microsecond.
  using VisitDate = std::function<void(Doc doc, const DateValue& value)>;
  Status ForEachDate(CollectionId collection, FieldId field, const Bitmap& docs, const VisitDate& visit);
  // Distinct values of a field and in how many documents of `within` each stands: the `limit` most frequent, most
  // frequent first. For tokens whose codes are kept (`patterns` or `sortable`), and for uris, which come as codes
  // without a system. Parts longer than keys keep are cut.
  Result<std::vector<std::pair<TokenValue, uint64_t>>> Facets(CollectionId collection, FieldId field,
                                                              const Bitmap& within, size_t limit);
  // Live documents of a collection.
  Result<Bitmap> Live(CollectionId collection);

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace hilum::storage
