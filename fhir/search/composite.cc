#include "fhir/search/composite.h"

#include <limits>

namespace hilum::fhir {
namespace {

// No code, system or reference of a valid resource begins so.
constexpr char kMark = '\x01';

}  // namespace

storage::TokenValue OfTypeToken(std::string_view type_system, std::string_view type_code, std::string_view value) {
  storage::TokenValue token;
  token.code.append(1, kMark).append(type_system).append("|").append(type_code).append("|").append(value);
  return token;
}

storage::ReferenceValue IdentifierReference(std::string_view system, std::string_view value) {
  storage::ReferenceValue reference;
  reference.text.append(1, kMark).append(system).append("|").append(value);
  return reference;
}

std::string CompositeKey(std::string_view system, std::string_view code) {
  std::string key(system);
  return key.append("|").append(code);
}

std::string CompositeText(std::string_view key, std::string_view text) {
  std::string out(key);
  return out.append("$").append(text);
}

std::string CompositeUnit(std::string_view system, std::string_view code) {
  return CompositeKey(system, code);
}

std::string CompositePlace(size_t place) {
  return "#" + std::to_string(place);
}

storage::NumberValue AsNumber(const storage::DateValue& date) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return {date.low == INT64_MIN ? -kInfinity : static_cast<double>(date.low),
          date.high == INT64_MAX ? kInfinity : static_cast<double>(date.high - 1)};
}

}  // namespace hilum::fhir
