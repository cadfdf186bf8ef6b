#include "tests/fhir/interactions/store_fixture.h"

namespace hilum::fhir {
namespace {

class ReadTest : public StoreFixture {};

TEST_F(ReadTest, GivesTheStoredBytesWithTheirVersionAndTime) {
  Put(Patient("1", "Doe", R"(,"extension":[{"url":"http://a.test","valueDecimal":1.50}])"));
  const Answer answer = Get("Patient/1");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.version, 1u);
  EXPECT_EQ(answer.updated_micros, clock_.Now().count());
  EXPECT_NE(answer.body.find("\"valueDecimal\":1.50"), std::string::npos) << "decimals keep their digits";
}

TEST_F(ReadTest, TellsNeverThereFromNoLongerThere) {
  Put(Patient("1", "Doe"));
  Delete("Patient", "1");
  EXPECT_EQ(Get("Patient/2").status, 404);
  const Answer gone = Get("Patient/1");
  EXPECT_EQ(gone.status, 410);
  EXPECT_EQ(gone.version, 2u);
  EXPECT_TRUE(gone.outcome());
  EXPECT_NE(gone.body.find("\"deleted\""), std::string::npos);
}

TEST_F(ReadTest, OfAResourceThatIsOnlyReferredToIsNotFound) {
  Put(Observation("o", "later", "1-1"));
  EXPECT_EQ(Get("Patient/later").status, 404);
  EXPECT_EQ(Get("Patient/later/_history").status, 404);
}

TEST_F(ReadTest, OfAVersionGivesThatVersion) {
  Put(Patient("1", "Doe"));
  Put(Patient("1", "Roe"));
  Delete("Patient", "1");
  const Answer first = Get("Patient/1/_history/1");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.version, 1u);
  EXPECT_NE(first.body.find("Doe"), std::string::npos);
  EXPECT_NE(Get("Patient/1/_history/2").body.find("Roe"), std::string::npos);
  EXPECT_EQ(Get("Patient/1/_history/3").status, 410);
  for (const char* version : {"4", "0", "x", "-1", "1x", "99999999999999999999"})
    EXPECT_EQ(Get("Patient/1/_history/" + std::string(version)).status, 404) << version;
}

TEST_F(ReadTest, SpareTheBodyWhenTheClientHasTheVersion) {
  Put(Patient("1", "Doe"));
  Put(Patient("1", "Roe"));
  for (const char* etag : {"W/\"2\"", "\"2\"", "W/\"1\", W/\"2\"", "*"}) {
    const Answer answer = Get("Patient/1", {.if_none_match = etag});
    EXPECT_EQ(answer.status, 304) << etag;
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(answer.version, 2u);
  }
  EXPECT_EQ(Get("Patient/1", {.if_none_match = "W/\"1\""}).status, 200);
}

TEST_F(ReadTest, SpareTheBodyWhenNothingChangedSinceADate) {
  Put(Patient("1", "Doe"));  // 2023-11-14T22:13:21Z
  EXPECT_EQ(Get("Patient/1", {.if_modified_since = "Tue, 14 Nov 2023 22:13:21 GMT"}).status, 304);
  EXPECT_EQ(Get("Patient/1", {.if_modified_since = "Tue, 14 Nov 2023 22:13:20 GMT"}).status, 200);
  EXPECT_EQ(Get("Patient/1", {.if_modified_since = "yesterday"}).status, 200);
  // RFC 9110 13.1.3: not looked at beside If-None-Match.
  EXPECT_EQ(Get("Patient/1", {.if_none_match = "\"7\"", .if_modified_since = "Tue, 14 Nov 2023 22:13:21 GMT"}).status,
            200);
}

TEST_F(ReadTest, GivesOnlyThePartsAskedFor) {
  Put(Patient("1", "Doe", R"(,"gender":"male","photo":[{"title":"x"}])"));
  const std::string elements = Get("Patient/1?_elements=gender").body;
  EXPECT_NE(elements.find("male"), std::string::npos);
  EXPECT_EQ(elements.find("Doe"), std::string::npos);
  EXPECT_NE(elements.find("SUBSETTED"), std::string::npos);
  const std::string summary = Get("Patient/1?_summary=true").body;
  EXPECT_NE(summary.find("Doe"), std::string::npos);
  EXPECT_EQ(summary.find("photo"), std::string::npos);
  EXPECT_NE(Get("Patient/1?_pretty=true").body.find("\n  \"gender\": \"male\""), std::string::npos);
  EXPECT_EQ(Get("Patient/1?_summary=all").status, 400);
  EXPECT_EQ(Get("Patient/1?_pretty=1").status, 400);
}

}  // namespace
}  // namespace hilum::fhir
