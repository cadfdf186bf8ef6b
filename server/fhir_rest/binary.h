// Binary by itself (R4 binary.html#rest): its content instead of a resource about it, unless a client asks for FHIR.
// Pure functions.
#pragma once

#include <string>

#include "fhir/interactions/interaction.h"
#include "server/http/http.h"

namespace hilum::fhir_rest {

// Who may see the Binary goes by those who may see this resource.
inline constexpr std::string_view kSecurityContext = "X-Security-Context";

// The content is another representation of a version than the resource: its entity tags say so, W/"3-content" (RFC 9110
// 8.8.3). Makes of those in the conditions of a request about a Binary the tags of versions, leaving out those that are
// of the other representation when one is read.
void TakeContentTags(bool wants_content, fhir::Interaction* interaction);

// Whether the request reads a Binary, or a version of one, as what it is.
bool WantsContent(const http::Request& request, const fhir::Interaction& interaction);
// What the Binary in `answer` holds, in its own type; 406 when the client does not take that. Other answers stay, but
// for the tag of a 304.
fhir::Answer ContentOf(const http::Request& request, fhir::Answer answer);

// Whether the body of the request is what a Binary is to hold.
bool BringsContent(const http::Request& request, const fhir::Interaction& interaction);
// The Binary that holds `body`. kUnsupported for a Content-Type that is no media type, and for a Content-Encoding.
Result<std::string> BinaryOf(const http::Request& request, const fhir::Interaction& interaction,
                             const std::string& body);

}  // namespace hilum::fhir_rest
