#include <gmock/gmock.h>

#include "tests/fhir/interactions/store_fixture.h"

namespace hilum::fhir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MetaTest : public StoreFixture {
 protected:
  Answer Change(std::string_view url, const std::string& meta) {
    return Run(url,
               {.method = "POST",
                .body = R"({"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":)" + meta + "}]}"});
  }
};

TEST_F(MetaTest, OfAResourceIsItsMetaAlone) {
  Put(Patient("1", "Doe", R"(,"meta":{"tag":[{"system":"http://a.test","code":"t"}]})"));
  const Answer answer = Get("Patient/1/$meta");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr(R"("tag":[{"system":"http://a.test","code":"t"}])"));
  EXPECT_THAT(answer.body, HasSubstr(R"("versionId":"1")"));
  EXPECT_THAT(answer.body, Not(HasSubstr("Doe")));
  const auto document = json::Document::Parse(answer.body);
  ASSERT_TRUE(document.ok());
  EXPECT_TRUE(Validate(document->root()).ok());
}

TEST_F(MetaTest, IsNotThereForResourcesThatAreNot) {
  Put(Patient("1", "Doe"));
  Delete("Patient", "1");
  EXPECT_EQ(Get("Patient/1/$meta").status, 410);
  EXPECT_EQ(Get("Patient/2/$meta").status, 404);
}

TEST_F(MetaTest, GetsManyTagsAtOnce) {
  Put(Patient("1", "Doe"));
  std::string tags;
  for (int i = 0; i < 50'000; ++i)
    tags += (i == 0 ? "" : ",") + (R"({"system":"s","code":")" + std::to_string(i) + "\"}");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(Change("Patient/1/$meta-add", R"({"tag":[)" + tags + "]}").status, 200);
  EXPECT_EQ(Change("Patient/1/$meta-delete", R"({"tag":[)" + tags + "]}").status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
  EXPECT_THAT(Get("Patient/1/$meta").body, Not(HasSubstr("tag")));
}

TEST_F(MetaTest, GetsMoreTagsEachOnce) {
  Put(Patient("1", "Doe", R"(,"meta":{"tag":[{"system":"http://a.test","code":"t"}]})"));
  const std::string change = R"({"tag":[{"code":"t","system":"http://a.test"},{"code":"new"}],"profile":["http://p"]})";
  const Answer answer = Change("Patient/1/$meta-add", change);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(R"("tag":[{"system":"http://a.test","code":"t"},{"code":"new"}])"));
  EXPECT_THAT(answer.body, HasSubstr(R"("profile":["http://p"])"));
  EXPECT_EQ(BundleView(Get("Patient?_tag=new&_profile=http://p")).total, 1);
  EXPECT_THAT(Get("Patient/1").body, HasSubstr("Doe"));
}

TEST_F(MetaTest, LosesTheTagsNamed) {
  Put(Patient("1", "Doe", R"(,"meta":{"tag":[{"system":"http://a.test","code":"t"},{"code":"t"}]})"));
  EXPECT_THAT(Change("Patient/1/$meta-delete", R"({"tag":[{"code":"t"},{"code":"other"}]})").body,
              HasSubstr(R"("tag":[{"system":"http://a.test","code":"t"}])"));
  EXPECT_THAT(Change("Patient/1/$meta-delete", R"({"tag":[{"system":"http://a.test","code":"t"}]})").body,
              Not(HasSubstr("\"tag\"")));
  EXPECT_EQ(BundleView(Get("Patient?_tag=t")).total, 0);
}

TEST_F(MetaTest, StaysValid) {
  Put(Patient("1", "Doe"));
  for (const char* change : {R"({"tag":[{"code":7}]})", R"({"tag":["t"]})", R"({"profile":[{"x":1}]})"})
    EXPECT_GE(Change("Patient/1/$meta-add", change).status, 400) << change;
  EXPECT_EQ(Get("Patient/1").version, 1u);
}

TEST_F(MetaTest, OfATypeAndOfEverythingIsWhatAnyOfTheResourcesHas) {
  Put(Patient("1", "Doe", R"(,"meta":{"profile":["http://p.test/a"],"tag":[{"system":"urn:t","code":"x"}]})"));
  Put(Patient("2", "Roe",
              R"(,"meta":{"profile":["http://p.test/b"],"tag":[{"system":"urn:t","code":"x"},{"code":"y"}]})"));
  Put(Observation("1", "1", "c", R"(,"meta":{"security":[{"system":"urn:s","code":"R"}]})"));
  Put(Patient("3", "Moe", R"(,"meta":{"tag":[{"code":"gone"}]})"));
  Delete("Patient", "3");
  EXPECT_EQ(
      Get("Patient/$meta").body,
      R"({"resourceType":"Parameters","parameter":[{"name":"return","valueMeta":{)"
      R"("profile":["http://p.test/a","http://p.test/b"],"tag":[{"code":"y"},{"system":"urn:t","code":"x"}]}}]})");
  EXPECT_THAT(Get("$meta").body, HasSubstr(R"("security":[{"system":"urn:s","code":"R"}],"tag":[{"code":"y"})"));
  EXPECT_EQ(Get("Group/$meta").body, R"({"resourceType":"Parameters","parameter":[{"name":"return"}]})");
}

TEST_F(MetaTest, NamesTheParametersThatItIgnores) {
  Put(Patient("1", "Doe"));
  for (const std::string url : {"$meta", "Patient/$meta", "Patient/1/$meta"}) {
    const Answer answer = Get(url + "?foo=bar&_pretty=true");
    EXPECT_EQ(answer.status, 200) << url;
    ASSERT_EQ(answer.warnings.size(), 1u) << url;
    EXPECT_EQ(answer.warnings[0].diagnostics, "$meta has no parameter 'foo'; it is ignored");
    EXPECT_EQ(Get(url + "?foo=bar", {.prefer_handling = Handling::kStrict}).status, 400) << url;
    EXPECT_TRUE(Get(url).warnings.empty()) << url;
  }
}

TEST_F(MetaTest, ChangesTheVersionThatIfMatchNames) {
  Put(Patient("1", "Doe"));
  const std::string tag =
      R"({"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"x"}]}}]})";
  const auto add = [&](const std::string& match) {
    return Run("Patient/1/$meta-add", {.method = "POST", .body = tag, .if_match = match}).status;
  };
  EXPECT_EQ(add("W/\"99\""), 412);
  EXPECT_THAT(Get("Patient/1/$meta").body, Not(HasSubstr("\"x\"")));
  EXPECT_EQ(add("W/\"1\""), 200);
  EXPECT_EQ(add("W/\"1\""), 412) << "it has version 2 now";
  EXPECT_EQ(add("*"), 200);
}

TEST_F(MetaTest, RefusesWhatIsNoMeta) {
  Put(Patient("1", "Doe"));
  for (const std::string meta : {R"({"security":"http://x|R"})", R"({"securitty":[{"code":"R"}]})", R"([])"}) {
    const Answer answer = Change("Patient/1/$meta-add", meta);
    EXPECT_EQ(answer.status, 400) << meta;
  }
  EXPECT_EQ(Run("Patient/1/$meta-add", {.method = "POST", .body = Patient("1", "Doe")}).status, 400);
  EXPECT_THAT(Get("Patient/1").body, HasSubstr(R"("versionId":"1")"));
}

TEST_F(MetaTest, RefusesWhatIsNotDone) {
  Put(Patient("1", "Doe"));
  for (const char* url : {"$meta-add", "Patient/$meta-delete"}) {
    const Answer answer = Run(url, {.method = "POST"});
    EXPECT_EQ(answer.status, 405) << url;
    EXPECT_THAT(answer.body, HasSubstr("not-supported")) << url;
  }
  EXPECT_EQ(Get("Patient/1/$meta-add").status, 405);
  EXPECT_EQ(Run("Patient/1/$meta-add", {.method = "POST"}).status, 400);
  EXPECT_EQ(Run("Patient/1/$meta-add", {.method = "POST", .body = R"({"resourceType":"Parameters"})"}).status, 400);
  EXPECT_EQ(Change("Patient/2/$meta-add", R"({"tag":[{"code":"x"}]})").status, 404);
}

}  // namespace
}  // namespace hilum::fhir
