// A light check of Narrative.div (R4 2.4.0): one well-formed <div>, no document type, no processing instruction,
// nothing that runs or loads: only the elements that the specification allows, no event handlers, no script URLs. Pure,
// thread-safe; bounded depth.
#pragma once

#include <string_view>
#include <vector>

namespace hilum::fhir {

// Why `text` is refused, as a phrase; empty when it is fine.
std::string_view CheckXhtml(std::string_view text);

// What its `href` and `src` attributes say, in order, as views into it. REQUIRES: CheckXhtml finds it fine.
std::vector<std::string_view> LinksInXhtml(std::string_view text);

}  // namespace hilum::fhir
