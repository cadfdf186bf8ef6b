#include <gmock/gmock.h>

#include <map>

#include "tests/fhir/interactions/store_fixture.h"

namespace hilum::fhir {
namespace {

class CapabilityTest : public StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    Configure({.software_version = "1.2.3"});
    auto document = json::Document::Parse(Get("metadata").body);
    ASSERT_TRUE(document.ok()) << document.status().ToString();
    document_ = std::make_unique<json::Document>(*std::move(document));
  }
  json::Value rest() { return json::Find(document_->root(), "rest")->At(0); }

  std::unique_ptr<json::Document> document_;
};

TEST_F(CapabilityTest, IsValid) {
  const Validation validation = Validate(document_->root());
  EXPECT_TRUE(validation.ok()) << OperationOutcome(validation.issues);
  EXPECT_EQ(json::Find(document_->root(), "fhirVersion").TextOr(""), "4.0.1");
  EXPECT_EQ(json::Find(document_->root(), "software")["version"].TextOr(""), "1.2.3");
  EXPECT_EQ(json::Find(document_->root(), "implementation")["url"].TextOr(""), kBase);
}

TEST_F(CapabilityTest, SaysWhetherReferencesAreEnforced) {
  const auto policies = [&] { return At(Get("metadata").body, "rest.0.resource.0.referencePolicy"); };
  EXPECT_EQ(policies(), R"(["literal","logical","local"])");
  resource_options_.references = ReferencePolicy::kEnforce;
  Reopen();
  EXPECT_EQ(policies(), R"(["literal","logical","local","enforced"])");
}

TEST_F(CapabilityTest, IsOfTheTimeSinceWhichItHolds) {
  const std::string date = At(Get("metadata").body, "date");
  clock_.Advance(std::chrono::hours(1));
  EXPECT_EQ(At(Get("metadata").body, "date"), date);
  Reopen();
  EXPECT_GT(At(Get("metadata").body, "date"), date);
}

TEST_F(CapabilityTest, NamesEveryResourceTypeOfR4) {
  std::vector<std::string_view> named;
  for (const json::Value resource : json::Find(rest(), "resource")->children())
    named.push_back(json::Find(resource, "type").TextOr(""));
  std::vector<std::string_view> defined;
  for (const TypeId type : ResourceTypes()) defined.push_back(TypeOf(type).name);
  EXPECT_EQ(named, defined);
}

// What is promised works, and what is not promised is not there.
TEST_F(CapabilityTest, NamesTheSearchParametersThatSearchTakes) {
  for (const json::Value resource : json::Find(rest(), "resource")->children()) {
    const std::string name(json::Find(resource, "type").TextOr(""));
    std::map<std::string, std::string> promised;
    for (const json::Value param : json::Find(resource, "searchParam")->children())
      promised[std::string(json::Find(param, "name").TextOr(""))] = json::Find(param, "type").TextOr("");
    EXPECT_TRUE(promised.contains("_id")) << name;
    for (const SearchParam& param : SearchParamsOf(*FindResourceType(name))) {
      const std::string code(param.code);
      const bool takes_missing = promised.contains(code) && promised[code] != "composite" && code != "_id";
      const std::string url = name + "?" + code + (takes_missing ? ":missing=true" : "=a");
      const Answer answer = Get(url, {.prefer_handling = Handling::kStrict});
      const bool unknown = answer.body.find("is not supported") != std::string::npos;
      EXPECT_EQ(unknown, !promised.contains(code)) << url << " " << answer.body.substr(0, 300);
    }
  }
}

TEST_F(CapabilityTest, NamesIncludesThatAreFollowed) {
  size_t names = 0;
  for (const json::Value resource : json::Find(rest(), "resource")->children()) {
    for (const char* list : {"searchInclude", "searchRevInclude"}) {
      for (const json::Value include : json::Find(resource, list)->children()) {
        const std::string text(include.text());
        if (text == "*") continue;
        const TypeId source = *FindResourceType(text.substr(0, text.find(':')));
        const SearchParam* param = FindSearchParam(source, text.substr(text.find(':') + 1));
        ASSERT_NE(param, nullptr) << text;
        EXPECT_FALSE(IsByCanonical(*param)) << text;
        ++names;
      }
    }
  }
  EXPECT_GT(names, 1000u);
}

TEST_F(CapabilityTest, NamesOnlyOperationsThatExist) {
  Put(Patient("1", "Doe"));
  for (const json::Value resource : json::Find(rest(), "resource")->children()) {
    if (json::Find(resource, "type").TextOr("") != "Patient") continue;
    const json::MaybeValue operations = json::Find(resource, "operation");
    ASSERT_TRUE(operations);
    EXPECT_EQ(operations->size(), 4u);
    for (const json::Value operation : operations->children()) {
      const std::string url = "Patient/1/$" + std::string(json::Find(operation, "name").TextOr(""));
      const Answer answer = Run(
          url,
          {.method = "POST",
           .body =
               R"({"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"x"}]}}]})"});
      EXPECT_EQ(answer.status, 200) << url << " " << answer.body;
    }
  }
}

}  // namespace
}  // namespace hilum::fhir
