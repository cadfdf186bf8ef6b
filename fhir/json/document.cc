#include "fhir/json/document.h"

#include <simdjson.h>

#include <algorithm>

#include "fhir/json/parser.h"

namespace hilum::fhir::json {
namespace {

Status Located(Bytes text, size_t offset, const std::string& reason) {
  const Position position = PositionAt(text, offset);
  return Invalid("line " + std::to_string(position.line) + ", column " + std::to_string(position.column) + ": " +
                 reason);
}

}  // namespace

Position PositionAt(Bytes text, size_t offset) {
  const Bytes before = text.substr(0, offset);
  const size_t newline = before.rfind('\n');
  const Bytes line = newline == before.npos ? before : before.substr(newline + 1);
  const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return {.line = 1 + static_cast<size_t>(std::ranges::count(before, '\n')),
          .column = 1 + static_cast<size_t>(std::ranges::count_if(line, starts_character))};
}

Result<Document> Document::Parse(std::string bytes, const Limits& limits) {
  if (bytes.size() > std::min<size_t>(limits.bytes, UINT32_MAX)) {
    return LimitExceeded("JSON of " + std::to_string(bytes.size()) + " bytes is larger than the limit of " +
                         std::to_string(limits.bytes));
  }
  if (bytes.starts_with("\xEF\xBB\xBF")) return Invalid("line 1, column 1: byte order mark; send UTF-8 without one");
  if (!simdjson::validate_utf8(bytes.data(), bytes.size())) return Located(bytes, FindInvalidUtf8(bytes), "not UTF-8");
  Document document;
  document.bytes_ = std::move(bytes);
  // FHIR JSON has a value about every 20 bytes; growing twice is cheaper than touching memory that is not needed.
  document.nodes_.reserve(document.bytes_.size() / 24 + 8);
  Parser parser(document.bytes_, limits, &document.nodes_, &document.decoded_);
  HILUM_RETURN_IF_ERROR(parser.Run());
  return document;
}

size_t Value::size() const {
  return static_cast<size_t>(std::distance(first(), last()));
}

Value Value::At(size_t place) const {
  Iterator at = first();
  while (place-- > 0) ++at;
  return *at;
}

MaybeValue Find(Value object, std::string_view key) {
  if (!object.is_object()) return {};
  for (const Value child : object.children()) {
    if (child.key() == key) return child;
  }
  return {};
}

MaybeValue FindChoice(Value object, std::string_view name) {
  if (!object.is_object()) return {};
  for (const Value child : object.children()) {
    if (child.key().starts_with(name)) return child;
  }
  return {};
}

MaybeValue MaybeValue::operator[](std::string_view key) const {
  return present_ ? Find(value_, key) : MaybeValue();
}

}  // namespace hilum::fhir::json
