// The resources of one type that a transaction is going to write, so that its conditions find them before the index
// does. By values of every kind; what only the transaction knows, it tells as a PlannedView. Internal to
// fhir/interactions; not thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "storage/index/bitmap.h"
#include "storage/index/query.h"

namespace hilum::fhir {

// What is stored, as it will be once all is written. Resources that are new have documents of their own in it, which
// the index does not know.
class PlannedView {
 public:
  virtual ~PlannedView() = default;

  // A reference of the entry as it will be stored, as far as that is known already.
  virtual Result<storage::ReferenceValue> Resolve(size_t place, const storage::ReferenceValue& reference) = 0;
  // Who will match.
  virtual Result<storage::Bitmap> FindAll(storage::CollectionId collection, const storage::Query& query) = 0;
  // Whom of the collection those who match will refer to.
  virtual Result<storage::Bitmap> FindReferees(storage::CollectionId collection, const storage::ReferredToBy& link) = 0;
  // Who refers to matches by a field that is not made of what resources say, and so stays as it is; nullopt for others.
  virtual Result<std::optional<storage::Bitmap>> FindLinked(storage::CollectionId collection,
                                                            const storage::RefersTo& chain) = 0;
  virtual Result<storage::Doc> DocOf(size_t place) = 0;
  // Takes comparisons from what all conditions of the transaction may cost; kLimit when it is used up.
  virtual Status Spend(size_t comparisons) = 0;
};

class PlannedResources {
 public:
  using Places = std::set<size_t>;  // of entries

  explicit PlannedResources(storage::CollectionId collection) : collection_(collection) {}

  // Places do not repeat.
  void Add(size_t place, storage::DocumentValues values);
  bool Has(size_t place) const { return values_.contains(place); }
  // Those that match.
  Result<Places> Find(const storage::Query& query, PlannedView& view) const;
  // What one refers to by the field. REQUIRES: Has(place).
  Result<std::vector<storage::ReferenceValue>> References(size_t place, storage::FieldId field,
                                                          PlannedView& view) const;

 private:
  struct Token {
    std::string system;
    size_t place;
  };
  template <typename Value>
  using Index = std::map<std::pair<storage::FieldId, std::string>, std::vector<Value>>;

  // Of those that are `among` (nullptr: all).
  Result<Places> FindAmong(const storage::Query& query, const Places* among, PlannedView& view) const;
  Result<Places> FindAll(const storage::And& query, const Places* among, PlannedView& view) const;
  Result<Places> FindAny(const storage::Or& query, const Places* among, PlannedView& view) const;
  Result<Places> FindNone(const storage::Not& query, const Places* among, PlannedView& view) const;
  Result<Places> FindReferring(const storage::RefersTo& chain, const Places* among, PlannedView& view) const;
  Result<Places> FindValue(const storage::Query& leaf, const Places* among, PlannedView& view) const;
  Result<Places> FindDocs(const storage::Bitmap& docs, const Places* among, PlannedView& view) const;
  Result<Places> FindToken(const storage::TokenIs& token, PlannedView& view) const;
  Result<Places> FindPrefix(const storage::StringMatch& match, PlannedView& view) const;
  // Those of which `holds` is true: Result<bool>(place, values).
  template <typename Holds>
  Result<Places> Filter(const Places* among, PlannedView& view, const Holds& holds) const;

  const storage::CollectionId collection_;
  std::map<size_t, storage::DocumentValues> values_;
  Index<Token> by_code_;
  Index<size_t> by_text_;  // folded
};

}  // namespace hilum::fhir
