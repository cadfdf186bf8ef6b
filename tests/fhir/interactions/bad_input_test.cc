// What nobody should send: refused with an OperationOutcome that says why, or done, but always soon.
#include <gmock/gmock.h>

#include <chrono>

#include "tests/fhir/interactions/store_fixture.h"

namespace hilum::fhir {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

// Far more than any of this takes, far less than what grows with the square of it would.
constexpr auto kSoon = std::chrono::seconds(30);

class BadInputTest : public StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    Put(Patient("a", "Ash", R"(,"link":[{"other":{"reference":"Patient/b"},"type":"seealso"}])"));
    Put(Patient("b", "Birch", R"(,"link":[{"other":{"reference":"Patient/a"},"type":"seealso"}])"));
    started_ = std::chrono::steady_clock::now();
  }
  void TearDown() override { EXPECT_LT(std::chrono::steady_clock::now() - started_, kSoon); }

  void Refuses(const Answer& answer, int status, const std::string& reason) {
    EXPECT_EQ(answer.status, status) << answer.body.substr(0, 500);
    EXPECT_EQ(At(answer.body, "resourceType"), "OperationOutcome");
    EXPECT_THAT(At(answer.body, "issue.0.diagnostics"), HasSubstr(reason));
    EXPECT_LT(answer.body.size(), 10'000u) << "an answer does not repeat what was sent";
  }
  Answer Post(const std::string& body) { return Run("/Patient", {.method = "POST", .body = body}); }
  Answer Search(std::vector<Parameter> query) { return Run("/Patient", {.method = "GET", .query = std::move(query)}); }

  std::chrono::steady_clock::time_point started_;
};

std::string Repeat(std::string_view text, size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST_F(BadInputTest, NumbersOfAMillionDigits) {
  const std::string number = Repeat("7", 1'000'000);
  Refuses(Post(R"({"resourceType":"Patient","multipleBirthInteger":)" + number + "}"), 413, "128 characters");
  Refuses(Get("/Observation?value-quantity=" + number), 400, "expected a number");
  Refuses(Get("/Patient?birthdate=gt" + number), 400, "expected a date");
  Refuses(Get("/Patient?_count=" + number), 400, "_count");
}

TEST_F(BadInputTest, RepeatedNames) {
  Refuses(Post(R"({"resourceType":"Patient","gender":"male","gender":"female"})"), 400, "occurs twice");
  std::string many = R"({"resourceType":"Patient")";
  for (int i = 0; i < 100'000; ++i) many += ",\"x" + std::to_string(i) + "\":1";
  const Answer answer = Post(many + "}");
  EXPECT_THAT(answer.status, AnyOf(400, 413));
}

TEST_F(BadInputTest, LoneSurrogatesAndBrokenText) {
  Refuses(Post(R"({"resourceType":"Patient","language":"\ud800"})"), 400, "surrogate");
  Refuses(Post("{\"resourceType\":\"Patient\",\"language\":\"\xff\"}"), 400, "UTF-8");
  Refuses(Post("{\"resourceType\":\"Pat"), 400, "line 1");
  Refuses(Post(""), 400, "");
}

TEST_F(BadInputTest, DeepNesting) {
  Refuses(Post(R"({"resourceType":"Patient","extension":)" + Repeat("[", 1'000'000)), 413, "64");
  Refuses(Get("/Patient?" + Repeat("link:Patient.", 17) + "name=x"), 413, "16 levels");
  Refuses(Get("/Patient?" + Repeat("_has:Patient:link:", 17) + "name=x"), 413, "16 levels");
  Refuses(Get("/Patient?" + Repeat("_has:Patient:link:", 50'000) + "name=x"), 413, "16 levels");
}

TEST_F(BadInputTest, TenThousandParameters) {
  EXPECT_EQ(Search(std::vector<Parameter>(10'000, {"name", "a"})).status, 200);
  Refuses(Search(std::vector<Parameter>(10'001, {"name", "a"})), 413, "parameters");
}

TEST_F(BadInputTest, TenThousandUnknownParameters) {
  std::vector<Parameter> unknown;
  for (int i = 0; i < 10'000; ++i) unknown.push_back({"nmae" + std::to_string(i), "x"});
  EXPECT_EQ(Search(unknown).status, 200);
  EXPECT_EQ(Run("/", {.method = "GET", .query = unknown}).status, 200);
}

TEST_F(BadInputTest, AHundredThousandValues) {
  std::string ids = "a", names = "a";
  for (int i = 1; i < 99'999; ++i) {
    ids += "," + std::to_string(i);
    names += "," + std::to_string(i);
  }
  EXPECT_EQ(BundleView(Search({{"_id", ids}})).total, 1);
  EXPECT_EQ(BundleView(Search({{"name", names}})).total, 1);
  Refuses(Search({{"_id", ids + ",b"}}), 413, "fewer values");
  Refuses(Search({{"name", names + ",b"}}), 413, "100000 steps");
}

TEST_F(BadInputTest, IncludesThatGoInCircles) {
  for (const char* how : {"_include:iterate=Patient:link", "_revinclude:iterate=Patient:link", "_include:iterate=*"}) {
    const BundleView found(Get(std::string("/Patient?_id=a&") + how));
    EXPECT_EQ(found.matches, std::vector<std::string>{"Patient/a"});
    EXPECT_EQ(found.included, std::vector<std::string>{"Patient/b"}) << how;
  }
  std::vector<Parameter> many(9'000, {"_include:iterate", "*"});
  many.push_back({"_id", "a"});
  EXPECT_EQ(BundleView(Search(many)).included.size(), 1u);
}

TEST_F(BadInputTest, ForgedCursors) {
  const std::string next = BundleView(Get("/Patient?_count=1")).Link("next");
  ASSERT_FALSE(next.empty());
  const size_t cursor = next.find("_cursor=") + 8;
  // But the last letter of base64, which may hold bits that count for nothing.
  for (size_t i = cursor; i + 1 < next.size(); ++i) {
    std::string forged = next;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(Get(forged).status, 400) << forged;
  }
  for (const std::string& text : {std::string("A"), Repeat("A", 1'000'000), std::string("%7F"), std::string("=")}) {
    EXPECT_EQ(Get("/Patient?_count=1&_cursor=" + text).status, 400) << text.substr(0, 20);
  }
}

TEST_F(BadInputTest, PrefixesModifiersAndTypesThatDoNotExist) {
  Refuses(Get("/Patient?birthdate=xx2020"), 400, "expected a date");
  Refuses(Get("/Patient?name:sideways=x"), 400, "modifier");
  Refuses(Get("/Patient?gender:exact=x"), 400, "modifier");
  Refuses(Get("/Pacient"), 404, "no FHIR R4 resource type");
  Refuses(Post(R"({"resourceType":"Pacient"})"), 400, "");
}

TEST_F(BadInputTest, BundlesOfTooManyEntries) {
  Configure({.max_bundle_entries = 1000});
  const std::string entry = R"({"request":{"method":"GET","url":"Patient/a"}})";
  const std::string body =
      R"({"resourceType":"Bundle","type":"batch","entry":[)" + Repeat(entry + ",", 1000) + entry + "]}";
  Refuses(Run("/", {.method = "POST", .body = body}), 413, "at most 1000 entries");
}

}  // namespace
}  // namespace hilum::fhir
