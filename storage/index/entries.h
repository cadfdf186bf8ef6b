// Everything one version of a document puts into the index: the posting keys it stands in, its column rows and what is
// put beside them. Two versions are compared to write only what changed.
//
// Working it out is most of the work of an update and needs no Txn: whoever has many documents does it beforehand, on
// threads of their own (IndexWriter::Update). The number of the document comes last. Not thread-safe.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "storage/index/index.h"
#include "storage/index/keys.h"
#include "storage/index/position.h"

namespace hilum::storage {

class IndexEntries {
 public:
  // The schema outlives it.
  IndexEntries(const Schema& schema, Tenant tenant, CollectionId collection)
      : schema_(&schema), tenant_(tenant), collection_(collection) {}

  // kInternal for a value that does not fit its field's kind, or a field the schema lacks. REQUIRES: all values of a
  // field come together.
  Status Add(const DocumentValues& values);

 private:
  friend class IndexWriter;
  friend class IndexAudit;
  using Values = std::vector<const IndexValue*>;
  struct Row {
    FieldId field;
    size_t end;  // in rows_
  };

  // What the entries are with the number of the document. Views are valid until the next call of anything.
  void SetDoc(Doc doc);
  // Keys of posting lists, without order; some may repeat.
  std::vector<Bytes> Postings() const;
  // Rows of columns, ascending by field.
  std::vector<std::pair<FieldId, Bytes>> Rows() const;
  // Keys that are put whole, and their values; ascending.
  std::vector<std::pair<std::string, std::string>> Puts() const;

  void AddField(const FieldSpec& field, const Values& values);
  void AddToken(const FieldSpec& field, const TokenValue& token);
  void AddString(const FieldSpec& field, const StringValue& string);
  void AddUri(const FieldSpec& field, const UriValue& uri);
  void AddReference(const FieldSpec& field, const ReferenceValue& reference);
  void AddRange(const FieldSpec& field, const Extent& extent);
  void AddQuantity(const FieldSpec& field, const QuantityValue& quantity);
  void AddLongText(FieldId field, Bytes text);
  void AddRow(FieldId field);

  template <typename AppendValue>
  void AddPosting(Entry entry, FieldId field, AppendValue append_value);

  const Schema* schema_;
  Tenant tenant_;
  CollectionId collection_;
  std::string postings_;  // all keys, one after the other
  std::vector<size_t> posting_ends_;
  std::string rows_;
  std::vector<Row> row_ends_;
  std::string cells_;                                      // of the field at hand
  std::vector<std::pair<std::string, std::string>> puts_;  // the number stands at kEntryPrefixBytes
};

// Key parts that readers need too.
std::string ColumnKey(Tenant tenant, CollectionId collection, FieldId field, Doc doc);
std::string OverflowPrefix(Tenant tenant, CollectionId collection, FieldId field, Doc doc);
std::string LongTextKey(Tenant tenant, CollectionId collection, FieldId field, Doc doc, uint64_t hash);

// Tokens whose postings are ordered by code instead of hashed.
inline bool HasOrderedCodes(const FieldSpec& field) {
  return field.patterns || field.sortable;
}

}  // namespace hilum::storage
