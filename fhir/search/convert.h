// Values of FHIR data types as values of the index. Internal to fhir/search.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fhir/search/extract.h"

namespace hilum::fhir {

// What the values of one resource may take in memory: some are combined with each other, and then a small resource can
// have very many. Not thread-safe.
class ValueBudget {
 public:
  explicit ValueBudget(size_t resource_bytes) : left_(kFree + kPerByte * resource_bytes) {}

  // For one more value with texts of so many bytes; kLimit when there is not enough left.
  Status Take(size_t text_bytes) {
    constexpr size_t kValueBytes = sizeof(storage::DocumentValues::Entry);
    if (left_ < kValueBytes + text_bytes) {
      return LimitExceeded(
          "the codes and values of this resource make too many combinations to search by; give its elements fewer "
          "codings, or split it");
    }
    left_ -= kValueBytes + text_bytes;
    return Status::Ok();
  }

 private:
  static constexpr size_t kFree = size_t{16} << 20;
  static constexpr size_t kPerByte = 32;  // ordinary resources take less than ten
  size_t left_;
};

// A quantity in base units, when its unit is known, and as it is written.
struct ConvertedQuantity {
  std::optional<storage::QuantityValue> canonical;
  storage::QuantityValue written;
  std::optional<storage::QuantityValue> by_unit;  // the one for people, when that is not the code
};

// Appends what a value of some data type means for a kind of parameter; nothing for types that do not go with it. Not
// thread-safe; one per resource. REQUIRES: values of a validated document.
class Converter {
 public:
  Converter(const Typing& typing, SearchCatalog& catalog, const SearchOptions& options, ValueBudget& budget)
      : typing_(typing), catalog_(catalog), options_(options), budget_(budget) {}

  // kLimit as of the budget.
  Status Tokens(json::Value value, std::vector<storage::TokenValue>* out) const;
  void Strings(json::Value value, std::vector<storage::StringValue>* out) const;
  void Dates(json::Value value, std::vector<storage::DateValue>* out) const;
  void Numbers(json::Value value, std::vector<storage::NumberValue>* out) const;
  void Quantities(json::Value value, std::vector<ConvertedQuantity>* out) const;
  void Uris(json::Value value, std::vector<storage::UriValue>* out) const;
  Status References(json::Value value, std::vector<storage::ReferenceValue>* out) const;

  // Of a value below the resource; Resource for a resource itself.
  TypeId TypeOfValue(json::Value value) const;

 private:
  void CodingToken(json::Value coding, std::vector<storage::TokenValue>* out) const;
  Status IdentifierTokens(json::Value identifier, std::vector<storage::TokenValue>* out) const;
  std::optional<storage::DateValue> DateOf(json::MaybeValue value) const;
  void TimingDates(json::Value timing, std::vector<storage::DateValue>* out) const;
  void RangeQuantity(json::Value range, std::vector<ConvertedQuantity>* out) const;
  Status TextReference(std::string_view text, std::vector<storage::ReferenceValue>* out) const;

  const Typing& typing_;
  SearchCatalog& catalog_;
  const SearchOptions& options_;
  ValueBudget& budget_;
};

// The reference that `type`/`id` makes: to its document, or its text when there is none.
Result<storage::ReferenceValue> LocalReference(TypeId type, std::string_view id, SearchCatalog& catalog);

}  // namespace hilum::fhir
