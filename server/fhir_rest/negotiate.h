// What a client sends and what it wants back (R4 http.html#mime-type, #parameters, #ops): media types, `_format` and
// `Prefer`. Lenient where real clients are sloppy. Pure functions, thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fhir/interactions/interaction.h"
#include "server/http/http.h"

namespace hilum::fhir_rest {

inline constexpr std::string_view kFhirJson = "application/fhir+json; charset=utf-8";

// OK when the client takes FHIR R4 as JSON, by `_format` or else by Accept; kUnsupported says what it can have.
Status CheckWantsJson(const http::Request& request, const std::vector<fhir::Parameter>& query);

// Of the formats that lists have, `_format` by the Accept of a client that did not give one: adds it to the query.
void AddListFormat(const http::Request& request, std::vector<fhir::Parameter>* query);

// Whether the client asks for FHIR by name, in `_format` or Accept, in whatever format; it may take anything besides.
bool AsksForFhir(const http::Request& request, const std::vector<fhir::Parameter>& query);
// Whether a Content-Type is one of FHIR, or of JSON, which FHIR goes by too.
bool NamesFhir(std::string_view content_type);

// What the body of a request may be.
enum class BodyKind : uint8_t { kResource, kJsonPatch, kForm };
// kUnsupported for a body of another media type, charset or FHIR version. Where none is named it is taken for what is
// expected.
Status CheckContentType(const http::Request& request, BodyKind expected);

// Sets what Prefer asks for (RFC 7240); unknown preferences are ignored, as is their right. Whether the answer may come
// later (respond-async).
bool ReadPreferences(const http::Request& request, fhir::Interaction* interaction);

}  // namespace hilum::fhir_rest
