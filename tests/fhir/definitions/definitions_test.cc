#include "fhir/definitions/definitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace hilum::fhir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TypeId Named(std::string_view name) {
  const auto type = FindType(name);
  EXPECT_TRUE(type.has_value()) << name;
  return type.value_or(TypeId{0});
}

const Property* PropertyNamed(std::string_view type, std::string_view name) {
  const PropertyId id = FindProperty(Named(type), name);
  return id == kNoProperty ? nullptr : &PropertyOf(id);
}

std::string Describe(const Path& path) {
  std::string out;
  for (const Step& step : StepsOf(path)) {
    switch (step.op) {
      case Step::Op::kProperty:
        out += "." + std::string(PropertyOf(PropertyId{step.argument}).name);
        break;
      case Step::Op::kIndex:
        out += "[" + std::to_string(step.argument) + "]";
        break;
      case Step::Op::kIsResource:
        out += " is " + std::string(TypeOf(TypeId{step.argument}).name);
        break;
      case Step::Op::kRefersTo:
        out += "->" + std::string(TypeOf(TypeId{step.argument}).name);
        break;
      case Step::Op::kWhereEquals:
        out += "{" + std::string(PropertyOf(PropertyId{step.argument}).name) + "=" + std::string(step.text) + "}";
        break;
      case Step::Op::kIsTrue:
        out += "?" + std::string(ElementOf(ElementId{step.argument}).name);
        break;
    }
  }
  return out;
}

std::vector<std::string> PathsOfParam(std::string_view resource, std::string_view code) {
  const SearchParam* param = FindSearchParam(Named(resource), code);
  std::vector<std::string> out;
  if (param == nullptr) return out;
  for (const Path& path : PathsOf(param->paths)) out.push_back(Describe(path));
  return out;
}

const SearchParam& Param(std::string_view resource, std::string_view code) {
  const SearchParam* param = FindSearchParam(Named(resource), code);
  if (param == nullptr) ADD_FAILURE() << resource << "." << code;
  return param != nullptr ? *param : SearchParamAt(0);
}

TEST(Definitions, AreR4) {
  EXPECT_EQ(FhirVersion(), "4.0.1");
  // Each that R4 has a page of, and none of a later release.
  EXPECT_EQ(ResourceTypes().size(), 146u);
  EXPECT_FALSE(FindResourceType("SubscriptionStatus").has_value());
}

TEST(Definitions, FindConcreteResourceTypesOnlyWhereAskedForThem) {
  EXPECT_TRUE(FindResourceType("Patient").has_value());
  EXPECT_FALSE(FindResourceType("patient").has_value());
  EXPECT_FALSE(FindResourceType("DomainResource").has_value());
  EXPECT_FALSE(FindResourceType("HumanName").has_value());
  EXPECT_FALSE(FindResourceType("").has_value());
  EXPECT_EQ(TypeOf(Named("HumanName")).kind, TypeKind::kComplex);
  EXPECT_EQ(TypeOf(Named("Patient.contact")).kind, TypeKind::kBackbone);
  EXPECT_EQ(TypeOf(Named("date")).primitive, Primitive::kDate);
  EXPECT_EQ(TypeOf(Named("xhtml")).primitive, Primitive::kXhtml);
}

TEST(Definitions, EveryPrimitiveTypeHasItsPrimitive) {
  std::set<Primitive> seen;
  for (const Type& type : Types()) {
    EXPECT_EQ(type.kind == TypeKind::kPrimitive, type.primitive != Primitive::kNone) << type.name;
    if (type.kind == TypeKind::kPrimitive) seen.insert(type.primitive);
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(Primitive::kXhtml));
}

TEST(Definitions, FindEveryPropertyOfEveryTypeByName) {
  for (const Type& type : Types()) {
    for (const Property& property : PropertiesOf(type)) {
      ASSERT_EQ(FindProperty(IdOf(type), property.name), IdOf(property)) << type.name << "." << property.name;
    }
    EXPECT_EQ(FindProperty(IdOf(type), "noSuchProperty"), kNoProperty);
  }
}

TEST(Definitions, ChoicesAreSpelledOut) {
  const Property* quantity = PropertyNamed("Observation", "valueQuantity");
  ASSERT_NE(quantity, nullptr);
  EXPECT_EQ(TypeOf(quantity->type).name, "Quantity");
  EXPECT_EQ(ElementOf(quantity->element).path, "Observation.value[x]");
  EXPECT_TRUE(ElementOf(quantity->element).choice);
  EXPECT_EQ(PropertyNamed("Observation", "value"), nullptr);
  EXPECT_EQ(PropertyNamed("Observation", "valueAddress"), nullptr);
  EXPECT_EQ(ElementOf(quantity->element).properties.count, 11);
}

TEST(Definitions, KnowCardinalityFlagsAndTargets) {
  const Element& status = ElementOf(PropertyNamed("Observation", "status")->element);
  EXPECT_EQ(status.min, 1);
  EXPECT_EQ(status.max, 1);
  EXPECT_TRUE(status.summary);
  EXPECT_TRUE(status.modifier);
  EXPECT_EQ(ElementOf(PropertyNamed("Patient", "name")->element).max, kUnbounded);
  const Property* subject = PropertyNamed("Observation", "subject");
  EXPECT_THAT(TypeList(subject->targets),
              UnorderedElementsAre(Named("Patient"), Named("Group"), Named("Device"), Named("Location")));
  EXPECT_THAT(TypeList(PropertyNamed("Provenance", "target")->targets), IsEmpty());
}

TEST(Definitions, IdsAreIdsAndUrlsAreUris) {
  EXPECT_EQ(TypeOf(PropertyNamed("Patient", "id")->type).primitive, Primitive::kId);
  EXPECT_EQ(TypeOf(PropertyNamed("HumanName", "id")->type).primitive, Primitive::kString);
  EXPECT_EQ(TypeOf(PropertyNamed("Extension", "url")->type).primitive, Primitive::kUri);
}

TEST(Definitions, ContentReferencesReuseTheTypeTheyNameAndSoRecur) {
  EXPECT_EQ(TypeOf(PropertyNamed("Questionnaire.item", "item")->type).name, "Questionnaire.item");
  EXPECT_EQ(TypeOf(PropertyNamed("Observation.component", "referenceRange")->type).name, "Observation.referenceRange");
}

TEST(Definitions, TypesDerive) {
  EXPECT_TRUE(IsA(Named("Age"), Named("Quantity")));
  EXPECT_TRUE(IsA(Named("Patient"), Named("DomainResource")));
  EXPECT_TRUE(IsA(Named("Bundle"), Named("Resource")));
  EXPECT_FALSE(IsA(Named("Bundle"), Named("DomainResource")));
  EXPECT_FALSE(IsA(Named("Quantity"), Named("Age")));
}

TEST(Definitions, EnumerateRequiredBindings) {
  const Element& gender = ElementOf(PropertyNamed("Patient", "gender")->element);
  ASSERT_NE(gender.binding, kNoBinding);
  const Binding& binding = BindingAt(gender.binding);
  EXPECT_TRUE(HasCode(binding, "female"));
  EXPECT_FALSE(HasCode(binding, "Female"));
  EXPECT_TRUE(HasCoding(binding, "http://hl7.org/fhir/administrative-gender", "male"));
  EXPECT_FALSE(HasCoding(binding, "http://example.org", "male"));
}

TEST(Definitions, LeaveSetsOpenThatThePackageDoesNotEnumerate) {
  EXPECT_EQ(ElementOf(PropertyNamed("Attachment", "contentType")->element).binding, kNoBinding);
}

TEST(Definitions, CompileSearchExpressionsToPaths) {
  EXPECT_THAT(PathsOfParam("Patient", "family"), ElementsAre(".name.family"));
  EXPECT_THAT(PathsOfParam("Patient", "phone"), ElementsAre(".telecom{system=phone}"));
  EXPECT_THAT(PathsOfParam("Patient", "deceased"), ElementsAre("?deceased"));
  EXPECT_THAT(PathsOfParam("Patient", "_profile"), ElementsAre(".meta.profile"));
  EXPECT_THAT(PathsOfParam("Condition", "abatement-age"), ElementsAre(".abatementAge", ".abatementRange"));
  EXPECT_THAT(PathsOfParam("Appointment", "location"), ElementsAre(".participant.actor->Location"));
  EXPECT_THAT(PathsOfParam("Bundle", "composition"), ElementsAre(".entry[0].resource"));
  EXPECT_THAT(PathsOfParam("InsurancePlan", "name"), ElementsAre(".name", ".alias"));
}

TEST(Definitions, AsSelectsFromCollections) {
  EXPECT_THAT(PathsOfParam("Observation", "combo-value-quantity"),
              UnorderedElementsAre(".valueQuantity", ".component.valueQuantity"));
  EXPECT_THAT(PathsOfParam("Observation", "value-string"),
              UnorderedElementsAre(".valueString", ".valueCodeableConcept.text"));
}

TEST(Definitions, NarrowedParametersShareTheFieldOfTheWholeOne) {
  EXPECT_EQ(Param("Observation", "patient").field, Param("Observation", "subject").field);
  EXPECT_EQ(Param("Observation", "patient").only, Named("Patient"));
  EXPECT_EQ(Param("Observation", "subject").only, kNoType);
  EXPECT_NE(Param("Observation", "code").field, Param("Observation", "category").field);
}

TEST(Definitions, CompositesNameTheirComponents) {
  const SearchParam& param = Param("Observation", "combo-code-value-quantity");
  ASSERT_EQ(GroupsOf(param).size(), 2u);
  for (const CompositeGroup& group : GroupsOf(param)) {
    ASSERT_EQ(ComponentsOf(group).size(), 2u);
    EXPECT_EQ(ComponentsOf(group)[0].type, SearchType::kToken);
    EXPECT_EQ(ComponentsOf(group)[1].type, SearchType::kQuantity);
  }
  EXPECT_EQ(Describe(PathAt(GroupsOf(param)[1].path)), ".component");
  const SearchParam& variant = Param("MolecularSequence", "chromosome-variant-coordinate");
  EXPECT_TRUE(ComponentsOf(GroupsOf(variant)[0])[0].from_root);
  EXPECT_FALSE(ComponentsOf(GroupsOf(variant)[0])[1].from_root);
}

TEST(Definitions, EveryParameterWithAnExpressionIsIndexed) {
  size_t params = 0;
  for (const TypeId type : ResourceTypes()) {
    for (const SearchParam& param : SearchParamsOf(type)) {
      ++params;
      const bool own_field = !param.expression.empty() && param.type != SearchType::kComposite && param.code != "_id";
      EXPECT_EQ(param.field != kNoField, own_field) << TypeOf(type).name << " " << param.code;
      EXPECT_TRUE(!own_field || param.field < TypeOf(type).search_fields);
      EXPECT_EQ(GroupsOf(param).empty(), param.type != SearchType::kComposite);
    }
  }
  EXPECT_GT(params, 2800u);
}

TEST(Definitions, ComponentsOfTheResourceItselfNeedNoFieldOfTheirOwn) {
  const auto combo = GroupsOf(Param("Observation", "combo-code-value-quantity"));
  ASSERT_EQ(combo.size(), 2u);
  EXPECT_EQ(combo[0].field, kNoField);
  EXPECT_EQ(SearchParamAt(ComponentsOf(combo[0])[0].param).code, "code");
  EXPECT_EQ(SearchParamAt(ComponentsOf(combo[0])[1].param).code, "value-quantity");
  EXPECT_NE(combo[1].field, kNoField);
}

TEST(Definitions, KnowThePatientCompartment) {
  const Compartment* patient = FindCompartment(Named("Patient"));
  ASSERT_NE(patient, nullptr);
  std::set<std::string_view> params;
  for (const CompartmentMember& member : MembersOf(*patient)) {
    if (member.resource != Named("Observation")) continue;
    for (const uint16_t index : CompartmentParams(member)) params.insert(SearchParamAt(index).code);
  }
  EXPECT_THAT(params, UnorderedElementsAre("subject", "performer"));
  EXPECT_EQ(FindCompartment(Named("Observation")), nullptr);
}

}  // namespace
}  // namespace hilum::fhir
