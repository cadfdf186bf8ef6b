#include "fhir/json/subset.h"

#include <algorithm>
#include <functional>

#include "fhir/definitions/definitions.h"

namespace hilum::fhir::json {
namespace {

constexpr std::string_view kSystem = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
constexpr std::string_view kCode = "SUBSETTED";
constexpr std::string_view kSubsetted =
    R"({"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"})";

// `depth` counts from the properties of the resource, which are 0.
using Keep = std::function<bool(const Element& element, size_t depth)>;

std::string_view PlainName(std::string_view key) {
  return key.starts_with('_') ? key.substr(1) : key;
}

// Copies what Keep keeps; goes into backbone elements, whose rows have flags of their own, and copies data types whole.
class Copier {
 public:
  Copier(Keep keep, std::string* out) : keep_(std::move(keep)), out_(out) {}

  void CopyResource(Value resource, TypeId type) {
    // Meta is written where it stands; a resource without one gets it behind its type.
    const bool has_meta = static_cast<bool>(Find(resource, "meta"));
    CopyObject(resource, type, 0, [&](Value property) {
      if (property.key() == "meta") {
        CopyMeta(property);
        return true;
      }
      if (property.key() != "resourceType" || has_meta) return false;
      out_->append(property.raw()).append(",\"meta\":{\"tag\":[").append(kSubsetted).append("]}");
      return true;
    });
  }

 private:
  void CopyMeta(Value meta) {
    const MaybeValue tags = Find(meta, "tag");
    out_->append("{\"tag\":[").append(kSubsetted);
    if (tags) {
      for (const Value tag : tags->children()) out_->append(",").append(tag.raw());
    }
    out_->push_back(']');
    for (const Value property : meta.children()) {
      if (property.key() == "tag") continue;
      out_->push_back(',');
      AppendKey(property);
      out_->append(property.raw());
    }
    out_->push_back('}');
  }

  void AppendKey(Value property) { out_->append("\"").append(property.key()).append("\":"); }

  void CopyObject(Value object, TypeId type, size_t depth, const std::function<bool(Value)>& special) {
    out_->push_back('{');
    bool first = true;
    for (const Value property : object.children()) {
      const PropertyId id = FindProperty(type, PlainName(property.key()));
      if (id != kNoProperty ? !keep_(ElementOf(PropertyOf(id).element), depth) : property.key() != "resourceType")
        continue;
      if (!first) out_->push_back(',');
      first = false;
      AppendKey(property);
      if (special(property)) continue;
      if (id == kNoProperty) {
        out_->append(property.raw());
      } else {
        CopyValue(property, PropertyOf(id).type, depth + 1);
      }
    }
    out_->push_back('}');
  }

  void CopyValue(Value value, TypeId type, size_t depth) {
    if (TypeOf(type).kind != TypeKind::kBackbone) {
      out_->append(value.raw());
    } else if (value.is_object()) {
      CopyObject(value, type, depth, [](Value) { return false; });
    } else {
      out_->push_back('[');
      bool first = true;
      for (const Value item : value.children()) {
        if (!first) out_->push_back(',');
        first = false;
        CopyValue(item, type, depth);
      }
      out_->push_back(']');
    }
  }

  const Keep keep_;
  std::string* const out_;
};

std::string Subset(Value resource, Keep keep) {
  const auto type = FindResourceType(Find(resource, "resourceType").TextOr(""));
  if (!type) return std::string(resource.raw());
  std::string out;
  Copier(std::move(keep), &out).CopyResource(resource, *type);
  return out;
}

bool IsAlwaysKept(const Element& element) {
  return element.min > 0 || element.name == "id" || element.name == "meta";
}

void AppendPretty(Value value, size_t depth, std::string* out) {
  if ((!value.is_object() && !value.is_array()) || value.empty()) {
    out->append(value.is_object() ? "{}" : value.is_array() ? "[]" : value.raw());
    return;
  }
  out->push_back(value.is_object() ? '{' : '[');
  bool first = true;
  for (const Value child : value.children()) {
    out->append(first ? "\n" : ",\n").append(2 * (depth + 1), ' ');
    first = false;
    if (value.is_object()) out->append("\"").append(child.key()).append("\": ");
    AppendPretty(child, depth + 1, out);
  }
  out->append("\n").append(2 * depth, ' ').push_back(value.is_object() ? '}' : ']');
}

}  // namespace

std::string Summarize(Value resource, Summary summary) {
  switch (summary) {
    case Summary::kTrue:
      return Subset(resource, [](const Element& element, size_t) { return element.summary || IsAlwaysKept(element); });
    case Summary::kText:
      return Subset(resource, [](const Element& element, size_t depth) {
        return depth > 0 || IsAlwaysKept(element) || element.name == "text";
      });
    case Summary::kData:
      return Subset(resource, [](const Element& element, size_t depth) { return depth > 0 || element.name != "text"; });
  }
  return std::string(resource.raw());
}

std::string SelectElements(Value resource, const std::vector<std::string_view>& elements) {
  return Subset(resource, [&](const Element& element, size_t depth) {
    return depth > 0 || IsAlwaysKept(element) || std::ranges::find(elements, element.name) != elements.end();
  });
}

std::string Pretty(Value value) {
  std::string out;
  AppendPretty(value, 0, &out);
  return out;
}

bool IsSubset(Value resource) {
  const MaybeValue tags = MaybeValue(resource)["meta"]["tag"];
  if (!tags || !tags->is_array()) return false;
  for (const Value tag : tags->children()) {
    if (Find(tag, "code").TextOr("") == kCode && Find(tag, "system").TextOr("") == kSystem) return true;
  }
  return false;
}

std::string Compact(Bytes json) {
  std::string out;
  out.reserve(json.size());
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\') {
      out.append(json.substr(i++, 2));
    } else if (in_string || (c != ' ' && c != '\n' && c != '\r' && c != '\t')) {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace hilum::fhir::json
