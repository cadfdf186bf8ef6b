#include "fhir/validate/validator.h"

#include <algorithm>
#include <cassert>
#include <set>

#include "base/text.h"
#include "fhir/validate/primitives.h"
#include "fhir/validate/reference.h"
#include "fhir/validate/xhtml.h"

namespace hilum::fhir {
namespace {

using json::Kind;
using json::Value;

const TypeId kExtension = *FindType("Extension");
const TypeId kReference = *FindType("Reference");
const TypeId kCoding = *FindType("Coding");
const TypeId kCodeableConcept = *FindType("CodeableConcept");
const TypeId kElement = *FindType("Element");
constexpr std::string_view kContained = "contained";
constexpr std::string_view kDefinitions = "http://hl7.org/fhir/StructureDefinition/";

std::vector<Value> ItemsOf(Value value) {
  if (!value.is_array()) return {value};
  const auto items = value.children();
  return {items.begin(), items.end()};
}

bool IsIdAlone(Value carrier) {
  return carrier.is_object() && !carrier.empty() && (*carrier.children().begin()).key() == "id" && carrier.size() == 1;
}

std::string Quote(std::string_view text) {
  return "'" + std::string(text) + "'";
}

// Unknown names come from outside: shown only when they look like names.
std::string Shown(std::string_view key) {
  const bool plain = key.size() <= 64 && std::ranges::all_of(key, [](char c) { return IsAlphanumeric(c) || c == '_'; });
  return plain ? Quote(key) : std::string("with this name");
}

// "Foo/1" and "Foo?name=x", of a reference that was not understood.
bool NamesUnknownType(std::string_view reference) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto end = std::ranges::find_if_not(reference, is_letter);
  if (end == reference.begin() || end == reference.end()) return false;
  const std::string_view rest = reference.substr(static_cast<size_t>(end - reference.begin()) + 1);
  if (*end == '?') return true;
  return *end == '/' && IsId(rest.substr(0, rest.find("/_history/")));
}

}  // namespace

std::string Validator::Expression() const {
  std::vector<const Place*> places;
  for (const Place* place = place_; place != nullptr; place = place->parent) places.push_back(place);
  std::string out;
  for (const Place* place : std::vector(places.rbegin(), places.rend())) {
    if (!out.empty()) out += '.';
    out += place->name;
    if (place->index >= 0) out += "[" + std::to_string(place->index) + "]";
  }
  return out;
}

void Validator::Report(Value at, Severity severity, IssueType type, std::string diagnostics) {
  if (out_.issues.size() >= options_.max_issues) return;
  out_.issues.push_back({.severity = severity,
                         .type = type,
                         .diagnostics = std::move(diagnostics),
                         .expression = Expression(),
                         .position = json::PositionAt(at.document().bytes(), at.begin())});
}

void Validator::CheckResource(Value value, bool contained) {
  if (!value.is_object()) return Error(value, IssueType::kStructure, "a resource must be a JSON object");
  const json::MaybeValue name = json::Find(value, "resourceType");
  if (!name || !name->is_string()) {
    return Error(value, IssueType::kStructure, "resourceType is missing; it must name the type of the resource");
  }
  const auto type = FindResourceType(name->text());
  if (!type) return Error(*name, IssueType::kStructure, "resourceType is no resource type of R4");
  // A resource in a resource goes on with the path it stands at.
  Place root = {.parent = nullptr, .name = TypeOf(*type).name, .index = -1};
  Place* const outside = place_;
  if (place_ == nullptr) place_ = &root;
  const bool was_contained = std::exchange(contained_, contained);
  std::optional<Container> container;
  if (!contained) container = std::exchange(container_, {.resource = value});
  CheckObject(value, *type);
  if (container) container_ = *std::move(container);
  contained_ = was_contained;
  place_ = outside;
}

void Validator::CheckObject(Value object, TypeId type_id) {
  const Type& type = TypeOf(type_id);
  if (object.empty()) return Error(object, IssueType::kStructure, "an object must not be empty; leave it out");
  assert(type.elements.count <= kMaxElements);
  Seen seen;
  std::fill_n(seen.begin(), type.elements.count, kNoProperty);
  // Writers keep the order of the definition, so the next property is usually the one after the last.
  size_t next = type.properties.first;
  const size_t properties_end = next + type.properties.count;
  for (const Value value : object.children()) {
    const bool carrier = value.key().starts_with('_');
    const std::string_view name = value.key().substr(carrier ? 1 : 0);
    PropertyId id = kNoProperty;
    if (next < properties_end && PropertyOf(PropertyId(next)).name == name) {
      id = PropertyId(next);
    } else {
      id = FindProperty(type_id, name);
    }
    if (id == kNoProperty) {
      if (type.kind == TypeKind::kResource && value.key() == "resourceType") continue;
      Error(value, IssueType::kStructure, "unknown element " + Shown(value.key()) + " in " + std::string(type.name));
      continue;
    }
    next = static_cast<size_t>(id) + 1;
    const Property& property = PropertyOf(id);
    const Element& element = ElementOf(property.element);
    PropertyId& before = seen[static_cast<size_t>(property.element) - type.elements.first];
    if (before != kNoProperty && before != id) {
      Error(value, IssueType::kStructure, "only one type of " + std::string(element.path) + " may be given");
    }
    before = id;
    Place here = {.parent = place_, .name = element.name, .index = -1};
    place_ = &here;
    if (!carrier) out_.typing[value.index()] = id;
    const bool lacks = carrier ? CheckCarrier(value, property) : CheckProperty(value, property);
    if (lacks) CheckPairs(object, value, carrier);
    place_ = here.parent;
  }
  CheckMissing(object, type, seen);
  if (type_id == kExtension) CheckExtension(object);
}

void Validator::CheckMissing(Value object, const Type& type, const Seen& seen) {
  if (!options_.check_required) return;
  const auto elements = ElementsOf(type);
  for (size_t i = 0; i < elements.size(); ++i) {
    if (elements[i].min == 0 || seen[i] != kNoProperty) continue;
    Error(object, IssueType::kRequired, std::string(elements[i].path) + " is required");
  }
}

bool Validator::CheckProperty(Value value, const Property& property) {
  const Element& element = ElementOf(property.element);
  if (element.max != 1) return CheckRepeated(value, property);
  if (value.is_array()) {
    Error(value, IssueType::kStructure, "must not be an array: at most one is allowed");
  } else if (value.kind() == Kind::kNull) {
    Error(value, IssueType::kStructure, "must not be null; leave it out");
  } else {
    CheckItem(value, property);
  }
  return false;
}

bool Validator::CheckRepeated(Value array, const Property& property) {
  const Element& element = ElementOf(property.element);
  if (!array.is_array() || array.empty()) {
    Error(array, IssueType::kStructure,
          array.is_array() ? "an array must not be empty; leave it out" : "must be an array: it can repeat");
    return false;
  }
  const bool primitive = TypeOf(property.type).kind == TypeKind::kPrimitive;
  bool lacks = false;
  Place* const here = place_;
  size_t count = 0;
  for (const Value item : array.children()) {
    here->index = static_cast<int>(count++);
    // In an array of primitives null stands for a value that only has extensions (R4 2.6.2.2).
    if (primitive && item.kind() == Kind::kNull) {
      lacks = true;
      continue;
    }
    out_.typing[item.index()] = out_.typing[array.index()];
    CheckItem(item, property);
  }
  here->index = -1;
  if (element.name == kContained && !contained_ && options_.check_targets) CheckContainedIds(array);
  if (element.max != kUnbounded && count > element.max) {
    Error(array, IssueType::kStructure, "has more items than the " + std::to_string(element.max) + " allowed");
  }
  return lacks;
}

void Validator::CheckContainedIds(Value array) {
  std::set<std::string_view> ids;
  int index = 0;
  for (const json::MaybeValue resource : array.children()) {
    place_->index = index++;
    if (!resource->is_object()) continue;
    const json::MaybeValue id = resource["id"];
    if (!id) {
      Error(*resource, IssueType::kRequired, "a contained resource needs an id: it is referred to by that");
    } else if (!ids.insert(id.TextOr("")).second) {
      Error(*id, IssueType::kDuplicate, "another contained resource has this id");
    }
  }
  place_->index = -1;
}

void Validator::CheckItem(Value value, const Property& property) {
  const Type& type = TypeOf(property.type);
  const Element& element = ElementOf(property.element);
  switch (type.kind) {
    case TypeKind::kPrimitive:
      if (const std::string_view reason = CheckPrimitive(type.primitive, value); !reason.empty()) {
        return Error(value, IssueType::kValue, std::string(reason));
      }
      if (type.primitive == Primitive::kXhtml && options_.check_narrative) {
        const std::string_view reason = CheckXhtml(value.text());
        if (!reason.empty()) Error(value, IssueType::kValue, "the narrative " + std::string(reason));
      }
      break;
    case TypeKind::kResource: {
      const bool contained = element.name == kContained;
      if (contained && contained_) {
        return Error(value, IssueType::kStructure, "a contained resource must not contain resources");
      }
      return CheckResource(value, contained);
    }
    case TypeKind::kComplex:
    case TypeKind::kBackbone:
      if (!value.is_object())
        return Error(value, IssueType::kStructure, "must be an object of type " + std::string(type.name));
      CheckObject(value, property.type);
      if (property.type == kReference && options_.check_targets) CheckReference(value, property);
      break;
  }
  if (element.binding != kNoBinding) CheckCodes(value, property, element);
}

// `_name`: id and extensions of a primitive, or an array of them with null for those that have none.
bool Validator::CheckCarrier(Value value, const Property& property) {
  if (TypeOf(property.type).kind != TypeKind::kPrimitive) {
    Error(value, IssueType::kStructure, "'_' only goes before the names of primitive elements");
    return false;
  }
  if (ElementOf(property.element).max == 1) return CheckCarrierItem(value);
  if (!value.is_array() || value.empty()) {
    Error(value, IssueType::kStructure, "must be an array with an item for each value");
    return false;
  }
  bool lacks = false;
  Place* const here = place_;
  int index = 0;
  for (const Value item : value.children()) {
    here->index = index++;
    lacks |= item.kind() == Kind::kNull || CheckCarrierItem(item);
  }
  here->index = -1;
  return lacks;
}

bool Validator::CheckCarrierItem(Value value) {
  if (!value.is_object()) {
    Error(value, IssueType::kStructure, "must be an object with id or extension");
    return false;
  }
  CheckObject(value, kElement);
  return IsIdAlone(value);
}

void Validator::CheckPairs(Value object, Value given, bool carrier) {
  const std::string other = carrier ? std::string(given.key().substr(1)) : "_" + std::string(given.key());
  const json::MaybeValue beside = json::Find(object, other);
  const std::vector<Value> items = ItemsOf(given);
  const std::vector<Value> partners = beside ? ItemsOf(*beside) : std::vector<Value>();
  Place* const here = place_;
  for (size_t i = 0; i < items.size(); ++i) {
    const bool null = items[i].kind() == Kind::kNull;
    const bool has_partner = i < partners.size();
    // Of two that lack something the value is the one to blame.
    const bool fine = carrier ? (!null && (!IsIdAlone(items[i]) || !options_.check_required)) || has_partner
                              : !null || (has_partner && json::Find(partners[i], "extension"));
    if (fine) continue;
    if (given.is_array()) here->index = static_cast<int>(i);
    Error(items[i], IssueType::kInvariant,
          null ? "ele-1: null stands for a value with extensions beside it, or the other way round; leave it out"
               : "ele-1: must have a value or extensions");
    here->index = -1;
  }
}

void Validator::CheckCodes(Value value, const Property& property, const Element& element) {
  const Binding& binding = BindingAt(element.binding);
  if (property.type == kCodeableConcept) {
    const json::MaybeValue codings = json::Find(value, "coding");
    if (codings && codings->is_array()) {
      CheckCoded(*codings, binding);
    } else if (!codings && !json::Find(value, "extension")) {
      // Text is no code of the set; an extension may say why there is none.
      Error(value, IssueType::kCodeInvalid, "needs a coding: its code must be one of " + std::string(binding.url));
    }
  } else if (property.type == kCoding) {
    CheckCoded(value, binding);
  } else if (value.is_string() && !HasCode(binding, value.text())) {
    Error(value, IssueType::kCodeInvalid, "is no code of " + std::string(binding.url));
  }
}

// A Coding, or an array of them of which one must be in the set (R4 4.1.5).
void Validator::CheckCoded(Value codings, const Binding& binding) {
  const auto fits = [&](Value coding) {
    return HasCoding(binding, json::Find(coding, "system").TextOr(""), json::Find(coding, "code").TextOr(""));
  };
  const auto items = codings.children();
  const bool any = codings.is_object() ? fits(codings) : std::any_of(items.begin(), items.end(), fits);
  if (!any) Error(codings, IssueType::kCodeInvalid, "has no code of " + std::string(binding.url));
}

void Validator::CheckExtension(Value extension) {
  bool value = false, nested = false;
  for (const Value property : extension.children()) {
    nested = nested || property.key() == "extension";
    value = value || property.key().starts_with("value") || property.key().starts_with("_value");
  }
  if (value == nested) {
    Error(extension, IssueType::kInvariant, "ext-1: an extension must have either a value or extensions, not both");
  }
}

void Validator::CheckReference(Value reference, const Property& property) {
  const auto targets = TypeList(property.targets);
  const auto check_type = [&](Value at, TypeId type) {
    if (type == kNoType || targets.empty() || std::ranges::find(targets, type) != targets.end()) return;
    Error(at, IssueType::kValue, "must not refer to a " + std::string(TypeOf(type).name));
  };
  if (const json::MaybeValue type = json::Find(reference, "type"); type && type->is_string()) {
    std::string_view name = type->text();
    if (name.starts_with(kDefinitions)) name.remove_prefix(kDefinitions.size());
    check_type(*type, FindResourceType(name).value_or(kNoType));
  }
  const json::MaybeValue text = json::Find(reference, "reference");
  if (!text || !text->is_string()) return;
  const ReferenceText parts = ParseReference(text->text());
  if (parts.form == ReferenceText::Form::kOther && NamesUnknownType(text->text())) {
    return Error(*text, IssueType::kValue, "refers to a resource type that R4 does not have");
  }
  if (parts.form != ReferenceText::Form::kFragment) return check_type(*text, parts.type);
  const json::MaybeValue target = FindContained(parts.id);
  if (!target) return Error(*text, IssueType::kValue, "ref-1: refers to a contained resource that is not there");
  check_type(*text, ResourceTypeOf(*target).value_or(kNoType));
}

json::MaybeValue Validator::FindContained(std::string_view id) {
  if (id.empty() || !container_.resource) return container_.resource;
  if (!container_.contained) container_.contained = ContainedIn(*container_.resource);
  const auto found = container_.contained->find(id);
  return found == container_.contained->end() ? json::MaybeValue() : json::MaybeValue(found->second);
}

}  // namespace hilum::fhir
