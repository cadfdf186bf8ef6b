// The resources of one type that a transaction is going to write, so that its conditions find them before the index
// does. By values of every kind; what only the transaction knows of references, it tells as a PlannedView. Internal to
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

class PlannedView {
 public:
  virtual ~PlannedView() = default;

  // A reference as it will be stored, as far as that is known already: by document, or as "Type/id".
  virtual Result<storage::ReferenceValue> Resolve(const storage::ReferenceValue& reference) = 0;
  // Who will match once all is written. nullopt when that cannot be told.
  struct Targets {
    storage::Bitmap docs;
    std::set<std::string> links;  // "Type/id" of those without a document
  };
  virtual Result<std::optional<Targets>> FindAll(storage::CollectionId collection, const storage::Query& query) = 0;
  // Of the resource that the entry writes over.
  virtual Result<std::optional<storage::Doc>> DocOf(size_t place) = 0;
  // Takes comparisons from what all conditions of the transaction may cost; kLimit when it is used up.
  virtual Status Spend(size_t comparisons) = 0;
};

class PlannedResources {
 public:
  using Places = std::set<size_t>;  // of entries

  // Places do not repeat.
  void Add(size_t place, storage::DocumentValues values);
  // Those that match; nullopt when the query asks who refers to them (_has).
  Result<std::optional<Places>> Find(const storage::Query& query, PlannedView& view) const;

 private:
  struct Token {
    std::string system;
    size_t place;
  };
  template <typename Value>
  using Index = std::map<std::pair<storage::FieldId, std::string>, std::vector<Value>>;
  using Found = Result<std::optional<Places>>;

  // Of those that are `among` (nullptr: all).
  Found FindAmong(const storage::Query& query, const Places* among, PlannedView& view) const;
  Found FindAll(const storage::And& query, const Places* among, PlannedView& view) const;
  Found FindAny(const storage::Or& query, const Places* among, PlannedView& view) const;
  Found FindNone(const storage::Not& query, const Places* among, PlannedView& view) const;
  Places FindToken(const storage::TokenIs& token) const;
  Places FindPrefix(const storage::StringMatch& match) const;
  Found FindReferring(const storage::RefersTo& chain, const Places* among, PlannedView& view) const;
  // Those of which `holds` is true: Result<bool>(place, values).
  template <typename Holds>
  Found Filter(const Places* among, PlannedView& view, const Holds& holds) const;

  std::map<size_t, storage::DocumentValues> values_;
  Index<Token> by_code_;
  Index<size_t> by_text_;  // folded
};

}  // namespace hilum::fhir
