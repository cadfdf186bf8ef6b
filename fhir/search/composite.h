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

// The first component of a composite, which is a token or a text, as the `system` of the others. kAnySystem for queries
// that name none: values are written with both.
std::string CompositeKey(std::string_view system, std::string_view code);
inline constexpr std::string_view kAnySystem = "*";

}  // namespace hilum::fhir
