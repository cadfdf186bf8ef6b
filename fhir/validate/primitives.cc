#include "fhir/validate/primitives.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/text.h"
#include "fhir/validate/date_time.h"

namespace hilum::fhir {
namespace {

// By byte. Ids stand in every reference.
constexpr std::array<bool, 256> kInIds = [] {
  std::array<bool, 256> in_ids{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-."))
    in_ids[static_cast<unsigned char>(c)] = true;
  return in_ids;
}();

bool IsSpace(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Without escapes there are no control characters, and a blank is the only white space.
bool HasNoSpace(json::Value value) {
  if (!value.escaped()) return value.text().find(' ') == std::string_view::npos;
  return std::ranges::none_of(value.text(), IsSpace);
}

// R4 2.24.0.1: no character below U+0020 but tab, carriage return and line feed. They can only come in as escapes.
bool IsString(json::Value value) {
  const auto forbidden = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n';
  };
  return !value.escaped() || std::ranges::none_of(value.text(), forbidden);
}

// Neither begins nor ends with white space, and single white space only in between.
bool IsCode(json::Value value) {
  const std::string_view text = value.text();
  if (HasNoSpace(value)) return !text.empty();
  bool space_before = true;
  for (const char c : text) {
    if (IsSpace(c) && space_before) return false;
    space_before = IsSpace(c);
  }
  return !space_before;
}

bool IsInteger(std::string_view text, int32_t least) {
  const std::optional<int32_t> value = ParseDecimal<int32_t>(text);
  return value && *value >= least;
}

bool IsOid(std::string_view text) {
  constexpr std::string_view kPrefix = "urn:oid:";
  if (!text.starts_with(kPrefix)) return false;
  text.remove_prefix(kPrefix.size());
  if (text.size() < 3 || text[0] < '0' || text[0] > '2') return false;
  text.remove_prefix(1);
  while (!text.empty()) {
    if (text[0] != '.') return false;
    text.remove_prefix(1);
    const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0 || (digits > 1 && text[0] == '0')) return false;
    text.remove_prefix(digits);
  }
  return true;
}

bool IsUuid(std::string_view text) {
  constexpr std::string_view kPattern = "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::ranges::equal(text, kPattern,
                            [](char c, char p) { return p == 'x' ? IsDigit(c) || (c >= 'a' && c <= 'f') : c == p; });
}

// Groups of four, white space between them.
bool IsBase64(std::string_view text) {
  size_t in_group = 0;
  for (const char c : text) {
    if (IsSpace(c)) {
      if (in_group != 0) return false;
      continue;
    }
    if (!IsAlphanumeric(c) && c != '+' && c != '/' && c != '=') return false;
    in_group = (in_group + 1) % 4;
  }
  return in_group == 0;
}

std::string_view Unless(bool good, std::string_view reason) {
  return good ? std::string_view() : reason;
}

std::string_view CheckText(Primitive type, json::Value value) {
  const std::string_view text = value.text();
  switch (type) {
    case Primitive::kString:
    case Primitive::kMarkdown:
      if (text.size() > kMaxStringSize) return "must not be longer than 1048576 characters";
      return Unless(IsString(value), "must not contain control characters");
    case Primitive::kCode:
      return Unless(IsCode(value), "must be a code: no white space at the ends, single spaces within");
    case Primitive::kId:
      return Unless(IsId(text), "must be an id: 1 to 64 letters, digits, '-' and '.'");
    case Primitive::kUri:
    case Primitive::kUrl:
    case Primitive::kCanonical:
      return Unless(HasNoSpace(value), "must be a URI without white space");
    case Primitive::kOid:
      return Unless(IsOid(text), "must be an OID as urn:oid:1.2.3");
    case Primitive::kUuid:
      return Unless(IsUuid(text), "must be a UUID as urn:uuid:... in lower case");
    case Primitive::kDate:
      return Unless(ParseDateTime(text, DateTimeForm::kDate).has_value(),
                    "must be a date: YYYY, YYYY-MM or YYYY-MM-DD");
    case Primitive::kDateTime:
      return Unless(ParseDateTime(text, DateTimeForm::kDateTime).has_value(),
                    "must be a dateTime: a date, or YYYY-MM-DDThh:mm:ss with a zone (Z or +hh:mm)");
    case Primitive::kInstant:
      return Unless(ParseDateTime(text, DateTimeForm::kInstant).has_value(),
                    "must be an instant: YYYY-MM-DDThh:mm:ss with a zone (Z or +hh:mm)");
    case Primitive::kTime:
      return Unless(IsTime(text), "must be a time: hh:mm:ss");
    case Primitive::kBase64Binary:
      return Unless(IsBase64(text), "must be base64 in groups of four");
    default:
      return {};
  }
}

std::string_view CheckNumber(Primitive type, std::string_view text) {
  switch (type) {
    case Primitive::kInteger:
      return Unless(IsInteger(text, INT32_MIN), "must be a whole number of 32 bits");
    case Primitive::kUnsignedInt:
      return Unless(IsInteger(text, 0), "must be a whole number from 0 to 2147483647");
    case Primitive::kPositiveInt:
      return Unless(IsInteger(text, 1), "must be a whole number from 1 to 2147483647");
    default:
      return {};
  }
}

}  // namespace

bool IsId(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text != "." && text != ".." &&
         std::ranges::all_of(text, [](char c) { return kInIds[static_cast<unsigned char>(c)]; });
}

std::string_view CheckPrimitive(Primitive type, json::Value value) {
  switch (type) {
    case Primitive::kNone:
      return {};
    case Primitive::kBoolean:
      return Unless(value.kind() == json::Kind::kTrue || value.kind() == json::Kind::kFalse, "must be true or false");
    case Primitive::kInteger:
    case Primitive::kUnsignedInt:
    case Primitive::kPositiveInt:
    case Primitive::kDecimal:
      if (value.kind() != json::Kind::kNumber) return "must be a JSON number";
      return CheckNumber(type, value.text());
    default:
      if (!value.is_string()) return "must be a JSON string";
      if (value.text().empty()) return "must not be empty";
      return CheckText(type, value);
  }
}

}  // namespace hilum::fhir
