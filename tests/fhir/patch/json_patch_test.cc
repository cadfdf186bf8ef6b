#include "fhir/patch/json_patch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace hilum::fhir {
namespace {

Result<std::string> Patched(std::string text, const std::string& patch, const PatchLimits& limits = {}) {
  const auto document = json::Document::Parse(std::move(text));
  EXPECT_TRUE(document.ok());
  return ApplyJsonPatch(document->root(), patch, limits);
}

std::string Repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

struct Case {
  std::string name, resource, patch, verdict, expected;
};

// "== name", the resource, "-- patch", the patch, "-- is | invalid | conflict", what comes out or is in the error.
std::vector<Case> ReadCases(const std::string& file) {
  std::ifstream in(file);
  EXPECT_TRUE(in.good()) << file;
  std::vector<Case> cases;
  std::string* into = nullptr;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("== ")) {
      cases.push_back({.name = line.substr(3)});
      into = &cases.back().resource;
    } else if (line == "-- patch") {
      into = &cases.back().patch;
    } else if (line.starts_with("-- ")) {
      cases.back().verdict = line.substr(3);
      into = &cases.back().expected;
    } else if (!line.empty() && into) {
      *into += line;
    }
  }
  return cases;
}

TEST(JsonPatch, DoesWhatTheCasesSay) {
  const auto cases = ReadCases(HILUM_SOURCE_DIR "/tests/cases/patch/rfc6902.case");
  ASSERT_GT(cases.size(), 30u);
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    const auto result = Patched(test.resource, test.patch);
    if (test.verdict != "is") {
      ASSERT_FALSE(result.ok());
      EXPECT_EQ(result.status().code(), test.verdict == "conflict" ? Code::kConflict : Code::kInvalid);
      EXPECT_NE(result.status().message().find(test.expected), std::string::npos) << result.status().message();
      continue;
    }
    ASSERT_TRUE(result.ok()) << result.status().message();
    // White space of what was not touched is kept; the cases do not say what was.
    const auto is = json::Document::Parse(*result);
    const auto expected = json::Document::Parse(test.expected);
    ASSERT_TRUE(is.ok() && expected.ok());
    const auto compact = [](std::string text) {
      std::erase(text, ' ');
      return text;
    };
    EXPECT_EQ(compact(*result), compact(test.expected));
  }
}

TEST(JsonPatch, KeepsEveryByteOfWhatIsNotTouched) {
  const auto result = Patched(R"({"a" : { "value" : 1.10 , "s":"\u0041" }, "b" : [ 1.0 , 2 ], "c":3})",
                              R"([{"op":"replace","path":"/c","value":1.000}])");
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(*result, R"({"a":{ "value" : 1.10 , "s":"\u0041" },"b":[ 1.0 , 2 ],"c":1.000})");
}

TEST(JsonPatch, WithoutChangesTheTextIsTheSame) {
  const std::string text = R"({ "a" : [ 1 ] })";
  EXPECT_EQ(*Patched(text, "[]"), text);
}

TEST(JsonPatch, ErrorsNeverHoldValues) {
  const auto result = Patched(R"({"name":"Secret"})", R"([{"op":"test","path":"/name","value":"Other"}])");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().message().find("Secret"), std::string::npos);
  EXPECT_EQ(result.status().message().find("Other"), std::string::npos);
}

TEST(JsonPatch, LongPointersAreCutInErrors) {
  const auto result = Patched("{}", R"([{"op":"remove","path":"/)" + Repeated("é", 5000) + R"("}])");
  ASSERT_FALSE(result.ok());
  EXPECT_LT(result.status().message().size(), 400u);
}

TEST(JsonPatch, TooManyOperationsAreRefused) {
  const std::string one = R"({"op":"add","path":"/a","value":1},)";
  std::string patch = "[" + Repeated(one, 11);
  patch.back() = ']';
  const auto result = Patched("{}", patch, {.operations = 10});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), Code::kLimit);
}

TEST(JsonPatch, CopiesThatDoubleTheResourceEachTimeAreStopped) {
  std::string patch = "[";
  for (int i = 0; i < 40; ++i) {
    patch += R"({"op":"copy","from":"/a","path":"/b"},{"op":"add","path":"/a","value":[]},)";
    patch += R"({"op":"copy","from":"/b","path":"/a/-"},{"op":"copy","from":"/b","path":"/a/-"},)";
  }
  patch.back() = ']';
  const auto result = Patched(R"({"a":"0123456789"})", patch);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), Code::kLimit);
}

TEST(JsonPatch, ResultsDeeperThanResourcesMayBeAreRefused) {
  std::string patch = "[";
  for (int i = 0; i < 10; ++i)
    patch += R"({"op":"copy","from":"","path":"/a"},{"op":"copy","from":"","path":")" + Repeated("/a", 1 << i) + "\"},";
  patch.back() = ']';
  const auto result = Patched("{}", patch);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), Code::kLimit);
}

TEST(JsonPatch, WorkIsBounded) {
  std::string resource = R"({"a":[)" + Repeated("1,", 10'000) + "1]}";
  std::string patch = "[" + Repeated(R"({"op":"add","path":"/a/0","value":1},)", 9'000);
  patch.back() = ']';
  const auto result = Patched(std::move(resource), patch, {.steps = 100'000});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), Code::kLimit);
}

}  // namespace
}  // namespace hilum::fhir
