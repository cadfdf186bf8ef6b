// A JSON text and where everything in it lies. One pass over the bytes checks the whole grammar and writes down a flat
// list of values with their byte ranges; nothing is converted, so decimals, order and white space survive and every
// value can be spliced (edits.h) or blamed by line and column.
//
// Refused, because two readers could understand it differently or because it only serves to hurt: a byte order mark,
// invalid UTF-8, lone surrogates, U+0000, repeated property names, escapes in property names, numbers of more than
// kMaxNumberSize characters, depth beyond Limits::depth.
//
// A Document is immutable once parsed: safe for concurrent reading. Values borrow from it.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace hilum::fhir::json {

enum class Kind : uint8_t { kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };

inline constexpr size_t kMaxNumberSize = 128;
inline constexpr size_t kMaxDepth = 64;

struct Limits {
  size_t depth = kMaxDepth;  // of arrays and objects; at most kMaxDepth
  size_t bytes = size_t{256} << 20;
  size_t string_bytes = size_t{64} << 20;
  size_t values = 16'000'000;
};

// 1-based; a column counts characters, not bytes.
struct Position {
  size_t line = 1;
  size_t column = 1;
};
Position PositionAt(Bytes text, size_t offset);

// A value and the end of what is below it: children follow their parent, so [index + 1, next) is the subtree.
struct Node {
  uint32_t begin;  // of the value in the text, with its quotes or brackets
  uint32_t end;
  uint32_t next;  // index of the next sibling
  uint32_t key;   // offset of the property name behind its quote; 0 in arrays
  uint32_t text;  // of a string with escapes: where its characters are in the decoded text
  uint32_t text_size;
  uint16_t key_size;
  Kind kind;
  bool escaped;
};

class Document;

// One value of a Document. Cheap to copy.
class Value {
 public:
  Value(const Document* document, uint32_t index) : document_(document), index_(index) {}

  Kind kind() const;
  bool is_object() const { return kind() == Kind::kObject; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_string() const { return kind() == Kind::kString; }

  // Position in Document::nodes().
  uint32_t index() const { return index_; }
  size_t begin() const;
  size_t end() const;
  // Exactly as written.
  Bytes raw() const;
  // Property name; empty for items of arrays and the root.
  std::string_view key() const;
  // Byte of the quote before the property name.
  size_t key_begin() const;
  // The characters of a string; the characters as written of a number or literal.
  std::string_view text() const;
  // Whether a string is written with escapes; without them it has no control characters.
  bool escaped() const { return node().escaped; }

  bool empty() const { return first() == last(); }
  size_t size() const;
  // Item or property value by place. REQUIRES: place < size(). Linear.
  Value At(size_t place) const;

  class Iterator {
   public:
    using value_type = Value;
    using difference_type = std::ptrdiff_t;
    Iterator(const Document* document, uint32_t index) : document_(document), index_(index) {}
    Value operator*() const { return {document_, index_}; }
    Iterator& operator++();
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const Document* document_;
    uint32_t index_;
  };
  struct Children {
    Iterator first, last;
    Iterator begin() const { return first; }
    Iterator end() const { return last; }
  };
  // Items of an array, property values of an object, nothing for others.
  Children children() const { return {first(), last()}; }

  const Document& document() const { return *document_; }

 private:
  const Node& node() const;
  Iterator first() const { return {document_, index_ + 1}; }
  Iterator last() const;

  const Document* document_;
  uint32_t index_;
};

// A Value or nothing; Find's answer, so that lookups can be chained.
class MaybeValue {
 public:
  MaybeValue() = default;
  MaybeValue(Value value) : value_(value), present_(true) {}  // NOLINT: implicit by design
  explicit operator bool() const { return present_; }
  const Value& operator*() const { return value_; }
  const Value* operator->() const { return &value_; }
  // The property of this name, nothing if this is nothing or no object.
  MaybeValue operator[](std::string_view key) const;
  // The characters of a string, else `otherwise`.
  std::string_view TextOr(std::string_view otherwise) const {
    return present_ && value_.is_string() ? value_.text() : otherwise;
  }

 private:
  Value value_{nullptr, 0};
  bool present_ = false;
};

// Linear in the number of properties.
MaybeValue Find(Value object, std::string_view key);
// The property of an element with a choice of types: "valueString" of value[x] for "value".
MaybeValue FindChoice(Value object, std::string_view name);

class Document {
 public:
  // Takes the bytes over. Errors: kInvalid "line 3, column 14: ..." or kLimit; never text of the document beyond
  // property names.
  static Result<Document> Parse(std::string bytes, const Limits& limits = {});

  Value root() const { return {this, 0}; }
  Bytes bytes() const { return bytes_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  std::string_view decoded() const { return decoded_; }

 private:
  Document() = default;

  std::string bytes_;
  std::string decoded_;  // strings with escapes, one after the other
  std::vector<Node> nodes_;
};

inline const Node& Value::node() const {
  return document_->nodes()[index_];
}
inline Kind Value::kind() const {
  return node().kind;
}
inline size_t Value::begin() const {
  return node().begin;
}
inline size_t Value::end() const {
  return node().end;
}
inline Bytes Value::raw() const {
  return document_->bytes().substr(node().begin, node().end - node().begin);
}
inline std::string_view Value::key() const {
  return document_->bytes().substr(node().key, node().key_size);
}
inline size_t Value::key_begin() const {
  return node().key - 1;
}
inline std::string_view Value::text() const {
  const Node& n = node();
  if (n.escaped) return document_->decoded().substr(n.text, n.text_size);
  const size_t quote = n.kind == Kind::kString ? 1 : 0;
  return document_->bytes().substr(n.begin + quote, n.end - n.begin - 2 * quote);
}
inline Value::Iterator Value::last() const {
  return {document_, node().next};
}
inline Value::Iterator& Value::Iterator::operator++() {
  index_ = document_->nodes()[index_].next;
  return *this;
}

}  // namespace hilum::fhir::json
