// What the index knows of a document: typed values of fields. Plain data; the codecs and FHIR extraction fill it, QIDO
// and FHIR search ask for it.
//
// A *collection* (DICOM studies, series, instances; each FHIR resource type) numbers its documents densely from 0 (Doc,
// stable over versions). A *field* is one searchable property of a collection and has one kind. Collection and field
// numbers are on disk: owners assign them once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace hilum::storage {

using Doc = uint32_t;

enum class CollectionId : uint16_t {};
enum class FieldId : uint16_t {};

// Numbers are on disk.
enum class FieldKind : uint8_t {
  kToken = 1,
  kString = 2,
  kDate = 3,
  kNumber = 4,
  kQuantity = 5,
  kReference = 6,
  kUri = 7
};

// A code in a system; `system` may be empty. DICOM identifiers, code strings and UIDs are tokens without a system.
// Compared by byte; what should match without case is folded by the caller.
struct TokenValue {
  std::string system;
  std::string code;
  bool operator==(const TokenValue&) const = default;
};

// Text as people wrote it. The index folds case, accents and width (ICU) for matching and keeps the original for exact
// matches and for sorting ties.
struct StringValue {
  std::string text;
  bool operator==(const StringValue&) const = default;
};

// [low, high) in microseconds since 1970 UTC; a day is a range of 86,400 s. INT64_MIN and INT64_MAX mean open.
struct DateValue {
  int64_t low = 0;
  int64_t high = 0;
  bool operator==(const DateValue&) const = default;
};

// [low, high] as the stated precision implies; low == high for an exact number.
struct NumberValue {
  double low = 0;
  double high = 0;
  bool operator==(const NumberValue&) const = default;
};

// A number in a canonical unit (the caller canonicalises), plus the unit as written, so that both can be asked for.
struct QuantityValue {
  double low = 0;
  double high = 0;
  std::string system;
  std::string code;
  bool operator==(const QuantityValue&) const = default;
};

// A document of some collection, or (no target) whatever text the reference was.
struct ReferenceValue {
  struct Target {
    CollectionId collection;
    Doc doc;
    bool operator==(const Target&) const = default;
  };
  std::optional<Target> target;
  std::string text;
  bool operator==(const ReferenceValue&) const = default;
};

struct UriValue {
  std::string uri;
  bool operator==(const UriValue&) const = default;
};

using IndexValue =
    std::variant<TokenValue, StringValue, DateValue, NumberValue, QuantityValue, ReferenceValue, UriValue>;

// All index values of one version of one document. Several values of one field are allowed.
struct DocumentValues {
  struct Entry {
    FieldId field;
    IndexValue value;
    bool operator==(const Entry&) const = default;
  };
  std::vector<Entry> entries;

  void Add(FieldId field, IndexValue value) { entries.push_back({field, std::move(value)}); }
};

}  // namespace hilum::storage
