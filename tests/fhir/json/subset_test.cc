#include "fhir/json/subset.h"

#include <gtest/gtest.h>

#include <string>

namespace hilum::fhir::json {
namespace {

#define SUBSETTED R"({"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"})"

constexpr char kObservation[] =
    R"({"resourceType":"Observation","id":"o","meta":{"versionId":"3"},"text":{"status":"empty","div":"<div/>"},)"
    R"("status":"final","_status":{"id":"s"},"code":{"text":"c"},"valueQuantity":{"value":1.10},"note":[{"text":"n"}],)"
    R"("component":[{"code":{"text":"d"},"referenceRange":[{"text":"r"}],"valueString":"v"}]})";

Document Parsed(std::string text) {
  auto document = Document::Parse(std::move(text));
  EXPECT_TRUE(document.ok());
  return std::move(document).value();
}

TEST(Subset, SummaryKeepsSummaryElementsInTheirOrder) {
  EXPECT_EQ(Summarize(Parsed(kObservation).root(), Summary::kTrue),
            R"({"resourceType":"Observation","id":"o","meta":{"tag":[)" SUBSETTED R"(],"versionId":"3"},)"
            R"("status":"final","_status":{"id":"s"},"code":{"text":"c"},"valueQuantity":{"value":1.10},)"
            R"("component":[{"code":{"text":"d"},"valueString":"v"}]})");
}

TEST(Subset, TextSummaryKeepsTextAndWhatIsMandatory) {
  EXPECT_EQ(Summarize(Parsed(kObservation).root(), Summary::kText),
            R"({"resourceType":"Observation","id":"o","meta":{"tag":[)" SUBSETTED R"(],"versionId":"3"},)"
            R"("text":{"status":"empty","div":"<div/>"},"status":"final","_status":{"id":"s"},"code":{"text":"c"}})");
}

TEST(Subset, DataSummaryDropsTheTextOnly) {
  const std::string data = Summarize(Parsed(kObservation).root(), Summary::kData);
  EXPECT_EQ(data.find("\"div\""), std::string::npos);
  EXPECT_NE(data.find(R"("note":[{"text":"n"}])"), std::string::npos);
}

TEST(Subset, ElementsKeepsTheNamedAndTheMandatory) {
  EXPECT_EQ(SelectElements(Parsed(kObservation).root(), {"value"}),
            R"({"resourceType":"Observation","id":"o","meta":{"tag":[)" SUBSETTED R"(],"versionId":"3"},)"
            R"("status":"final","_status":{"id":"s"},"code":{"text":"c"},"valueQuantity":{"value":1.10}})");
}

TEST(Subset, MarksAResourceWithoutMetaAndKeepsItsOtherTags) {
  EXPECT_EQ(SelectElements(Parsed(R"({"resourceType":"Patient","gender":"male"})").root(), {}),
            R"({"resourceType":"Patient","meta":{"tag":[)" SUBSETTED R"(]}})");
  EXPECT_EQ(SelectElements(Parsed(R"({"meta":{"tag":[{"code":"t"}]},"resourceType":"Patient"})").root(), {}),
            R"({"meta":{"tag":[)" SUBSETTED R"(,{"code":"t"}]},"resourceType":"Patient"})");
}

TEST(Subset, PrettyKeepsEveryCharacterOfEveryValue) {
  EXPECT_EQ(Pretty(Parsed(R"({"a":[1.10,{"b":"\u0041"}],"c":{},"d":[]})").root()),
            "{\n  \"a\": [\n    1.10,\n    {\n      \"b\": \"\\u0041\"\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}");
}

}  // namespace
}  // namespace hilum::fhir::json
