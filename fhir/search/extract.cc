#include "fhir/search/extract.h"

#include "fhir/search/extractor.h"

namespace hilum::fhir {
namespace {

const PropertyId kReferenceText = FindProperty(*FindType("Reference"), "reference");
const PropertyId kIdentifierValue = FindProperty(*FindType("Identifier"), "value");
const PropertyId kIdentifierSystem = FindProperty(*FindType("Identifier"), "system");
const PropertyId kFullUrl = FindProperty(*FindType("Bundle.entry"), "fullUrl");

bool IsUriLike(TypeId type) {
  const Primitive primitive = TypeOf(type).primitive;
  return primitive == Primitive::kUri || primitive == Primitive::kUrl || primitive == Primitive::kCanonical;
}

bool IsReferenceSite(PropertyId property, json::Value value) {
  if (property == kReferenceText) return true;
  if (property == kNoProperty || property == kIdentifierValue || property == kIdentifierSystem || property == kFullUrl)
    return false;
  return value.is_string() && IsUriLike(PropertyOf(property).type) && value.text().starts_with("urn:uuid:");
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
    if (IsReferenceSite(typing[i], value)) sites.push_back({value.begin(), value.end(), value.text()});
  }
  return sites;
}

}  // namespace hilum::fhir
