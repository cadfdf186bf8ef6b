// Everything one version of a document puts into the index: the posting keys it stands in, its column rows and what is
// put beside them. Two versions are compared to write only what changed. Not thread-safe.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "storage/index/index.h"
#include "storage/index/keys.h"
#include "storage/index/position.h"

namespace hilum::storage {

class Entries {
 public:
  Entries(const Schema& schema, Tenant tenant, CollectionId collection, Doc doc)
      : schema_(schema), tenant_(tenant), collection_(collection), doc_(doc) {}

  // kInternal for a value that does not fit its field's kind, or a field the schema lacks. Call once.
  Status Collect(const DocumentValues& values);

  // Keys of posting lists, without order; some may repeat.
  const std::vector<Bytes>& Postings();
  // Column block key -> row.
  const std::map<std::string, std::string>& rows() const { return rows_; }
  // Keys that are put whole.
  const std::map<std::string, std::string>& puts() const { return puts_; }

 private:
  using Values = std::vector<const IndexValue*>;

  void CollectField(const FieldSpec& field, const Values& values);
  void CollectToken(const FieldSpec& field, const TokenValue& token, std::string* cells);
  void CollectString(const FieldSpec& field, const StringValue& string, std::string* cells);
  void CollectUri(const FieldSpec& field, const UriValue& uri, std::string* cells);
  void CollectReference(const FieldSpec& field, const ReferenceValue& reference, std::string* cells);
  void CollectRange(const FieldSpec& field, const Extent& extent);
  void CollectQuantity(const FieldSpec& field, const QuantityValue& quantity, std::string* cells);
  void CollectLongText(FieldId field, Bytes text);
  void SetRow(FieldId field, std::string cells);

  template <typename AppendValue>
  void AddPosting(Entry entry, FieldId field, AppendValue append_value);

  const Schema& schema_;
  const Tenant tenant_;
  const CollectionId collection_;
  const Doc doc_;
  std::string arena_;  // all posting keys, one after the other
  std::vector<size_t> ends_;
  std::vector<Bytes> postings_;
  std::map<std::string, std::string> rows_;
  std::map<std::string, std::string> puts_;
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
