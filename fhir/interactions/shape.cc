#include "fhir/interactions/shape.h"

#include <algorithm>

#include "base/hex.h"
#include "base/text.h"
#include "fhir/interactions/interactions.h"
#include "fhir/store/derived.h"

namespace hilum::fhir {
namespace {

void AppendSegment(std::string_view segment, std::string* url) {
  for (const char c : segment) {
    const bool plain = IsAlphanumeric(c) || std::string_view("-._~$*").find(c) != std::string_view::npos;
    if (plain)
      url->push_back(c);
    else
      AppendPercentEncoded(c, url);
  }
}

}  // namespace

Result<Shape> ShapeOf(const std::vector<Parameter>& parameters) {
  Shape shape;
  for (const Parameter& parameter : parameters) HILUM_RETURN_IF_ERROR(AddToShape(parameter, &shape));
  return shape;
}

Form FormFor(const Shape& shape) {
  if (shape.summary) return *shape.summary == json::Summary::kText ? Form::kStored : Form::kWhole;
  const bool wanted = shape.elements.empty() || shape.elements.contains(kDerivedElement);
  return wanted ? Form::kWhole : Form::kStored;
}

Result<std::string> Subset(const std::string& bytes, const Shape& shape) {
  if (!shape.subset()) return bytes;
  HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(bytes));
  if (shape.summary) return json::Summarize(document.root(), *shape.summary);
  return json::SelectElements(document.root(), {shape.elements.begin(), shape.elements.end()});
}

Result<std::string> Prettied(std::string bytes) {
  HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(std::move(bytes)));
  return json::Pretty(document.root());
}

Result<std::string> Shaped(const std::string& bytes, const Interaction& request) {
  HILUM_ASSIGN_OR_RETURN(const Shape shape, ShapeOf(request.query));
  HILUM_ASSIGN_OR_RETURN(std::string subset, Subset(bytes, shape));
  if (!shape.pretty) return subset;
  return Prettied(std::move(subset));
}

Result<std::vector<TypeId>> TypesNamed(const std::vector<Parameter>& parameters) {
  std::vector<TypeId> types;
  for (const Parameter& parameter : parameters) {
    if (parameter.name != "_type") continue;
    std::string_view names = parameter.value;
    while (!names.empty()) {
      const std::string_view name = names.substr(0, names.find(','));
      names.remove_prefix(std::min(name.size() + 1, names.size()));
      const auto type = FindResourceType(name);
      if (!type) return Invalid("_type takes names of resource types, separated by commas");
      types.push_back(*type);
    }
  }
  return types;
}

std::vector<Parameter> ParametersIn(json::Value resource) {
  std::vector<Parameter> parameters;
  const json::MaybeValue list = json::Find(resource, "parameter");
  if (!list) return parameters;
  for (const json::Value item : list->children()) {
    Parameter parameter{.name = std::string(json::Find(item, "name").TextOr(""))};
    if (const json::MaybeValue value = json::FindChoice(item, "value")) parameter.value = value->text();
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

std::optional<std::string> ValueOf(const std::vector<Parameter>& parameters, std::string_view name) {
  std::optional<std::string> value;
  for (const Parameter& parameter : parameters) {
    if (parameter.name == name) value = parameter.value;
  }
  return value;
}

std::string UrlWith(const Interaction& request, const std::vector<Parameter>& parameters) {
  std::string url = request.base_url;
  for (const std::string& segment : request.path) {
    if (segment == "_search" && &segment == &request.path.back()) break;
    url.push_back('/');
    AppendSegment(segment, &url);
  }
  if (!parameters.empty()) url.append("?").append(JoinQuery(parameters));
  return url;
}

// FNV-1a.
uint64_t Fingerprint(std::string_view text) {
  uint64_t hash = 14695981039346656037ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return hash;
}

}  // namespace hilum::fhir
