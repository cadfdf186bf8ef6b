// The CapabilityStatement (R4 http 3.1.0.11): from the definitions, so that it names every type and parameter there is.
#include <algorithm>

#include "base/json_text.h"
#include "base/text.h"
#include "fhir/interactions/interactions.h"
#include "fhir/json/edits.h"

namespace hilum::fhir {
namespace {

std::string_view SearchTypeCode(SearchType type) {
  switch (type) {
    case SearchType::kNumber:
      return "number";
    case SearchType::kDate:
      return "date";
    case SearchType::kString:
      return "string";
    case SearchType::kToken:
      return "token";
    case SearchType::kReference:
      return "reference";
    case SearchType::kComposite:
      return "composite";
    case SearchType::kQuantity:
      return "quantity";
    case SearchType::kUri:
      return "uri";
    case SearchType::kSpecial:
      return "special";
  }
  return "special";
}

// "[a,b,c]" of JSON texts.
template <typename Items, typename Write>
void AppendList(const Items& items, std::string* out, const Write& write) {
  out->push_back('[');
  bool first = true;
  for (const auto& item : items) {
    const size_t begin = out->size();
    if (!first) out->push_back(',');
    const size_t behind_comma = out->size();
    write(item);
    if (out->size() == behind_comma) {
      out->resize(begin);
    } else {
      first = false;
    }
  }
  out->push_back(']');
}

bool IsSearchable(const SearchParam& param) {
  return param.field != kNoField || param.groups.count > 0 || param.code == "_id";
}

// Includes go by it.
bool IsFollowed(const SearchParam& param) {
  return param.type == SearchType::kReference && param.field != kNoField && !IsByCanonical(param);
}

bool MayReferTo(const SearchParam& param, TypeId type) {
  const auto targets = TypeList(param.targets);
  if (param.only != kNoType) return param.only == type;
  return targets.empty() || std::ranges::find(targets, type) != targets.end();
}

using Codes = std::initializer_list<std::string_view>;

void AppendInteractions(const Codes& codes, std::string* out) {
  out->append(",\"interaction\":");
  AppendList(codes, out, [&](std::string_view code) { out->append("{\"code\":\"").append(code).append("\"}"); });
}

// "Type:parameter" of every reference parameter.
void AppendIncludes(TypeId type, std::string* out) {
  out->append(",\"searchInclude\":[\"*\"");
  const std::string name(TypeOf(type).name);
  for (const SearchParam& param : SearchParamsOf(type)) {
    if (!IsFollowed(param)) continue;
    out->append(",").append(json::Quoted(name + ":" + std::string(param.code)));
  }
  out->append("],\"searchRevInclude\":[\"*\"");
  for (const TypeId source : ResourceTypes()) {
    for (const SearchParam& param : SearchParamsOf(source)) {
      if (!IsFollowed(param) || !MayReferTo(param, type)) continue;
      out->append(",").append(json::Quoted(std::string(TypeOf(source).name) + ":" + std::string(param.code)));
    }
  }
  out->push_back(']');
}

// The operations of Interactions and the type they are for; an empty one is for all.
struct Offered {
  std::string_view name;
  std::string_view type;
  std::string_view definition;
};
constexpr Offered kOffered[] = {
    {"cohort", "Group", "urn:hilum:operation:cohort"},
    {"cohort-list", "Group", "urn:hilum:operation:cohort-list"},
    {"conflicts", "ImagingStudy", "urn:hilum:operation:conflicts"},
    {"everything", "Patient", "http://hl7.org/fhir/OperationDefinition/Patient-everything"},
    {"meta", "", "http://hl7.org/fhir/OperationDefinition/Resource-meta"},
    {"meta-add", "", "http://hl7.org/fhir/OperationDefinition/Resource-meta-add"},
    {"meta-delete", "", "http://hl7.org/fhir/OperationDefinition/Resource-meta-delete"},
};

void AppendOperations(TypeId type, std::string* out) {
  out->append(",\"operation\":");
  AppendList(kOffered, out, [&](const Offered& offered) {
    if (!offered.type.empty() && offered.type != TypeOf(type).name) return;
    out->append("{\"name\":\"").append(offered.name).append("\",\"definition\":\"");
    out->append(offered.definition).append("\"}");
  });
}

void AppendType(TypeId type, bool enforced, std::string* out) {
  const std::string name(TypeOf(type).name);
  out->append("{\"type\":\"").append(name);
  out->append("\",\"profile\":\"http://hl7.org/fhir/StructureDefinition/").append(name).append("\"");
  AppendInteractions(
      {"read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type"}, out);
  out->append(R"(,"versioning":"versioned","readHistory":true,"updateCreate":true,"conditionalCreate":true,)"
              R"("conditionalRead":"full-support","conditionalUpdate":true,"conditionalDelete":"multiple",)"
              R"("referencePolicy":["literal","logical","local")");
  out->append(enforced ? ",\"enforced\"]" : "]");
  AppendIncludes(type, out);
  out->append(",\"searchParam\":");
  AppendList(SearchParamsOf(type), out, [&](const SearchParam& param) {
    if (!IsSearchable(param)) return;
    out->append("{\"name\":").append(json::Quoted(param.code)).append(",\"definition\":");
    out->append(json::Quoted(param.url));
    out->append(",\"type\":\"").append(SearchTypeCode(param.type)).append("\"}");
  });
  out->insert(out->size() - 1, R"(,{"name":"_list","type":"special"})");  // which no definition has
  AppendOperations(type, out);
  out->push_back('}');
}

// `enforced`: references lead somewhere, always.
std::string RestText(bool enforced) {
  std::string out = R"([{"mode":"server","resource":)";
  AppendList(ResourceTypes(), &out, [&](TypeId type) { AppendType(type, enforced, &out); });
  AppendInteractions({"transaction", "batch", "search-system", "history-system"}, &out);
  out.append(R"(,"operation":[{"name":"meta","definition":"http://hl7.org/fhir/OperationDefinition/Resource-meta"}])");
  out.append(",\"compartment\":");
  AppendList(Compartments(), &out, [&](const Compartment& compartment) {
    out.append("\"http://hl7.org/fhir/CompartmentDefinition/");
    out.append(Lower(TypeOf(compartment.resource).name)).append("\"");
  });
  return out + "}]";
}

// Parameters that no definition has, in front of those of their type.
void AddCustomParams(TypeId type, const SearchCatalog& catalog, std::string* rest) {
  constexpr std::string_view kList = "\"searchParam\":[";
  const size_t resource = rest->find("{\"type\":\"" + std::string(TypeOf(type).name) + "\"");
  const size_t list = resource == rest->npos ? resource : rest->find(kList, resource);
  if (list == rest->npos) return;
  std::string params;
  for (const CustomParam& param : catalog.CustomParams(type)) {
    params.append("{\"name\":").append(json::Quoted(param.name)).append(",\"type\":\"");
    params.append(SearchTypeCode(param.type)).append("\",\"documentation\":");
    params.append(json::Quoted(param.description)).append("},");
  }
  rest->insert(list + kList.size(), params);
}

}  // namespace

Answer Interactions::Capabilities(const Interaction& request) {
  // The same for all requests, and large.
  static const std::string open = RestText(false);
  static const std::string enforced = RestText(true);
  std::string rest = store_.options().references == ReferencePolicy::kEnforce ? enforced : open;
  AddCustomParams(store_.schema().imaging_study(), *store_.Read(), &rest);
  std::string text = R"({"resourceType":"CapabilityStatement","status":"active","date":")";
  text.append(Instant(started_micros_ / 1000 * 1000));
  text.append(R"(","kind":"instance","software":{"name":"Hilum","version":)");
  AppendJsonString(options_.software_version.empty() ? "unreleased" : options_.software_version, &text);
  text.append(R"(},"implementation":{"description":"Hilum, a DICOMweb and FHIR repository","url":)");
  AppendJsonString(request.base_url, &text);
  text.append("},\"fhirVersion\":\"").append(FhirVersion());
  text.append(R"(","format":["json","application/fhir+json"],"patchFormat":["application/json-patch+json"],"rest":)");
  text.append(rest).append("}");
  auto body = Shaped(text, request);
  return body.ok() ? Answer{.body = *std::move(body)} : ErrorAnswer(body.status());
}

}  // namespace hilum::fhir
