// Random documents and query trees out of small sets of values, so that they meet.
#pragma once

#include <random>

#include "storage/index/index.h"

namespace hilum::storage {

inline constexpr CollectionId kMain{1}, kOther{2};

// Fields of kMain.
inline constexpr FieldId kPlainToken{1}, kCodeToken{2}, kSortedToken{3}, kPlainString{4}, kFullString{5}, kPlainDate{6},
    kSortedDate{7}, kSortedNumber{8}, kQuantity{9}, kToOther{10}, kUri{11}, kPlainNumber{12}, kSortedString{13};
// Fields of kOther.
inline constexpr FieldId kOtherToken{1}, kToMain{2}, kOtherDate{3};

Schema TestSchema();

// For messages of failing tests.
std::string Describe(const Query& query);

class RandomDocuments {
 public:
  explicit RandomDocuments(uint64_t seed) : random_(seed) {}

  // Document numbers of several blocks, the first and the last among them.
  Doc RandomDoc();
  DocumentValues Document(CollectionId collection);
  Query RandomQuery(CollectionId collection, int depth);
  std::vector<SortKey> RandomSort();

  bool Chance(int percent) { return Number(0, 99) < percent; }
  int64_t Number(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }

 private:
  Query RandomLeaf(CollectionId collection);
  Query RandomChain(CollectionId collection, int depth);

  TokenValue Token();
  std::string Text();
  std::string Uri();
  DateValue Date();
  NumberValue Decimal();
  QuantityValue Quantity();
  ReferenceValue Reference(CollectionId target);
  Comparison AnyComparison() { return static_cast<Comparison>(Number(0, 8)); }
  template <typename T>
  T Pick(std::initializer_list<T> from) {
    return *(from.begin() + Number(0, static_cast<int64_t>(from.size()) - 1));
  }
  std::string Mangled(std::string text);

  std::mt19937_64 random_;
};

}  // namespace hilum::storage
