// The R4 definitions as tables: types, their JSON properties, value sets, search parameters, compartments.
//
// Everything is generated at build time (generate.mjs) from the pinned package of package.json: no resource type is
// named by hand anywhere. All tables are constant; every function is pure and thread-safe; every view lives as long as
// the process.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace hilum::fhir {

// Positions in the tables below. They follow the definitions package: never write them to disk.
enum class TypeId : uint16_t {};
enum class ElementId : uint16_t {};
enum class PropertyId : uint16_t {};

inline constexpr TypeId kNoType{0xFFFF};
inline constexpr PropertyId kNoProperty{0xFFFF};
inline constexpr uint16_t kNoBinding = 0xFFFF;
inline constexpr uint16_t kNoField = 0xFFFF;
inline constexpr uint16_t kUnbounded = 0xFFFF;

// In the order of generate.mjs.
enum class Primitive : uint8_t {
  kNone,
  kBoolean,
  kInteger,
  kUnsignedInt,
  kPositiveInt,
  kDecimal,
  kString,
  kMarkdown,
  kCode,
  kId,
  kUri,
  kUrl,
  kCanonical,
  kOid,
  kUuid,
  kDate,
  kDateTime,
  kInstant,
  kTime,
  kBase64Binary,
  kXhtml,
};

enum class TypeKind : uint8_t {
  kPrimitive,
  kComplex,   // a data type: HumanName, Quantity
  kBackbone,  // an element with children of its own, named by its path: Patient.contact
  kResource,
};

// A range of rows in another table.
struct Range {
  uint16_t first = 0;
  uint16_t count = 0;
};

struct Type {
  std::string_view name;
  TypeKind kind;
  Primitive primitive;
  TypeId base;  // kNoType at the roots
  Range properties;
  Range elements;
  Range search_params;     // of a concrete resource type, in order of their code
  uint16_t search_fields;  // distinct index fields of those, see SearchParam::field
};

// A row of the definition: Observation.value[x].
struct Element {
  std::string_view name;  // "value"
  std::string_view path;  // "Observation.value[x]"
  uint16_t min;
  uint16_t max;  // kUnbounded for *; a JSON array unless 1
  bool choice;   // value[x]
  bool summary;
  bool modifier;
  uint16_t binding;  // of a required binding whose codes are known, else kNoBinding
  Range properties;  // more than one for a choice
};

// A JSON property: an element with its choice made ("valueQuantity").
struct Property {
  std::string_view name;
  ElementId element;
  TypeId type;    // Resource for a resource of any type
  Range targets;  // of a Reference or canonical: allowed resource types, empty for any
};

struct ValueSetCode {
  std::string_view system;
  std::string_view code;
};
struct Binding {
  std::string_view url;
  Range codes;  // in order of (code, system)
};

// Search: the parameters of each resource type, with the paths that say which values of a resource they mean,
// compiled to steps.

enum class SearchType : uint8_t { kNumber, kDate, kString, kToken, kReference, kComposite, kQuantity, kUri, kSpecial };

// One step of a compiled search expression, from a list of values to a list of values.
struct Step {
  enum class Op : uint8_t {
    kProperty,     // children by PropertyId
    kIndex,        // only the value at this place of the array
    kIsResource,   // only a resource of this TypeId
    kRefersTo,     // only references to this TypeId: where(resolve() is X)
    kWhereEquals,  // only values whose child PropertyId is the text
    kIsTrue,       // the truth of "the element `argument` of the resource exists and is not false"
  };
  Op op;
  uint16_t argument;
  std::string_view text;
};

struct Path {
  Range steps;
};

struct CompositeComponent {
  SearchType type;
  bool from_root;  // paths begin at the resource, not at the value of CompositeGroup::path
  uint16_t param;  // in a group without a field, SearchParamAt(): the parameter that indexes this component
  Range paths;
};
struct CompositeGroup {
  uint16_t path;  // PathAt(); no steps for the resource itself
  // Index field that keeps the components of one value together; kNoField where the components' own parameters say as
  // much.
  uint16_t field;
  Range components;
};

// One search parameter of one concrete resource type. Parameters without an expression (_text, _content, _query) have
// no paths.
struct SearchParam {
  std::string_view code;
  std::string_view url;
  SearchType type;
  TypeId resource;
  Range paths;
  Range targets;
  Range groups;  // of a composite
  // Parameters of a type that say the same share one index field, numbered from 0 to Type::search_fields. A quantity
  // takes three (canonical, as written, by the unit for people), a position two (latitude, longitude). kNoField for
  // composites, `_id` and what has no expression. `only`: what this parameter narrows the field to; `patient` is
  // `subject` restricted to Patient. kNoType when it is the whole field.
  uint16_t field;
  TypeId only;
  std::string_view expression;
};

// Compartments: which parameters relate resources of a type to a patient, an encounter, ...

struct CompartmentMember {
  TypeId resource;
  Range params;  // CompartmentParams(): positions for SearchParamAt()
  bool self;     // the resource that gives the compartment its name
};
struct Compartment {
  TypeId resource;
  Range members;
};

// Access: positions are for those who got them from here; what comes from outside is looked up
// by name.

std::string_view FhirVersion();  // "4.0.1"

// Asked for with every value of every resource, so not behind a call.
namespace tables {
extern const std::span<const Type> kTypes;
extern const std::span<const Element> kElements;
extern const std::span<const Property> kProperties;
}  // namespace tables

std::span<const Type> Types();
inline const Type& TypeOf(TypeId id) {
  return tables::kTypes[static_cast<size_t>(id)];
}
TypeId IdOf(const Type& type);
// Concrete resource types in order of name.
std::span<const TypeId> ResourceTypes();
// Concrete resource types only: nullopt for "DomainResource" and "HumanName".
std::optional<TypeId> FindResourceType(std::string_view name);
// Any type, backbones by their path.
std::optional<TypeId> FindType(std::string_view name);
// `type` is `base` or derives from it.
bool IsA(TypeId type, TypeId base);

inline const Element& ElementOf(ElementId id) {
  return tables::kElements[static_cast<size_t>(id)];
}
inline const Property& PropertyOf(PropertyId id) {
  return tables::kProperties[static_cast<size_t>(id)];
}
PropertyId IdOf(const Property& property);
std::span<const Property> PropertiesOf(const Type& type);
std::span<const Property> PropertiesOf(const Element& element);
std::span<const Element> ElementsOf(const Type& type);
// kNoProperty for a name that the type does not have. `name` without the leading '_' of primitive extensions.
PropertyId FindProperty(TypeId type, std::string_view name);

std::span<const TypeId> TypeList(Range range);  // SearchParam::targets, Property::targets
const Binding& BindingAt(uint16_t index);
std::span<const ValueSetCode> CodesOf(const Binding& binding);
bool HasCode(const Binding& binding, std::string_view code);
bool HasCoding(const Binding& binding, std::string_view system, std::string_view code);

std::span<const SearchParam> SearchParamsOf(TypeId resource);
const SearchParam* FindSearchParam(TypeId resource, std::string_view code);
// The parameter of when a resource happened, rather than of when it was written down where the type has both; nullptr
// for types that nothing happens to.
const SearchParam* UsualDateParam(TypeId resource);
const SearchParam& SearchParamAt(uint16_t index);
std::span<const Path> PathsOf(Range range);
const Path& PathAt(uint16_t index);
std::span<const Step> StepsOf(const Path& path);
std::span<const CompositeGroup> GroupsOf(const SearchParam& param);
std::span<const CompositeComponent> ComponentsOf(const CompositeGroup& group);

std::span<const Compartment> Compartments();
const Compartment* FindCompartment(TypeId resource);
std::span<const CompartmentMember> MembersOf(const Compartment& compartment);
std::span<const uint16_t> CompartmentParams(const CompartmentMember& member);

}  // namespace hilum::fhir
