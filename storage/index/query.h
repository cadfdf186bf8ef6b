// A search as a tree over one collection. Plain data, built by the grammars (QIDO, FHIR search), evaluated by index.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "storage/index/values.h"

namespace hilum::storage {

// FHIR search prefixes on ranges (R4 search 3.1.1.4.4-6): `value` is the document's [low, high), `asked` the query's.
enum class Comparison : uint8_t {
  kEqual,         // value lies within asked
  kNotEqual,      // not kEqual
  kGreater,       // value reaches above asked
  kLess,          // value reaches below asked
  kGreaterEqual,  // value reaches asked's begin or above it: kGreater, kEqual and what is partly inside
  kLessEqual,     // value begins below asked's end: kLess, kEqual and what is partly inside
  kStartsAfter,   // value begins at or after asked's end
  kEndsBefore,    // value ends at or before asked's begin
  kOverlaps,      // value and asked share a point
};

struct Query;
using QueryPtr = std::unique_ptr<Query>;

// A document matches a leaf when any of its values of the field does.
struct TokenIs {  // R4 token: code | system|code | |code | system|
  FieldId field;
  std::optional<std::string> system;  // nullopt: any
  std::optional<std::string> code;    // nullopt: any
};
struct TokenPattern {  // DICOM wildcard on the code: '*' any run, '?' any one character; `fold` ignores case and
                       // accents, and looks at every code
  FieldId field;
  std::string pattern;
  bool fold = false;
};
struct StringMatch {
  FieldId field;
  enum class How : uint8_t {
    kPrefix,
    kExact,
    kContains,
    kEqualsFolded,
    kPattern /* DICOM wildcard, folded */,
    kWordPrefix /* any word, or part of one, begins so, folded (WordsAndParts of text.h) */,
    kSoundsLike /* any of these has the same Soundex code (soundex.h); none has where the text has no code */
  } how;
  std::string text;
};
struct DateMatch {
  FieldId field;
  Comparison comparison;
  DateValue asked;
};
struct NumberMatch {
  FieldId field;
  Comparison comparison;
  NumberValue asked;
};
struct QuantityMatch {
  FieldId field;
  Comparison comparison;
  NumberValue asked;
  std::optional<std::string> system;
  std::optional<std::string> code;
};
struct ReferenceIs {
  FieldId field;
  ReferenceValue value;  // compared by target when it has one, else by text with values that have no target
};
struct UriMatch {
  FieldId field;
  // kBelow: starts with the one asked for. kAbove: the one asked for starts with it, and goes on after a '/' or with
  // '/', '?', '#' or '|'.
  enum class How : uint8_t { kExact, kBelow, kAbove } how;
  std::string uri;
};
// Documents whose reference `field` points at a document of `target` that matches `query` (a chain).
struct RefersTo {
  FieldId field;
  CollectionId target;
  QueryPtr query;
};
// Documents that a matching document of `source` points at by its reference `field` (_has).
struct ReferredToBy {
  CollectionId source;
  FieldId field;
  QueryPtr query;
};
struct Present {  // has any value of the field
  FieldId field;
  std::optional<CollectionId> target;  // of references: one that leads there, whether what is there lives or not
};
struct DocsIn {  // exactly these
  std::vector<Doc> docs;
};
struct All {};
struct And {
  std::vector<Query> parts;
};
struct Or {
  std::vector<Query> parts;
};
struct Not {
  QueryPtr part;
};

struct Query {
  std::variant<All, And, Or, Not, TokenIs, TokenPattern, StringMatch, DateMatch, NumberMatch, QuantityMatch,
               ReferenceIs, UriMatch, RefersTo, ReferredToBy, Present, DocsIn>
      node;
};

template <typename Node>
Query MakeQuery(Node node) {
  return Query{std::move(node)};
}
template <typename Node>
QueryPtr MakeQueryPtr(Node node) {
  return std::make_unique<Query>(Query{std::move(node)});
}

}  // namespace hilum::storage
