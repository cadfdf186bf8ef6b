// How the index holds values that are not one of its kinds. Extraction writes and queries ask by the same functions.
#pragma once

#include <string>
#include <string_view>

#include "storage/index/values.h"

namespace hilum::fhir {

// Identifier.type and value, for token:of-type=system|code|value.
storage::TokenValue OfTypeToken(std::string_view type_system, std::string_view type_code, std::string_view value);
// Reference.identifier, for reference:identifier=system|value.
storage::ReferenceValue IdentifierReference(std::string_view system, std::string_view value);

// A composite is held by the kind of its last component: tokens as {key, code}, texts and references as "key$text",
// numbers, dates and quantities as quantities whose `system` is the key. The key is the first component, a token.
inline constexpr std::string_view kAnySystem =
    "*";  // for queries that name no system: every value is written with both
inline constexpr std::string_view kCanonicalUnits = "ucum";  // the `system` of quantities in base units
std::string CompositeKey(std::string_view system, std::string_view code);
std::string CompositeText(std::string_view key, std::string_view text);
// The `code` of a quantity: of its unit, or of a number or date at this place of the composite.
std::string CompositeUnit(std::string_view system, std::string_view code);
std::string CompositePlace(size_t place);
// Microseconds in a double: exact from 1684 to 2255.
storage::NumberValue AsNumber(const storage::DateValue& date);

}  // namespace hilum::fhir
