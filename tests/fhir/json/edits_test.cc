#include "fhir/json/edits.h"

#include <gtest/gtest.h>

#include <string>

namespace hilum::fhir::json {
namespace {

constexpr Identity kIdentity = {.id = "42", .version_id = "7", .last_updated = "2020-01-02T03:04:05.006Z"};

std::string WithIdentity(const std::string& text, const Identity& identity = kIdentity) {
  const auto document = Document::Parse(text);
  EXPECT_TRUE(document.ok()) << text;
  Edits edits;
  SetIdentity(document->root(), identity, &edits);
  return edits.Apply(document->root());
}

std::string WithoutIdentity(const std::string& text) {
  const auto document = Document::Parse(text);
  EXPECT_TRUE(document.ok()) << text;
  Edits edits;
  ClearIdentity(document->root(), &edits);
  return edits.Apply(document->root());
}

TEST(Edits, SetIdentityAddsWhatIsMissingBehindTheType) {
  EXPECT_EQ(
      WithIdentity(R"({ "resourceType" : "Basic" , "x":1.10 })"),
      R"({ "resourceType" : "Basic","id":"42","meta":{"versionId":"7","lastUpdated":"2020-01-02T03:04:05.006Z"} , "x":1.10 })");
}

TEST(Edits, SetIdentityReplacesInPlace) {
  EXPECT_EQ(
      WithIdentity(R"({"id":"old","meta":{"profile":["p"],"versionId" : "1"},"v":1E3,"resourceType":"Basic"})"),
      R"({"id":"42","meta":{"lastUpdated":"2020-01-02T03:04:05.006Z","profile":["p"],"versionId" : "7"},"v":1E3,"resourceType":"Basic"})");
  EXPECT_EQ(WithIdentity(R"({"resourceType":"Basic","meta":{ },"id":"\u0041"})"),
            R"({"resourceType":"Basic","meta":{"versionId":"7","lastUpdated":"2020-01-02T03:04:05.006Z" },"id":"42"})");
}

TEST(Edits, SetIdentityLeavesAloneWhatIsNotAskedFor) {
  const std::string text = R"({"resourceType":"Basic","id":"a"})";
  EXPECT_EQ(WithIdentity(text, {}), text);
  EXPECT_EQ(WithIdentity(text, {.version_id = "2"}), R"({"resourceType":"Basic","meta":{"versionId":"2"},"id":"a"})");
}

TEST(Edits, ClearIdentityLeavesWhatTwoVersionsHaveInCommon) {
  EXPECT_EQ(WithoutIdentity(R"({"resourceType":"Basic","id":"a","meta":{"versionId":"1"},"x":1})"),
            R"({"resourceType":"Basic","x":1})");
  EXPECT_EQ(WithoutIdentity(R"({"id":"a","resourceType":"Basic","meta":{"versionId":"1","tag":[],"lastUpdated":"t"}})"),
            R"({"resourceType":"Basic","meta":{"tag":[]}})");
  EXPECT_EQ(WithoutIdentity(R"({"id":"a"})"), "{}");
  EXPECT_EQ(WithoutIdentity(R"({"resourceType":"Basic"})"), R"({"resourceType":"Basic"})");
}

TEST(Edits, SetAndClearAreInverse) {
  for (const std::string text : {R"({"resourceType":"Basic"})", R"({"resourceType":"Basic","x":[{"y":0.10}]})",
                                 R"({"resourceType":"Basic","meta":{"tag":[{"code":"c"}]},"x":1})"}) {
    EXPECT_EQ(WithoutIdentity(WithIdentity(text)), text);
  }
}

TEST(Edits, ApplyToAPartMovesOnlyWhatLiesInIt) {
  const std::string text = R"([{"r":"urn:uuid:1"},{"r":"urn:uuid:2"}])";
  const auto document = Document::Parse(text);
  ASSERT_TRUE(document.ok());
  Edits edits;
  for (const Value item : document->root().children()) {
    const MaybeValue reference = Find(item, "r");
    edits.Replace(reference->begin(), reference->end(), Quoted("Patient/\"x\""));
  }
  EXPECT_EQ(edits.Apply(document->root().At(1)), R"({"r":"Patient/\"x\""})");
  EXPECT_EQ(edits.Apply(document->root()), R"([{"r":"Patient/\"x\""},{"r":"Patient/\"x\""}])");
}

TEST(Edits, QuotedTextIsReadBackAsItWas) {
  std::string text = "\"\\/\u20ac";
  for (char c = 1; c < 0x20; ++c) text.push_back(c);
  const auto document = Document::Parse(Quoted(text));
  ASSERT_TRUE(document.ok()) << document.status().message();
  EXPECT_EQ(document->root().text(), text);
}

TEST(Edits, FitAPlaceInTheTextEachOrDoNotFit) {
  const auto fit = [](std::initializer_list<std::pair<size_t, size_t>> ranges) {
    Edits edits;
    for (const auto& [begin, end] : ranges) edits.Replace(begin, end, "x");
    return edits.Fit(10);
  };
  EXPECT_TRUE(fit({}));
  EXPECT_TRUE(fit({{8, 10}, {0, 4}, {4, 4}, {4, 8}}));
  EXPECT_FALSE(fit({{9, 11}}));
  EXPECT_FALSE(fit({{5, 4}}));
  EXPECT_FALSE(fit({{0, 4}, {3, 5}}));
  EXPECT_FALSE(fit({{11, 11}}));
}

}  // namespace
}  // namespace hilum::fhir::json
