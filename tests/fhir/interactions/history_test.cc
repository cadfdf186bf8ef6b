#include <gmock/gmock.h>

#include "tests/fhir/interactions/store_fixture.h"

namespace hilum::fhir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The fixture's clock begins at 2023-11-14T22:13:20Z; each change is a second after the one before.
class HistoryTest : public StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    Put(Patient("1", "Doe"), Method::kCreate);                           // :21
    Put(Patient("2", "Roe"));                                            // :22
    Put(Patient("1", "Moe"));                                            // :23
    Put(R"({"resourceType":"Organization","id":"1","name":"Clinic"})");  // :24
    Delete("Patient", "1");                                              // :25
    Put(Patient("2", "Poe"), Method::kPatch);                            // :26
  }

  std::vector<std::string> Of(std::string_view url) { return BundleView(Get(url)).transitions; }
  std::vector<std::string> Follow(std::string url) {
    std::vector<std::string> all;
    for (size_t pages = 0; !url.empty() && pages < 100; ++pages) {
      const BundleView page(Get(url));
      all.insert(all.end(), page.transitions.begin(), page.transitions.end());
      url = page.Link("next");
    }
    return all;
  }
};

TEST_F(HistoryTest, OfAResourceIsNewestFirstWithItsDeletion) {
  const BundleView history(Get("Patient/1/_history"));
  EXPECT_THAT(history.transitions,
              ElementsAre("DELETE Patient/1 204 W/\"3\"", "PUT Patient/1 200 W/\"2\"", "PUT Patient/1 201 W/\"1\""));
  EXPECT_EQ(history.resources[0], "");
  EXPECT_NE(history.resources[1].find("Moe"), std::string::npos);
  EXPECT_NE(history.resources[2].find("Doe"), std::string::npos);
  EXPECT_EQ(history.total, 3);
  EXPECT_EQ(Get("Patient/9/_history").status, 404);
}

TEST_F(HistoryTest, SaysHowEachVersionCame) {
  const auto run = [&](std::string method, std::string_view url, std::string body = "") {
    Interaction request{.method = std::move(method), .body = std::move(body)};
    return StoreFixture::Run(url, std::move(request));
  };
  const std::string uuid = "11111111-1111-4111-8111-111111111111";
  for (const std::string& id : {std::string("hh"), uuid}) {
    const std::string url = "Patient/" + id;
    const std::string patient = R"({"resourceType":"Patient","id":")" + id + "\"";
    EXPECT_EQ(run("PUT", url, patient + "}").status, 201);
    EXPECT_EQ(run("PUT", url, patient + R"(,"active":true})").status, 200);
    EXPECT_EQ(run("PATCH", url, R"([{"op":"remove","path":"/active"}])").status, 200);
    EXPECT_EQ(run("DELETE", url).status, 204);
    EXPECT_EQ(run("PUT", url, patient + "}").status, 201);
    EXPECT_THAT(Of(url + "/_history"), ElementsAre("PUT " + url + " 201 W/\"5\"", "DELETE " + url + " 204 W/\"4\"",
                                                   "PATCH " + url + " 200 W/\"3\"", "PUT " + url + " 200 W/\"2\"",
                                                   "PUT " + url + " 201 W/\"1\""));
  }
  const Answer posted = run("POST", "Device", R"({"resourceType":"Device"})");
  EXPECT_THAT(Of("Device/" + IdOf(posted) + "/_history"), ElementsAre("POST Device 201 W/\"1\""));
  const std::string body = R"({"resourceType":"Device","identifier":[{"value":"1"}]})";
  const Answer put = run("PUT", "Device?identifier=1", body);
  EXPECT_THAT(Of("Device/" + IdOf(put) + "/_history"), ElementsAre("PUT Device/" + IdOf(put) + " 201 W/\"1\""));
}

TEST_F(HistoryTest, OfATypeAndOfEverything) {
  EXPECT_THAT(Of("Organization/_history"), ElementsAre("PUT Organization/1 201 W/\"1\""));
  EXPECT_THAT(Of("Patient/_history"),
              ElementsAre("PATCH Patient/2 200 W/\"2\"", "DELETE Patient/1 204 W/\"3\"", "PUT Patient/1 200 W/\"2\"",
                          "PUT Patient/2 201 W/\"1\"", "PUT Patient/1 201 W/\"1\""));
  EXPECT_EQ(Of("_history").size(), 6u);
  EXPECT_THAT(Of("Device/_history"), IsEmpty());
}

TEST_F(HistoryTest, PagesInBothDirectionsWithoutLosingAny) {
  for (const std::string url : {"_history?_count=", "Patient/_history?_count=", "Patient/1/_history?_count="}) {
    for (const std::string sort : {"&_sort=_lastUpdated", "&_sort=-_lastUpdated", ""})
      EXPECT_EQ(Follow(url + "2" + sort), Of(url + "100" + sort)) << url << sort;
  }
  std::vector<std::string> oldest_first = Of("_history?_sort=_lastUpdated");
  std::ranges::reverse(oldest_first);
  EXPECT_EQ(oldest_first, Of("_history"));
  EXPECT_EQ(BundleView(Get("_history?_count=2")).total, 6);
}

TEST_F(HistoryTest, KeepsItsPlaceWhileChangesComeIn) {
  const std::string next = BundleView(Get("_history?_count=2")).Link("next");
  const std::vector<std::string> before = Of(next);
  Put(Patient("3", "New"));
  EXPECT_EQ(Of(next), before);
}

TEST_F(HistoryTest, SaysHowManyVersionsThereAre) {
  const struct {
    std::string url;
    long total;
  } kCases[] = {{"_history?", 6}, {"Patient/_history?", 5}, {"Patient/1/_history?", 3}};
  for (const auto& [url, total] : kCases) {
    const BundleView page(Get(url + "_count=2"));
    EXPECT_EQ(page.total, total) << url;
    EXPECT_EQ(BundleView(Get(page.Link("next"))).total, -1) << "only the first page counts";
    for (const std::string nothing : {"_count=0", "_summary=count", "_summary=count&_pretty=true"}) {
      const BundleView counted(Get(url + nothing));
      EXPECT_EQ(counted.total, total) << url << nothing;
      EXPECT_THAT(counted.transitions, IsEmpty());
      EXPECT_EQ(counted.Link("next"), "");
    }
    for (const std::string bound :
         {"_since=2023-11-14T22:13:23Z", "_before=2023-11-14T22:13:23Z", "_at=2023-11-14T22:13:23Z"}) {
      const long all = static_cast<long>(Of(url + bound).size());
      EXPECT_EQ(BundleView(Get(url + bound + "&_summary=count")).total, all) << url << bound;
    }
  }
}

TEST_F(HistoryTest, NamesTheParametersThatItIgnores) {
  const Answer answer = Get("Patient/_history?_nonsense=1&_count=1");
  EXPECT_EQ(answer.status, 200);
  ASSERT_EQ(answer.warnings.size(), 1u);
  EXPECT_NE(answer.warnings[0].diagnostics.find("'_nonsense'"), std::string::npos);
  EXPECT_EQ(Get("Patient/_history?_nonsense=1", {.prefer_handling = Handling::kStrict}).status, 400);
}

TEST_F(HistoryTest, IsBoundedInTime) {
  EXPECT_THAT(Of("_history?_since=2023-11-14T22:13:25Z"),
              ElementsAre("PATCH Patient/2 200 W/\"2\"", "DELETE Patient/1 204 W/\"3\""));
  EXPECT_THAT(Of("Patient/_history?_before=2023-11-14T22:13:22Z"), ElementsAre("PUT Patient/1 201 W/\"1\""));
  EXPECT_THAT(Of("Patient/_history?_since=2023-11-14T22:13:22Z&_before=2023-11-14T22:13:24Z&_sort=_lastUpdated"),
              ElementsAre("PUT Patient/2 201 W/\"1\"", "PUT Patient/1 200 W/\"2\""));
}

TEST_F(HistoryTest, LosesNothingWhenTheClockWentBackBetweenTwoRuns) {
  clock_.Advance(-std::chrono::hours(1));
  Reopen();
  Put(Patient("3", "New"));  // not before what there is: :26
  for (const std::string of : {"", "Patient/"}) {
    EXPECT_THAT(Of(of + "_history?_since=2023-11-14T22:13:26Z"),
                ElementsAre("PUT Patient/3 201 W/\"1\"", "PATCH Patient/2 200 W/\"2\""));
    EXPECT_EQ(Of(of + "_history?_before=2023-11-14T22:13:26Z&_sort=_lastUpdated").size(), of.empty() ? 5u : 4u);
  }
}

TEST_F(HistoryTest, AtATimeHasWhatWasCurrentThen) {
  EXPECT_THAT(Of("Patient/_history?_at=2023-11-14T22:13:24Z"),
              ElementsAre("PUT Patient/1 200 W/\"2\"", "PUT Patient/2 201 W/\"1\""));
  EXPECT_THAT(Of("Patient/1/_history?_at=2023-11-14T22:13:22Z"), ElementsAre("PUT Patient/1 201 W/\"1\""));
  EXPECT_THAT(Of("Patient/_history?_at=2023-11-14T22:13:19Z"), IsEmpty());
  EXPECT_EQ(Follow("Patient/_history?_count=1&_at=2023-11-14"), Of("Patient/_history"));
}

TEST_F(HistoryTest, RefusesWhatItDoesNotKnow) {
  for (const char* query : {"_since=x", "_at=", "_count=x", "_sort=name", "_cursor=AAAA", "_summary=x"})
    EXPECT_EQ(Get("Patient/_history?" + std::string(query)).status, 400) << query;
  const std::string next = BundleView(Get("_history?_count=2")).Link("next");
  std::string elsewhere = next;
  elsewhere.replace(elsewhere.find("/_history"), 9, "/Patient/_history");
  EXPECT_EQ(Get(elsewhere).status, 400);
  EXPECT_EQ(Get("_history?color=red").status, 200);
  EXPECT_EQ(Get("_history?color=red", {.prefer_handling = Handling::kStrict}).status, 400);
}

}  // namespace
}  // namespace hilum::fhir
