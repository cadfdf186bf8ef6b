// Requests that depend on the version a client has (RFC 9110 13).
#include <gmock/gmock.h>

#include "tests/server/dicomweb/service_fixture.h"

namespace hilum::dicomweb {
namespace {

using testing::HttpAnswer;
using testing::InstanceSpec;

constexpr const char* kInstance = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1";
constexpr const char* kOctetStream = "Accept: application/octet-stream";

class ConditionsTest : public testing::ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    ASSERT_TRUE(Ingest(InstanceSpec{}).stored());
  }
  void Replace() {
    ASSERT_TRUE(Ingest(testing::MakeInstance({.pixel_fill = 8}), {.duplicates = DuplicatePolicy::kReplace}).stored());
  }
  std::string TagOf(const std::string& path, const std::string& accept) {
    return Get(path, {accept}).Header("ETag").value_or("");
  }

  // Every resource whose bytes are a version's own, with a way to ask for it alone.
  const std::vector<std::pair<std::string, std::string>> alone_ = {
      {kInstance, "Accept: application/dicom; transfer-syntax=*"},
      {kInstance + std::string("/frames/1"), kOctetStream},
      {kInstance + std::string("/pixeldata"), kOctetStream},
      {kInstance + std::string("/bulkdata/7FE00010"), kOctetStream}};
};

TEST_F(ConditionsTest, WhatIsKnownIsNotSentAgain) {
  const std::string instance = kInstance;
  for (const std::string& path :
       {instance, instance + "/frames/1", instance + "/pixeldata", instance + "/bulkdata/7FE00010",
        instance + "/rendered", instance + "/metadata", instance + "/thumbnail", std::string("/dicom-web/studies")}) {
    for (const char* const type : {"*/*", "application/octet-stream, */*;q=0.1"}) {
      const std::string accept = std::string("Accept: ") + type;
      const std::string tag = TagOf(path, accept);
      ASSERT_NE(tag, "") << path;
      const HttpAnswer again = Get(path, {accept, "If-None-Match: \"other\", " + tag});
      EXPECT_EQ(again.status, 304) << path << accept;
      EXPECT_EQ(again.Header("ETag"), tag);
      EXPECT_EQ(Get(path, {accept, "If-None-Match: \"other\""}).status, 200) << path;
    }
  }
}

// RFC 9110 14.2.
TEST_F(ConditionsTest, ARangeIsOfGetAlone) {
  for (const auto& [path, accept] : alone_) {
    for (const char* const range : {"Range: bytes=0-99", "Range: bytes=99999999999-"}) {
      const HttpAnswer head = testing::Fetch("HEAD", base_ + path, {accept, range});
      EXPECT_EQ(head.status, 200) << path;
      EXPECT_EQ(head.Header("Content-Range"), std::nullopt) << path;
      EXPECT_EQ(head.Header("Content-Length"), std::to_string(Get(path, {accept}).body.size())) << path;
    }
  }
}

TEST_F(ConditionsTest, ATransferOfAReplacedInstanceBeginsAnew) {
  for (const auto& [path, accept] : alone_) {
    const std::string tag = TagOf(path, accept);
    const HttpAnswer rest = Get(path, {accept, "Range: bytes=128-", "If-Range: " + tag});
    EXPECT_EQ(rest.status, 206) << path;
    for (const char* const other : {"\"zz\"", "Sun, 22 Nov 2026 02:00:00 GMT"})
      EXPECT_EQ(Get(path, {accept, "Range: bytes=128-", std::string("If-Range: ") + other}).status, 200) << path;
    EXPECT_EQ(Get(path, {accept, "Range: bytes=128-", "If-Range: W/" + tag}).status, 200) << "weak tags do not count";
  }
  std::vector<std::string> tags;
  for (const auto& [path, accept] : alone_) tags.push_back(TagOf(path, accept));
  Replace();
  for (size_t i = 0; i < alone_.size(); ++i) {
    const auto& [path, accept] = alone_[i];
    const HttpAnswer answer = Get(path, {accept, "Range: bytes=128-", "If-Range: " + tags[i]});
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_TRUE(answer.body == Get(path, {accept}).body) << path;
  }
}

TEST_F(ConditionsTest, AVersionThatIsNotThereAnyMoreIsNotSent) {
  for (const auto& [path, accept] : alone_) {
    EXPECT_EQ(Get(path, {accept, "If-Match: " + TagOf(path, accept)}).status, 200) << path;
    EXPECT_EQ(Get(path, {accept, "If-Match: *"}).status, 200) << path;
    EXPECT_EQ(Get(path, {accept, "If-Match: \"zz\""}).status, 412) << path;
  }
}

TEST_F(ConditionsTest, ConditionsHoldForWhatIsMadeOfManyInstances) {
  for (const char* const level : {"/dicom-web/studies/1.2.1", "/dicom-web/studies/1.2.1/series/1.2.1.1", kInstance}) {
    for (const char* const resource : {"/metadata", "/thumbnail", "/rendered"}) {
      const std::string path = std::string(level) + resource;
      for (int turn = 0; turn < 2; ++turn) {  // made, and found made
        const std::string tag = TagOf(path, "Accept: */*");
        EXPECT_EQ(Get(path, {"If-Match: " + tag}).status, 200) << path;
        EXPECT_EQ(Get(path, {"If-Match: *"}).status, 200) << path;
        EXPECT_EQ(Get(path, {"If-Match: \"zz\", W/" + tag}).status, 412) << path << ": weak tags do not count";
        EXPECT_EQ(Get(path, {"If-Match: \"zz\"", "If-None-Match: " + tag}).status, 412) << path;
        EXPECT_EQ(Get(path, {"If-Match: " + tag, "If-None-Match: W/" + tag}).status, 304) << path;
      }
    }
    const std::string metadata = std::string(level) + "/metadata";
    const HttpAnswer packed = Get(metadata, {"Accept-Encoding: gzip"});
    const std::string tag = packed.Header("ETag").value_or("");
    EXPECT_EQ(Get(metadata, {"Accept-Encoding: gzip", "If-Match: " + tag}).status, 200) << tag;
    EXPECT_EQ(Get(metadata, {"Accept-Encoding: gzip", "If-None-Match: " + tag}).status, 304) << tag;
  }
  EXPECT_EQ(Get("/dicom-web/studies", {"If-Match: \"zz\""}).status, 412);
  EXPECT_EQ(Get("/dicom-web/studies", {"If-Match: *"}).status, 200);
}

TEST_F(ConditionsTest, OnlyTheVersionThatIsMeantIsDeleted) {
  const std::string known = TagOf(kInstance, "Accept: application/dicom; transfer-syntax=*");
  Replace();
  EXPECT_EQ(testing::Fetch("DELETE", base_ + kInstance, {"If-Match: " + known}).status, 412);
  EXPECT_EQ(testing::Fetch("DELETE", base_ + kInstance, {"If-Match: \"x\""}).status, 412);
  EXPECT_EQ(Get(kInstance).status, 200);
  const std::string metadata = TagOf(kInstance + std::string("/metadata"), "Accept: */*");
  EXPECT_EQ(testing::Fetch("DELETE", base_ + kInstance, {"If-Match: \"x\", " + metadata}).status, 204)
      << "the tag of any representation";
  EXPECT_EQ(testing::Fetch("DELETE", base_ + kInstance, {"If-Match: *"}).status, 404);
}

TEST_F(ConditionsTest, AnswersInPartsHaveTagsOfTheirOwn) {
  for (const auto& [path, accept] : alone_) {
    const std::string in_parts = TagOf(path, "Accept: */*");
    const bool steady = path.ends_with("/frames/1");
    EXPECT_EQ(in_parts.substr(0, 2) == "W/", !steady) << path << ": elsewhere the boundary differs every time";
    EXPECT_EQ(TagOf(path, accept).front(), '"') << path;
    EXPECT_NE(TagOf(path, accept), in_parts) << path;
  }
}

TEST_F(ConditionsTest, ATransferInPartsOfAReplacedInstanceBeginsAnew) {
  const std::string path = kInstance + std::string("/frames/1"), parts = "Accept: multipart/related";
  const HttpAnswer before = Get(path, {parts});
  const std::string tag = before.Header("ETag").value_or("");
  EXPECT_EQ(Get(path, {parts, "Range: bytes=10-", "If-Range: " + tag}).status, 206);
  EXPECT_EQ(Get(path, {parts, "If-None-Match: " + tag}).status, 304);
  EXPECT_EQ(Get(path, {parts, "Range: bytes=10-", "If-Range: " + TagOf(path, kOctetStream)}).status, 200);
  Replace();
  const HttpAnswer after = Get(path, {parts, "Range: bytes=10-", "If-Range: " + tag});
  EXPECT_EQ(after.status, 200);
  EXPECT_NE(after.Header("Content-Type"), before.Header("Content-Type")) << "the boundary is of the version";
}

// RFC 9110 8.8.1: a tag is of one representation, and its URLs are part of that.
TEST_F(ConditionsTest, AnotherBaseOfTheUrlsInsideIsAnotherRepresentation) {
  const std::string instance = kInstance, series = "/dicom-web/studies/1.2.1/series/1.2.1.1";
  const std::string json = "Accept: application/dicom+json",
                    xml = "Accept: multipart/related; type=\"application/dicom+xml\"",
                    parts = "Accept: multipart/related", pictures = "Accept: multipart/related; type=\"image/png\"";
  const std::pair<std::string, std::string> asked[] = {{instance + "/metadata", json},
                                                       {series + "/metadata", json},
                                                       {"/dicom-web/studies/1.2.1/metadata", json},
                                                       {series + "/metadata", xml},
                                                       {"/dicom-web/studies", json},
                                                       {"/dicom-web/studies", xml},
                                                       {instance, parts},
                                                       {instance + "/bulkdata/7FE00010", parts},
                                                       {series + "/bulkdata", parts},
                                                       {instance + "/frames/1,1/rendered", pictures}};
  for (const auto& [path, accept] : asked) {
    const std::string tag = TagOf(path, accept);
    const HttpAnswer other =
        Get(path, {accept, "X-Forwarded-Host: pacs.example.org", "X-Forwarded-Proto: https", "If-None-Match: " + tag});
    EXPECT_EQ(other.status, 200) << path << accept;
    EXPECT_NE(other.Header("ETag"), tag);
    EXPECT_NE(other.body.find("https://pacs.example.org/dicom-web"), std::string::npos);
    EXPECT_EQ(Get(path, {accept, "If-None-Match: " + tag}).status, 304) << path << accept;
  }
}

}  // namespace
}  // namespace hilum::dicomweb
