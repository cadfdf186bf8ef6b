// How much of a resource a client wants to see, and how links to pages of results are written. Internal to
// fhir/interactions. Pure, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fhir/interactions/interaction.h"
#include "fhir/json/document.h"
#include "fhir/store/reader.h"

namespace hilum::fhir {

// From _summary, _elements and _pretty. kInvalid for values they do not take.
Result<Shape> ShapeOf(const std::vector<Parameter>& parameters);
// kStored when nothing of what is derived (fhir/store/derived.h) would be left.
Form FormFor(const Shape& shape);
// Only the parts that `shape` asks for; `pretty` is left to the one who writes the whole answer.
Result<std::string> Subset(const std::string& bytes, const Shape& shape);
Result<std::string> Prettied(std::string bytes);

// What a Parameters resource says, each with the text of its value[x].
std::vector<Parameter> ParametersIn(json::Value resource);

// Value of the last parameter of this name; nullopt when there is none.
std::optional<std::string> ValueOf(const std::vector<Parameter>& parameters, std::string_view name);

// The resource types that all values of _type together name; empty when there is none. kInvalid for what is no type.
Result<std::vector<TypeId>> TypesNamed(const std::vector<Parameter>& parameters);

// The URL of the request with these parameters; a POST to _search as the GET that means the same.
std::string UrlWith(const Interaction& request, const std::vector<Parameter>& parameters);

// Of the texts a cursor must fit; the same in every process.
uint64_t Fingerprint(std::string_view text);

}  // namespace hilum::fhir
