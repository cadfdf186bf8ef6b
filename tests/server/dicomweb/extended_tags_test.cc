// Extended query tags over HTTP, with the JSON of Azure's clients.
#include "server/dicomweb/extended_tags.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/server/dicomweb/service_fixture.h"

namespace hilum::dicomweb {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::InstanceSpec;

class ExtendedTagRoutesTest : public testing::ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    tags_ = std::make_unique<storage::ExtendedTags>(*store_, system_clock_, random_, metrics_, Logger());
    routes_ = std::make_unique<ExtendedTagRoutes>(*tags_, "/dicom-web");
    auto server = http::Server::Start(
        {},
        [this](std::string_view method, std::string_view path) {
          const http::Route* route = routes_->FindRoute(path);
          return route ? route : service_->FindRoute(method, path);
        },
        system_clock_, random_, metrics_, Logger());
    ASSERT_TRUE(server.ok());
    both_ = *std::move(server);
    base_ = "http://127.0.0.1:" + std::to_string(both_->port());
  }
  void TearDown() override {
    both_->Stop(std::chrono::seconds(1));
    ServiceFixture::TearDown();
    tags_.reset();
  }
  HttpAnswer Add(const std::string& body) { return Post("/dicom-web/extendedquerytags", "application/json", body); }
  void AddAndWait(const std::string& body) {
    const HttpAnswer answer = Add(body);
    ASSERT_EQ(answer.status, 202) << answer.body;
    ASSERT_TRUE(tags_->WaitUntilIdle(std::chrono::seconds(20)));
  }

  std::unique_ptr<storage::ExtendedTags> tags_;
  std::unique_ptr<ExtendedTagRoutes> routes_;
  std::unique_ptr<http::Server> both_;
};

TEST_F(ExtendedTagRoutesTest, ATagIsAddedFollowedListedAndRemoved) {
  ASSERT_TRUE(Ingest(InstanceSpec{}).stored());
  const HttpAnswer added = Add(R"([{"Path":"BitsStored","Level":"Instance"}])");
  ASSERT_EQ(added.status, 202) << added.body;
  const std::string href = json::parse(added.body)["href"];
  EXPECT_EQ(href, base_ + "/dicom-web/operations/" + std::string(json::parse(added.body)["id"]));
  ASSERT_TRUE(tags_->WaitUntilIdle(std::chrono::seconds(20)));

  const json operation = json::parse(testing::Fetch("GET", href, {}).body);
  EXPECT_EQ(operation["status"], "Completed");
  EXPECT_EQ(operation["percentComplete"], 100);
  EXPECT_EQ(operation["resources"][0], base_ + "/dicom-web/extendedquerytags/00280101");
  const json listed = json::parse(Get("/dicom-web/extendedquerytags?limit=10&offset=0").body);
  EXPECT_EQ(listed, json::parse(R"([{"path":"00280101","vr":"US","level":"Instance","status":"Ready",
                                     "queryStatus":"Enabled"}])"));
  EXPECT_EQ(json::parse(Get("/dicom-web/extendedquerytags/BitsStored").body), listed[0]);
  EXPECT_EQ(json::parse(Get("/dicom-web/extendedquerytags?offset=1").body), json::array());

  const json found = json::parse(Get("/dicom-web/instances?BitsStored=12-16").body);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0]["00280101"]["Value"][0], 16) << "what is matched is returned";
  EXPECT_FALSE(json::parse(Get("/dicom-web/instances").body)[0].contains("00280101"));
  EXPECT_EQ(json::parse(Get("/dicom-web/instances?BitsStored=12").body), json::array());

  EXPECT_EQ(testing::Fetch("DELETE", base_ + "/dicom-web/extendedquerytags/00280101", {}).status, 204);
  EXPECT_EQ(Get("/dicom-web/extendedquerytags/00280101").status, 404);
  EXPECT_THAT(Get("/dicom-web/instances?BitsStored=12").Header("Warning").value_or(""), HasSubstr("BitsStored"));
}

TEST_F(ExtendedTagRoutesTest, ErrorsAreListedAndATagCanBeEnabledInSpiteOfThem) {
  ASSERT_TRUE(Ingest(InstanceSpec{.study_time = "noon"}).stored());
  ASSERT_TRUE(Ingest(InstanceSpec{.sop = "1.2.1.1.2"}).stored());
  AddAndWait(R"([{"path":"StudyTime","level":"instance"}])");
  const std::string tag = "/dicom-web/extendedquerytags/00080030";
  const json disabled = json::parse(Get(tag).body);
  EXPECT_EQ(disabled["queryStatus"], "Disabled");
  EXPECT_EQ(disabled["errors"]["count"], 1);
  EXPECT_EQ(disabled["errors"]["href"], base_ + tag + "/errors");
  const json errors = json::parse(Get(tag + "/errors").body);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0]["sopInstanceUid"], "1.2.1.1.1");
  EXPECT_EQ(errors[0]["errorMessage"], "the value is none of VR TM");

  const HttpAnswer enabled =
      testing::Fetch("PATCH", base_ + tag, {"Content-Type: application/json"}, R"({"QueryStatus":"Enabled"})");
  EXPECT_EQ(enabled.status, 200);
  EXPECT_EQ(json::parse(enabled.body)["queryStatus"], "Enabled");
  const HttpAnswer found = Get("/dicom-web/instances?StudyTime=10-11");
  EXPECT_EQ(json::parse(found.body).size(), 1u);
  EXPECT_EQ(found.Header("erroneous-dicom-attributes"), "StudyTime");

  ASSERT_TRUE(store_->Delete("1.2.1", "1.2.1.1", "1.2.1.1.1").ok());
  EXPECT_EQ(json::parse(Get(tag + "/errors").body), json::array());
  EXPECT_FALSE(json::parse(Get(tag).body).contains("errors"));
  EXPECT_EQ(Get("/dicom-web/instances?StudyTime=10-11").Header("erroneous-dicom-attributes"), std::nullopt);
}

// PS3.18 10.6.3.3. The object has it in another block, and there is somebody else in the block of the tag.
TEST_F(ExtendedTagRoutesTest, APrivateTagComesWithTheCreatorThatItWasAddedWith) {
  AddAndWait(R"([{"Path":"00291008","VR":"CS","PrivateCreator":"ACME","Level":"Instance"}])");
  ASSERT_TRUE(Ingest(testing::MakeInstance({.more = {{{0x0029, 0x0010}, "LO", "OTHER "},
                                                     {{0x0029, 0x0011}, "LO", "ACME"},
                                                     {{0x0029, 0x1108}, "CS", "ONE "}}}))
                  .stored());
  for (const char* const key : {"00291008=ONE", "includefield=00291008"}) {
    const json row = json::parse(Get("/dicom-web/instances?" + std::string(key)).body).at(0);
    EXPECT_EQ(row.at("00291008").at("Value").at(0), "ONE") << key;
    EXPECT_EQ(row.at("00290010").at("Value").at(0), "ACME") << key;
  }
}

TEST_F(ExtendedTagRoutesTest, AVrMayBeInLowerCase) {
  AddAndWait(R"([{"Path":"ExposureInuAs","VR":"is","Level":"Instance"}])");
  EXPECT_EQ(json::parse(Get("/dicom-web/extendedquerytags/ExposureInuAs").body)["vr"], "IS");
}

TEST_F(ExtendedTagRoutesTest, RefusalsSayWhatIsWrong) {
  for (const auto& [body, status, part] : std::vector<std::tuple<std::string, int, std::string>>{
           {"{}", 400, "a list of tags"},
           {"[", 400, "line 1"},
           {"[]", 400, "at least one"},
           {R"([{"Path":"Nonsense","Level":"Study"}])", 400, "no path"},
           {R"([{"Path":"00181120","Level":"Frame"}])", 400, "Study, Series or Instance"},
           {R"([{"Path":"00181120","Level":"Series","VR":"DSX"}])", 400, "two letters"},
           {R"([{"Path":"00291008","Level":"Series"}])", 400, "private creator"},
           {R"([{"Path":"Modality","Level":"Series"}])", 409, "already"}}) {
    const HttpAnswer answer = Add(body);
    EXPECT_EQ(answer.status, status) << body;
    EXPECT_THAT(answer.body, HasSubstr(part)) << body;
  }
  EXPECT_EQ(json::parse(Get("/dicom-web/extendedquerytags").body), json::array());
  EXPECT_EQ(Get("/dicom-web/extendedquerytags/GantryDetectorTilt").status, 404);
  EXPECT_EQ(Get("/dicom-web/operations/1").status, 404);
  EXPECT_EQ(Get("/dicom-web/extendedquerytags?limit=0").status, 400);
  EXPECT_EQ(testing::Fetch("PUT", base_ + "/dicom-web/extendedquerytags", {}).status, 405);
}

}  // namespace
}  // namespace hilum::dicomweb
