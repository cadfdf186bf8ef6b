#include "fhir/definitions/definitions.h"

#include <algorithm>

#include "fhir/definitions/tables.h"

namespace hilum::fhir {
namespace {

template <typename T>
std::span<const T> Rows(std::span<const T> table, Range range) {
  return table.subspan(range.first, range.count);
}

size_t Index(auto id) {
  return static_cast<size_t>(id);
}

}  // namespace

std::string_view FhirVersion() {
  return tables::kVersion;
}

std::span<const Type> Types() {
  return tables::kTypes;
}
TypeId IdOf(const Type& type) {
  return static_cast<TypeId>(&type - tables::kTypes.data());
}
std::span<const TypeId> ResourceTypes() {
  return tables::kResourceTypes;
}

std::optional<TypeId> FindResourceType(std::string_view name) {
  const size_t mask = tables::kResourceSlots.size() - 1;
  for (size_t slot = tables::Hash(TypeId{0}, name) & mask;; slot = (slot + 1) & mask) {
    const TypeId type{tables::kResourceSlots[slot]};
    if (type == kNoType) return std::nullopt;
    if (TypeOf(type).name == name) return type;
  }
}

std::optional<TypeId> FindType(std::string_view name) {
  const auto found = std::ranges::lower_bound(Types(), name, {}, &Type::name);
  if (found == Types().end() || found->name != name) return std::nullopt;
  return IdOf(*found);
}

bool IsA(TypeId type, TypeId base) {
  while (type != base) {
    if (type == kNoType) return false;
    type = TypeOf(type).base;
  }
  return true;
}

PropertyId IdOf(const Property& property) {
  return static_cast<PropertyId>(&property - tables::kProperties.data());
}
std::span<const Property> PropertiesOf(const Type& type) {
  return Rows(tables::kProperties, type.properties);
}
std::span<const Property> PropertiesOf(const Element& element) {
  return Rows(tables::kProperties, element.properties);
}
std::span<const Element> ElementsOf(const Type& type) {
  return Rows(tables::kElements, type.elements);
}

PropertyId FindProperty(TypeId type, std::string_view name) {
  const Range own = TypeOf(type).properties;
  const size_t mask = tables::kPropertySlots.size() - 1;
  for (size_t slot = tables::Hash(type, name) & mask;; slot = (slot + 1) & mask) {
    const uint16_t index = tables::kPropertySlots[slot];
    if (index == Index(kNoProperty)) return kNoProperty;
    const bool of_type = index >= own.first && index - own.first < own.count;
    if (of_type && tables::kProperties[index].name == name) return static_cast<PropertyId>(index);
  }
}

std::span<const TypeId> TypeList(Range range) {
  return Rows(tables::kTypeLists, range);
}
const Binding& BindingAt(uint16_t index) {
  return tables::kBindings[index];
}
std::span<const ValueSetCode> CodesOf(const Binding& binding) {
  return Rows(tables::kCodes, binding.codes);
}

bool HasCode(const Binding& binding, std::string_view code) {
  const auto codes = CodesOf(binding);
  const auto found = std::ranges::lower_bound(codes, code, {}, &ValueSetCode::code);
  return found != codes.end() && found->code == code;
}

bool HasCoding(const Binding& binding, std::string_view system, std::string_view code) {
  const auto codes = CodesOf(binding);
  for (auto at = std::ranges::lower_bound(codes, code, {}, &ValueSetCode::code); at != codes.end() && at->code == code;
       ++at) {
    if (at->system == system) return true;
  }
  return false;
}

std::span<const SearchParam> SearchParamsOf(TypeId resource) {
  return Rows(tables::kSearchParams, TypeOf(resource).search_params);
}
const SearchParam* FindSearchParam(TypeId resource, std::string_view code) {
  const auto params = SearchParamsOf(resource);
  const auto found = std::ranges::lower_bound(params, code, {}, &SearchParam::code);
  return found != params.end() && found->code == code ? &*found : nullptr;
}
const SearchParam* UsualDateParam(TypeId resource) {
  static constexpr std::string_view kUsual[] = {
      "date",       "started",    "onset-date", "authoredon",     "authored", "effective-time", "effective",
      "collected",  "created",    "occurrence", "whenhandedover", "period",   "authored-on",    "sent",
      "identified", "start-date", "datetime",   "datewritten",    "issued",   "recorded",       "start"};
  for (const std::string_view code : kUsual) {
    const SearchParam* param = FindSearchParam(resource, code);
    if (param != nullptr && param->type == SearchType::kDate && param->field != kNoField) return param;
  }
  return nullptr;
}
const SearchParam& SearchParamAt(uint16_t index) {
  return tables::kSearchParams[index];
}
std::span<const Path> PathsOf(Range range) {
  return Rows(tables::kPaths, range);
}
const Path& PathAt(uint16_t index) {
  return tables::kPaths[index];
}
std::span<const Step> StepsOf(const Path& path) {
  return Rows(tables::kSteps, path.steps);
}
std::span<const CompositeGroup> GroupsOf(const SearchParam& param) {
  return Rows(tables::kGroups, param.groups);
}
std::span<const CompositeComponent> ComponentsOf(const CompositeGroup& group) {
  return Rows(tables::kComponents, group.components);
}

std::span<const Compartment> Compartments() {
  return tables::kCompartments;
}
const Compartment* FindCompartment(TypeId resource) {
  const auto found = std::ranges::find(Compartments(), resource, &Compartment::resource);
  return found == Compartments().end() ? nullptr : &*found;
}
std::span<const CompartmentMember> MembersOf(const Compartment& compartment) {
  return Rows(tables::kMembers, compartment.members);
}
std::span<const uint16_t> CompartmentParams(const CompartmentMember& member) {
  return Rows(tables::kMemberParams, member.params);
}

}  // namespace hilum::fhir
