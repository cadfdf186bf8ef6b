#include "fhir/search/extract.h"

#include "fhir/search/extractor.h"

namespace hilum::fhir {
namespace {

const PropertyId kReferenceText = FindProperty(*FindType("Reference"), "reference");
const PropertyId kIdentifierValue = FindProperty(*FindType("Identifier"), "value");
const PropertyId kIdentifierSystem = FindProperty(*FindType("Identifier"), "system");
const PropertyId kFullUrl = FindProperty(*FindType("Bundle.entry"), "fullUrl");

bool HasLinks(std::string_view narrative) {
  return narrative.find("href") != narrative.npos || narrative.find("src") != narrative.npos;
}

// nullopt when the value is none.
std::optional<ReferenceSite> SiteOf(PropertyId property, json::Value value) {
  ReferenceSite site{.begin = value.begin(), .end = value.end(), .text = value.text()};
  if (property == kReferenceText) {
    site.element = true;
    return site;
  }
  if (property == kNoProperty || property == kIdentifierValue || property == kIdentifierSystem ||
      property == kFullUrl || !value.is_string()) {
    return std::nullopt;
  }
  const Primitive primitive = TypeOf(PropertyOf(property).type).primitive;
  if (primitive == Primitive::kXhtml && HasLinks(value.text())) {
    site.narrative = true;
    return site;
  }
  const bool uri = primitive == Primitive::kUri || primitive == Primitive::kUrl;
  const bool urn = uri && (value.text().starts_with("urn:uuid:") || value.text().starts_with("urn:oid:"));
  return urn ? std::optional(site) : std::nullopt;
}

}  // namespace

Result<storage::DocumentValues> Extract(json::Value resource, const Typing& typing, SearchCatalog& catalog,
                                        const SearchOptions& options) {
  const auto type = ResourceTypeOf(resource);
  if (!type) return Invalid("resourceType is no resource type of R4");
  return Extractor(resource, *type, typing, catalog, options).Run();
}

std::vector<ReferenceSite> ReferencesIn(json::Value resource, const Typing& typing) {
  std::vector<ReferenceSite> sites;
  const auto& nodes = resource.document().nodes();
  for (uint32_t i = resource.index(); i < nodes[resource.index()].next; ++i) {
    const json::Value value(&resource.document(), i);
    if (const auto site = SiteOf(typing[i], value)) sites.push_back(*site);
  }
  return sites;
}

}  // namespace hilum::fhir
