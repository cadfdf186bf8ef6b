#include "server/fhir_rest/binary.h"

#include <gtest/gtest.h>

namespace hilum::fhir_rest {
namespace {

http::Request With(const std::string& method, http::Headers headers) {
  http::Request request;
  request.method = method;
  request.headers = std::move(headers);
  return request;
}

fhir::Interaction On(std::vector<std::string> path, std::vector<fhir::Parameter> query = {}) {
  return {.path = std::move(path), .query = std::move(query)};
}

const std::string kBinary = R"({"resourceType":"Binary","contentType":"text/plain","data":"SGFsbG8="})";

TEST(BinaryContent, IsWantedUnlessTheClientAsksForFhir) {
  for (const std::string accept : {"", "*/*", "text/plain", "image/png", "text/html,*/*;q=0.8"}) {
    EXPECT_TRUE(WantsContent(With("GET", {{"Accept", accept}}), On({"Binary", "1"}))) << accept;
    EXPECT_TRUE(WantsContent(With("HEAD", {{"Accept", accept}}), On({"Binary", "1", "_history", "2"}))) << accept;
  }
  for (const std::string accept : {"application/fhir+json", "application/fhir+xml", "application/json",
                                   "text/plain, application/fhir+json;q=0.1"}) {
    EXPECT_FALSE(WantsContent(With("GET", {{"Accept", accept}}), On({"Binary", "1"}))) << accept;
  }
  EXPECT_FALSE(WantsContent(With("GET", {}), On({"Binary", "1"}, {{"_format", "json"}})));
  EXPECT_FALSE(WantsContent(With("GET", {}), On({"Binary", "1"}, {{"_summary", "true"}})));
  EXPECT_FALSE(WantsContent(With("GET", {}), On({"Binary"})));
  EXPECT_FALSE(WantsContent(With("GET", {}), On({"Binary", "_history"})));
  EXPECT_FALSE(WantsContent(With("GET", {}), On({"Binary", "1", "_history"})));
  EXPECT_FALSE(WantsContent(With("GET", {}), On({"Patient", "1"})));
  EXPECT_FALSE(WantsContent(With("DELETE", {}), On({"Binary", "1"})));
}

TEST(BinaryContent, ComesInItsOwnType) {
  const fhir::Answer answer = ContentOf(With("GET", {{"Accept", "text/*"}}), {.body = kBinary, .version = 3});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "Hallo");
  EXPECT_EQ(answer.content_type, "text/plain");
  EXPECT_EQ(answer.version, 3u);
}

TEST(BinaryContent, IsAnotherRepresentationOfItsVersion) {
  EXPECT_EQ(ContentOf(With("GET", {}), {.body = kBinary, .version = 3}).variant, "content");
  EXPECT_EQ(ContentOf(With("GET", {}), {.status = 304, .version = 3}).variant, "content");

  const auto asked = [](bool wants_content, const std::string& method, const std::string& tags) {
    fhir::Interaction interaction = On({"Binary", "1"});
    interaction.method = method;
    interaction.if_none_match = tags;
    TakeContentTags(wants_content, &interaction);
    return interaction.if_none_match;
  };
  EXPECT_FALSE(fhir::NamesVersion(asked(true, "GET", "W/\"3\""), 3)) << "a kept resource is no content";
  EXPECT_NE(asked(true, "GET", "W/\"3\""), "") << "nor is it as if nothing was kept: there may be If-Modified-Since";
  EXPECT_TRUE(fhir::NamesVersion(asked(true, "GET", "W/\"3\", W/\"2-content\""), 2));
  EXPECT_EQ(asked(true, "GET", "*"), "*");
  EXPECT_EQ(asked(true, "GET", ""), "");
  EXPECT_FALSE(fhir::NamesVersion(asked(false, "GET", "W/\"3-content\""), 3)) << "nor is kept content a resource";
}

TEST(BinaryContent, IsReplacedByWhoHasReadEitherRepresentation) {
  for (const std::string tags : {"W/\"3\"", "W/\"3-content\"", "W/\"1\", W/\"3-content\""}) {
    fhir::Interaction put = On({"Binary", "1"});
    put.method = "PUT";
    put.if_match = tags;
    TakeContentTags(false, &put);
    EXPECT_TRUE(fhir::NamesVersion(put.if_match, 3)) << tags;
    EXPECT_FALSE(fhir::NamesVersion(put.if_match, 2)) << tags;
  }
}

TEST(BinaryContent, KeepsWhoMaySeeIt) {
  const http::Request put = With("PUT", {{"Content-Type", "text/plain"}, {"X-Security-Context", "Patient/1"}});
  const std::string binary = BinaryOf(put, On({"Binary", "x"}), "Hallo").value();
  EXPECT_EQ(
      binary,
      R"({"resourceType":"Binary","id":"x","contentType":"text/plain","securityContext":{"reference":"Patient/1"},)"
      R"("data":"SGFsbG8="})");
  EXPECT_EQ(ContentOf(With("GET", {}), {.body = binary}).security_context, "Patient/1");
}

TEST(BinaryContent, IsRefusedToWhoTakesAnotherType) {
  const fhir::Answer answer = ContentOf(With("GET", {{"Accept", "image/png"}}), {.body = kBinary});
  EXPECT_EQ(answer.status, 406);
  EXPECT_EQ(answer.content_type, "");
  EXPECT_EQ(ContentOf(With("GET", {{"Accept", "text/plain;q=0, */*"}}), {.body = kBinary}).status, 406);
}

TEST(BinaryContent, LeavesTheResourceWhereItCannotStandAlone) {
  const std::string odd = R"({"resourceType":"Binary","contentType":"text\nX-Evil: 1"})";
  EXPECT_EQ(ContentOf(With("GET", {}), {.body = odd}).body, odd);
  const fhir::Answer gone = ContentOf(With("GET", {}), {.status = 410, .body = "{}"});
  EXPECT_EQ(gone.body, "{}");
  EXPECT_EQ(gone.content_type, "");
}

TEST(BinaryContent, ComesAsTheBodyOfCreatesAndUpdates) {
  const auto brings = [](const std::string& method, std::vector<std::string> path, const std::string& type) {
    return BringsContent(With(method, {{"Content-Type", type}}), On(std::move(path)));
  };
  EXPECT_TRUE(brings("POST", {"Binary"}, "text/plain"));
  EXPECT_TRUE(brings("PUT", {"Binary", "1"}, "image/png"));
  EXPECT_FALSE(brings("POST", {"Binary"}, "application/fhir+json"));
  EXPECT_FALSE(brings("POST", {"Binary"}, "application/fhir+xml"));
  EXPECT_FALSE(brings("POST", {"Binary"}, ""));
  EXPECT_FALSE(brings("POST", {"Binary", "_search"}, "application/x-www-form-urlencoded"));
  EXPECT_FALSE(brings("PATCH", {"Binary", "1"}, "application/json-patch+json"));
  EXPECT_FALSE(brings("POST", {"Patient"}, "text/plain"));

  const http::Request text = With("PUT", {{"Content-Type", "text/plain"}});
  EXPECT_EQ(BinaryOf(text, On({"Binary"}), "Hallo").value(), kBinary);
  EXPECT_EQ(BinaryOf(text, On({"Binary", "x"}), "").value(),
            R"({"resourceType":"Binary","id":"x","contentType":"text/plain"})");
  EXPECT_FALSE(BinaryOf(With("POST", {{"Content-Type", "nonsense"}}), On({"Binary"}), "x").ok());
  EXPECT_FALSE(
      BinaryOf(With("POST", {{"Content-Type", "text/plain"}, {"Content-Encoding", "gzip"}}), On({"Binary"}), "x").ok());
}

}  // namespace
}  // namespace hilum::fhir_rest
