#include "fhir/search/extract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "fhir/json/edits.h"
#include "fhir/search/composite.h"
#include "fhir/search/ucum.h"
#include "tests/fhir/support/examples.h"
#include "tests/fhir/support/memory_catalog.h"

namespace hilum::fhir {
namespace {

using storage::DateValue;
using storage::IndexValue;
using storage::NumberValue;
using storage::QuantityValue;
using storage::ReferenceValue;
using storage::StringValue;
using storage::TokenValue;
using storage::UriValue;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kDay = 86'400'000'000;

class ExtractTest : public testing::Test {
 protected:
  void Load(const std::string& text, const SearchOptions& options = {}) {
    auto document = json::Document::Parse(text);
    ASSERT_TRUE(document.ok()) << document.status().message();
    const Validation validation = Validate(document->root());
    ASSERT_TRUE(validation.ok()) << OperationOutcome(validation.issues);
    type_ = *ResourceTypeOf(document->root());
    auto values = Extract(document->root(), validation.typing, catalog_, options);
    ASSERT_TRUE(values.ok()) << values.status().message();
    values_ = *std::move(values);
  }

  std::vector<IndexValue> At(std::string_view code, int offset = 0) const {
    const SearchParam* param = FindSearchParam(type_, code);
    if (param == nullptr) return {};
    return AtField(static_cast<uint16_t>(param->field + offset));
  }
  std::vector<IndexValue> AtField(uint16_t field) const {
    std::vector<IndexValue> out;
    for (const auto& entry : values_.entries) {
      if (entry.field == storage::FieldId{field}) out.push_back(entry.value);
    }
    return out;
  }

  MemoryCatalog catalog_;
  TypeId type_ = kNoType;
  storage::DocumentValues values_;
};

TEST_F(ExtractTest, TokensOfEveryDataType) {
  Load(R"({"resourceType":"Patient","id":"p","active":true,"gender":"male","deceasedDateTime":"2020",
      "identifier":[{"system":"urn:s","value":"1","type":{"coding":[{"system":"t","code":"MR"}]}},{"value":"2"},{"system":"urn:only"}],
      "telecom":[{"system":"phone","value":"555"},{"system":"email","value":"a@b"}],
      "communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"de"},{"code":"x"}],"text":"t"}}]})");
  EXPECT_THAT(At("active"), ElementsAre(TokenValue{"", "true"}));
  EXPECT_THAT(At("gender"), ElementsAre(TokenValue{"http://hl7.org/fhir/administrative-gender", "male"}));
  EXPECT_THAT(At("deceased"), ElementsAre(TokenValue{"", "true"}));
  EXPECT_THAT(At("identifier"), ElementsAre(TokenValue{"urn:s", "1"}, OfTypeToken("t", "MR", "1"), TokenValue{"", "2"},
                                            TokenValue{"urn:only", ""}));
  EXPECT_THAT(At("phone"), ElementsAre(TokenValue{"phone", "555"}));
  EXPECT_THAT(At("telecom"), ElementsAre(TokenValue{"phone", "555"}, TokenValue{"email", "a@b"}));
  EXPECT_THAT(At("language"), ElementsAre(TokenValue{"urn:ietf:bcp:47", "de"}, TokenValue{"", "x"}));
}

TEST_F(ExtractTest, WhatIsNotSaidIsNotDeceased) {
  Load(R"({"resourceType":"Patient","gender":"male"})");
  EXPECT_THAT(At("deceased"), ElementsAre(TokenValue{"", "false"}));
  EXPECT_THAT(At("active"), IsEmpty());
}

TEST_F(ExtractTest, StringsOfNamesAndAddresses) {
  Load(R"({"resourceType":"Patient","name":[{"use":"official","family":"M\u00fcller","given":["A","B"],"text":"T"}],
      "address":[{"use":"home","line":["1 St"],"city":"Berlin","period":{"start":"2020"}}]})");
  EXPECT_THAT(At("name"),
              UnorderedElementsAre(StringValue{"M\u00fcller"}, StringValue{"A"}, StringValue{"B"}, StringValue{"T"}));
  EXPECT_THAT(At("given"), ElementsAre(StringValue{"A"}, StringValue{"B"}));
  EXPECT_THAT(At("address"), ElementsAre(StringValue{"1 St"}, StringValue{"Berlin"}));
}

TEST_F(ExtractTest, DatesWithPrecisionPeriodsAndTimings) {
  Load(R"({"resourceType":"Observation","status":"final","code":{"text":"c"},"effectivePeriod":{"end":"1970-01-02"}})");
  EXPECT_THAT(At("date"), ElementsAre(DateValue{INT64_MIN, 2 * kDay}));
  Load(
      R"({"resourceType":"Observation","status":"final","code":{"text":"c"},"effectiveTiming":{"event":["1970-01-03","1970-01-01"]}})");
  EXPECT_THAT(At("date"), ElementsAre(DateValue{0, 3 * kDay}));
  const std::string both = R"({"resourceType":"Observation","status":"final","code":{"text":"c"},"effectiveTiming":{
      "event":["1970-01-03"],"repeat":{"boundsPeriod":{"start":"1970-01-02","end":"1970-01-08"}}}})";
  Load(both);
  EXPECT_THAT(At("date"), ElementsAre(DateValue{kDay, 8 * kDay}));
  Load(both, {.index_rules = 0});
  EXPECT_THAT(At("date"), ElementsAre(DateValue{2 * kDay, 3 * kDay})) << "as older stores have it";
  Load(R"({"resourceType":"Patient","birthDate":"1970-01-02","meta":{"lastUpdated":"1970-01-01T00:00:00.5Z"}})",
       {.default_offset_minutes = 60});
  EXPECT_THAT(At("birthdate"), ElementsAre(DateValue{kDay - 3'600'000'000, 2 * kDay - 3'600'000'000}));
  EXPECT_THAT(At("_lastUpdated"), ElementsAre(DateValue{500'000, 600'000}));
}

TEST_F(ExtractTest, QuantitiesInBaseUnitsAndAsWritten) {
  Load(R"({"resourceType":"Observation","status":"final","code":{"text":"c"},
      "valueQuantity":{"value":5.4,"comparator":"<","unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}})");
  EXPECT_THAT(At("value-quantity"), ElementsAre(QuantityValue{-kInfinity, 0.0054, std::string(kUcum), "g"}));
  EXPECT_THAT(At("value-quantity", 1), ElementsAre(QuantityValue{-kInfinity, 5.4, std::string(kUcum), "mg"}));
  Load(
      R"({"resourceType":"Observation","status":"final","code":{"text":"c"},"valueQuantity":{"value":3,"unit":"beats"}})");
  EXPECT_THAT(At("value-quantity"), IsEmpty());
  EXPECT_THAT(At("value-quantity", 1), ElementsAre(QuantityValue{3, 3, "", "beats"}));
}

TEST_F(ExtractTest, NumbersMoneyRangesAndPositions) {
  Load(
      R"({"resourceType":"RiskAssessment","status":"final","subject":{"display":"x"},"prediction":[{"probabilityDecimal":0.25},
      {"probabilityRange":{"low":{"value":1}}}]})");
  EXPECT_THAT(At("probability"), ElementsAre(NumberValue{0.25, 0.25}, NumberValue{1, kInfinity}));
  Load(R"({"resourceType":"Invoice","status":"issued","totalGross":{"value":10.5,"currency":"EUR"}})");
  EXPECT_THAT(At("totalgross", 1), ElementsAre(QuantityValue{10.5, 10.5, "urn:iso:std:iso:4217", "EUR"}));
  Load(
      R"({"resourceType":"Condition","subject":{"display":"x"},"onsetRange":{"low":{"value":1,"system":"http://unitsofmeasure.org","code":"d"},
      "high":{"value":2,"system":"http://unitsofmeasure.org","code":"d"}}})");
  EXPECT_THAT(At("onset-age"), ElementsAre(QuantityValue{86400, 172800, std::string(kUcum), "s"}));
  Load(R"({"resourceType":"Location","position":{"longitude":11.5,"latitude":48.1}})");
  EXPECT_THAT(At("near"), ElementsAre(NumberValue{48.1, 48.1}));
  EXPECT_THAT(At("near", 1), ElementsAre(NumberValue{11.5, 11.5}));
}

TEST_F(ExtractTest, ReferencesToWhatIsKnownAndWhatIsNot) {
  const TypeId patient = *FindResourceType("Patient");
  const storage::Doc doc = catalog_.AddDoc(patient, "p");
  const ReferenceValue known{ReferenceValue::Target{catalog_.CollectionOf(patient), doc}, ""};
  const auto observation = [](const std::string& subject) {
    return R"({"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":)" + subject + "}";
  };
  Load(observation(R"({"reference":"Patient/p"})"));
  EXPECT_THAT(At("subject"), ElementsAre(known));
  Load(observation(R"({"reference":"Patient/p/_history/3"})"));
  EXPECT_THAT(At("subject"), ElementsAre(known));
  Load(observation(R"({"reference":"http://h/fhir/Patient/p"})"), {.base_url = "http://h/fhir"});
  EXPECT_THAT(At("subject"), ElementsAre(known));
  Load(observation(R"({"reference":"http://other/Patient/p"})"));
  EXPECT_THAT(At("subject"), ElementsAre(ReferenceValue{std::nullopt, "http://other/Patient/p"}));
  Load(observation(R"({"reference":"Group/g"})"));
  EXPECT_THAT(At("subject"), ElementsAre(ReferenceValue{std::nullopt, "Group/g"}));
  Load(observation(R"({"identifier":{"system":"s","value":"v"}})"));
  EXPECT_THAT(At("subject"), ElementsAre(IdentifierReference("s", "v"), IdentifierReference(kAnySystem, "v")));
}

TEST_F(ExtractTest, ReferencesAreToldApartByType) {
  Load(
      R"({"resourceType":"Appointment","status":"booked","contained":[{"resourceType":"Location","id":"l"}],"participant":[
      {"status":"accepted","actor":{"reference":"Patient/1"}},{"status":"accepted","actor":{"reference":"#l"}}]})");
  EXPECT_THAT(At("actor"), ElementsAre(ReferenceValue{std::nullopt, "Patient/1"}, ReferenceValue{std::nullopt, "#l"}));
}

TEST_F(ExtractTest, UrisWithAndWithoutTheirVersion) {
  Load(R"({"resourceType":"Patient","meta":{"profile":["http://p|1.0"],"source":"http://s"}})");
  EXPECT_THAT(At("_profile"), ElementsAre(UriValue{"http://p|1.0"}, UriValue{"http://p"}));
  EXPECT_THAT(At("_source"), ElementsAre(UriValue{"http://s"}));
}

TEST_F(ExtractTest, TheFirstEntryOfADocument) {
  Load(
      R"({"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Composition","id":"c","status":"final",
      "type":{"text":"t"},"date":"2020","author":[{"display":"a"}],"title":"t"}},{"resource":{"resourceType":"Patient","id":"p"}}]})");
  EXPECT_THAT(At("composition"), ElementsAre(ReferenceValue{std::nullopt, "Composition/c"}));
}

TEST_F(ExtractTest, CompositesKeepTheComponentsOfOneElementTogether) {
  Load(R"({"resourceType":"Observation","status":"final","code":{"text":"c"},"component":[
      {"code":{"coding":[{"system":"s","code":"a"}]},"valueQuantity":{"value":1,"system":"http://unitsofmeasure.org","code":"kg"}},
      {"code":{"coding":[{"code":"b"}]},"valueCodeableConcept":{"coding":[{"system":"t","code":"v"}]}}]})");
  const auto field = [](std::string_view code) {
    return GroupsOf(*FindSearchParam(*FindResourceType("Observation"), code))[0].field;
  };
  EXPECT_THAT(AtField(field("component-code-value-quantity")),
              UnorderedElementsAre(QuantityValue{1, 1, "s|a", CompositeUnit("", "")},
                                   QuantityValue{1, 1, "*|a", CompositeUnit("", "")},
                                   QuantityValue{1, 1, "s|a", CompositeUnit(kUcum, "kg")},
                                   QuantityValue{1, 1, "*|a", CompositeUnit(kUcum, "kg")},
                                   QuantityValue{1000, 1000, "s|a", CompositeUnit(kCanonicalUnits, "g")},
                                   QuantityValue{1000, 1000, "*|a", CompositeUnit(kCanonicalUnits, "g")}));
  EXPECT_THAT(AtField(field("component-code-value-concept")),
              UnorderedElementsAre(TokenValue{"|b", "t|v"}, TokenValue{"|b", "*|v"}, TokenValue{"*|b", "t|v"},
                                   TokenValue{"*|b", "*|v"}));
}

TEST(ReferencesIn, FindsEveryReferenceWithItsPlace) {
  const std::string text =
      R"({"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":"urn:uuid:1"},"contained":[)"
      R"({"resourceType":"Patient","id":"x","managingOrganization":{"reference":"Organization?name=a"}}],)"
      R"("extension":[{"url":"http://x","valueUri":"urn:uuid:2"},{"url":"http://x","valueString":"urn:uuid:3"},)"
      R"({"url":"http://x","valueCanonical":"urn:uuid:6"},{"url":"http://x","valueUrl":"urn:oid:2.7"},)"
      R"({"url":"http://x","valueUuid":"urn:uuid:11111111-1111-4111-8111-111111111111"}],)"
      R"("identifier":[{"system":"urn:uuid:4","value":"urn:uuid:5"}]})";
  const auto document = json::Document::Parse(text);
  ASSERT_TRUE(document.ok());
  const Validation validation = Validate(document->root());
  ASSERT_TRUE(validation.ok()) << OperationOutcome(validation.issues);
  json::Edits edits;
  std::vector<std::string> found;
  for (const ReferenceSite& site : ReferencesIn(document->root(), validation.typing)) {
    found.emplace_back(site.text);
    edits.Replace(site.begin, site.end, "\"R\"");
  }
  EXPECT_THAT(found, ElementsAre("urn:uuid:1", "Organization?name=a", "urn:uuid:2", "urn:oid:2.7"));
  const std::string edited = edits.Apply(document->root());
  EXPECT_EQ(edited.size(),
            text.size() - std::string("urn:uuid:1").size() - std::string("Organization?name=a").size() - 10 - 11 + 4);
  EXPECT_NE(edited.find(R"("subject":{"reference":"R"})"), edited.npos);
}

// Values have the kind of their field, for every example of the specification.
TEST(Fields, HoldValuesOfTheirKindOnly) {
  const auto files = FilesBelow(FhirData() / "r4-examples");
  if (files.empty()) GTEST_SKIP() << "no examples in " << FhirData();
  MemoryCatalog catalog;
  std::set<std::pair<TypeId, storage::FieldId>> used;
  for (const auto& file : files) {
    const auto document = json::Document::Parse(ReadAll(file));
    ASSERT_TRUE(document.ok());
    const Validation validation = Validate(document->root());
    const TypeId type = *ResourceTypeOf(document->root());
    const auto fields = FieldsOf(type);
    const auto values = Extract(document->root(), validation.typing, catalog, {});
    ASSERT_TRUE(values.ok());
    for (const auto& entry : values->entries) {
      const auto number = static_cast<size_t>(entry.field);
      ASSERT_LT(number, fields.size());
      EXPECT_EQ(static_cast<size_t>(fields[number].kind), entry.value.index() + 1)
          << TypeOf(type).name << " " << fields[number].name;
      used.insert({type, entry.field});
    }
  }
  EXPECT_GT(used.size(), 900u);
}

TEST(Fields, AreNumberedWithoutGapsAndNamedOnce) {
  for (const TypeId type : ResourceTypes()) {
    const auto fields = FieldsOf(type);
    ASSERT_EQ(fields.size(), TypeOf(type).search_fields) << TypeOf(type).name;
    std::set<std::string> names;
    for (size_t i = 0; i < fields.size(); ++i) {
      EXPECT_EQ(fields[i].number, i);
      EXPECT_TRUE(names.insert(fields[i].name).second) << TypeOf(type).name << " " << fields[i].name;
    }
  }
}

}  // namespace
}  // namespace hilum::fhir
