// The search parameter values of a resource, as the index takes them. Pure but for the catalogue; thread-safe with one
// catalogue for each thread.
#pragma once

#include <string_view>
#include <vector>

#include "fhir/json/document.h"
#include "fhir/search/catalog.h"
#include "fhir/validate/validate.h"

namespace hilum::fhir {

// How values are made of resources. Grows when that changes in a way that needs other values of what is stored:
//   1  a Timing lasts from the first to the last of its events and bounds; before, bounds counted without events only
inline constexpr int kIndexRules = 1;

struct SearchOptions {
  int default_offset_minutes = 0;  // zone of dates without one
  std::string_view base_url;       // absolute references below it are local; without a slash at the end
  std::string_view request_base;   // likewise, what the client calls us: below it values of searches are local
  int index_rules = kIndexRules;   // those of what is stored
  int64_t now = 0;                 // microseconds since 1970 UTC, for the prefix ap
  size_t max_parameters = 10'000;
  size_t max_depth = 16;       // of chains and _has
  size_t max_steps = 100'000;  // of compiling one search (Compiler::Spend)
  // What is left for this search and others of the same request together; nullptr: max_steps alone bounds it. Not
  // owned.
  size_t* steps_left = nullptr;
};

// All values of all search parameters. REQUIRES: `typing` is of a validation without errors of the resource or of what
// it lies in.
//
// How values are written down, so that queries (query.h) find them:
// - token: code and system; a code element has the system of its required binding; an Identifier with a type also as
//   OfTypeToken.
// - reference: by document when local and known, else "Type/id" or the text as it is; an identifier also as
//   IdentifierReference.
// - quantity: in canonical UCUM units, and as written (values without a UCUM unit only there), and by the unit for
//   people when that is another one.
// - composite, of repeating elements: one value for each combination, see composite.h.
//
// kLimit when combinations come to far more than the resource itself (ValueBudget).
Result<storage::DocumentValues> Extract(json::Value resource, const Typing& typing, SearchCatalog& catalog,
                                        const SearchOptions& options);

// A reference and where its text is, to be rewritten with json::Edits: [begin, end) includes the quotes.
struct ReferenceSite {
  size_t begin = 0;
  size_t end = 0;
  std::string_view text;   // borrows from the document
  bool element = false;    // a Reference.reference
  bool narrative = false;  // `text` is a Narrative.div, whose links are the references
};
// Every reference in the resource, contained ones included, in order of the text. Also what a transaction rewrites too
// (R4 3.1.0.11.2): urn: texts in uri and url elements, but not Identifier.value or Bundle.entry.fullUrl; and narratives
// with links. Not in oid and uuid elements, which cannot hold what the text would become.
std::vector<ReferenceSite> ReferencesIn(json::Value resource, const Typing& typing);

}  // namespace hilum::fhir
