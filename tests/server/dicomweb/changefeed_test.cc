// The change feed, as clients of Microsoft's DICOM service know it.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "storage/log/change_log.h"
#include "tests/server/dicomweb/service_fixture.h"
#include "tests/support/event_listener.h"

namespace hilum::dicomweb {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using testing::EventListener;
using testing::HttpAnswer;
using testing::InstanceSpec;

// "3 update 1.2.1.1.1 replaced"
std::string Told(const json& entry) {
  return entry["Sequence"].dump() + " " + entry["Action"].get<std::string>() + " " +
         entry["SopInstanceUid"].get<std::string>() + " " + entry["State"].get<std::string>();
}

class ChangeFeedTest : public testing::ServiceFixture {
 protected:
  InstanceSpec Spec(const std::string& sop) const {
    return {.study = "1.1", .series = "1.1.1", .sop = sop, .pixel_fill = pixel_};
  }
  void Put(const std::string& sop) {
    clock_.Advance(std::chrono::seconds(1));
    ++pixel_;
    IngestOptions replace;
    replace.duplicates = DuplicatePolicy::kReplace;
    ASSERT_TRUE(Ingest(testing::MakeInstance(Spec(sop)), replace).stored());
  }
  void Remove(const std::string& sop) {
    clock_.Advance(std::chrono::seconds(1));
    ASSERT_TRUE(store_->Delete("1.1", "1.1.1", sop).ok());
  }
  json Feed(const std::string& query) {
    const HttpAnswer answer = Get("/dicom-web/changefeed" + query);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.Header("Content-Type"), "application/json");
    return json::parse(answer.body, nullptr, false);
  }
  std::vector<std::string> Entries(const std::string& query) {
    std::vector<std::string> told;
    for (const json& entry : Feed(query)) told.push_back(Told(entry));
    return told;
  }
  // Something else in the same log.
  void ChangeAResource() {
    ASSERT_TRUE(store_->writer()
                    .Run([](storage::Txn& txn) {
                      return storage::AppendChange(
                                 txn, storage::Tenant::kDefault,
                                 {.kind = storage::ChangeKind::kResource, .path = {"Patient", "p"}, .version = 1})
                          .status();
                    })
                    .ok());
  }

  char pixel_ = 1;
};

TEST_F(ChangeFeedTest, IsEmptyAtFirst) {
  EXPECT_EQ(Get("/dicom-web/changefeed").body, "[]");
  EXPECT_EQ(Get("/dicom-web/changefeed/latest").status, 204);
}

TEST_F(ChangeFeedTest, HasTheFieldsOfAzure) {
  Put("1.1.1.1");
  const json entry = Feed("").at(0);
  EXPECT_EQ(entry["Sequence"], 1);
  EXPECT_EQ(entry["StudyInstanceUid"], "1.1");
  EXPECT_EQ(entry["SeriesInstanceUid"], "1.1.1");
  EXPECT_EQ(entry["SopInstanceUid"], "1.1.1.1");
  EXPECT_EQ(entry["Action"], "create");
  EXPECT_EQ(entry["State"], "current");
  EXPECT_EQ(entry["Timestamp"], "2023-11-14T22:13:21.000000Z");
  EXPECT_EQ(entry["Metadata"]["00080018"]["Value"][0], "1.1.1.1");
  EXPECT_FALSE(entry["Metadata"].contains("7FE00010") && entry["Metadata"]["7FE00010"].contains("InlineBinary"));
  EXPECT_EQ(Feed("?includemetadata=false").at(0).size(), 7u);
  EXPECT_EQ(json::parse(Get("/dicom-web/changefeed/latest").body), entry);
}

TEST_F(ChangeFeedTest, SaysWhatBecameOfAnInstance) {
  Put("1.1.1.1");
  Put("1.1.1.2");
  Put("1.1.1.1");
  EXPECT_THAT(Entries(""),
              ElementsAre("1 create 1.1.1.1 replaced", "2 create 1.1.1.2 current", "3 update 1.1.1.1 current"));
  Remove("1.1.1.1");
  EXPECT_THAT(Entries(""), ElementsAre("1 create 1.1.1.1 deleted", "2 create 1.1.1.2 current",
                                       "3 update 1.1.1.1 deleted", "4 delete 1.1.1.1 deleted"));
  EXPECT_FALSE(Feed("").at(3).contains("Metadata"));
  // and stored again, it is a new one
  Put("1.1.1.1");
  EXPECT_THAT(Entries(""),
              ElementsAre("1 create 1.1.1.1 replaced", "2 create 1.1.1.2 current", "3 update 1.1.1.1 replaced",
                          "4 delete 1.1.1.1 replaced", "5 create 1.1.1.1 current"));
  EXPECT_EQ(Told(json::parse(Get("/dicom-web/changefeed/latest?includeMetadata=false").body)),
            "5 create 1.1.1.1 current");
}

TEST_F(ChangeFeedTest, PagesBothWaysThatClientsDo) {
  // given changes of resources between those of instances
  for (int i = 1; i <= 25; ++i) {
    Put("1.1.1." + std::to_string(i));
    ChangeAResource();
  }
  std::vector<uint64_t> by_count;
  std::vector<uint64_t> by_sequence;
  for (;;) {
    const json page = Feed("?includemetadata=false&limit=7&offset=" + std::to_string(by_count.size()));
    if (page.empty()) break;
    for (const json& entry : page) by_count.push_back(entry["Sequence"]);
  }
  for (;;) {
    const json page =
        Feed("?includemetadata=false&limit=7&offset=" + std::to_string(by_sequence.empty() ? 0 : by_sequence.back()));
    if (page.empty()) break;
    for (const json& entry : page) by_sequence.push_back(entry["Sequence"]);
  }
  ASSERT_EQ(by_count.size(), 25u);
  for (uint64_t i = 0; i < 25; ++i) EXPECT_EQ(by_count[i], i + 1);
  EXPECT_EQ(by_sequence, by_count);
  EXPECT_EQ(Feed("?offset=1000"), json::array());
}

TEST_F(ChangeFeedTest, HasWindowsOfTime) {
  // One each second from 22:13:21 on.
  for (int i = 1; i <= 9; ++i) Put("1.1.1." + std::to_string(i));
  const auto sequences = [&](const std::string& query) {
    std::vector<int> found;
    for (const json& entry : Feed("?includeMetadata=false&" + query)) found.push_back(entry["Sequence"]);
    return found;
  };
  EXPECT_THAT(sequences("startTime=2023-11-14T22:13:24Z&endTime=2023-11-14T22:13:26Z"), ElementsAre(4, 5));
  EXPECT_THAT(sequences("startTime=2023-11-14T22:13:24.0000001Z"), ElementsAre(4, 5, 6, 7, 8, 9));
  EXPECT_THAT(sequences("startTime=2023-11-14T22:13:24.5Z"), ElementsAre(5, 6, 7, 8, 9));
  EXPECT_THAT(sequences("endTime=2023-11-14T23:13:23%2B01:00"), ElementsAre(1, 2));
  EXPECT_THAT(sequences("endTime=2023-11-14T23:13:23+01:00"), ElementsAre(1, 2));
  // the offset counts within the window
  EXPECT_THAT(sequences("startTime=2023-11-14T22:13:24Z&offset=2&limit=2"), ElementsAre(6, 7));
  EXPECT_THAT(sequences("startTime=2023-11-14T22:13:24Z&endTime=2023-11-14T22:13:26Z&offset=2"), ElementsAre());
  EXPECT_THAT(sequences("startTime=2030-01-01"), ElementsAre());
}

TEST_F(ChangeFeedTest, RefusesWhatAzureRefuses) {
  for (const std::string query :
       {"?offset=-1", "?offset=x", "?limit=0", "?limit=201", "?includemetadata=maybe", "?startTime=yesterday",
        "?startTime=2024-01-02&endTime=2024-01-01", "?startTime=2024-01-01&endTime=2024-01-01"}) {
    EXPECT_EQ(Get("/dicom-web/changefeed" + query).status, 400) << query;
  }
  EXPECT_EQ(Post("/dicom-web/changefeed", "application/json", "{}").status, 405);
}

TEST_F(ChangeFeedTest, StreamsEventsAndGoesOnWhereItBroke) {
  Put("1.1.1.1");
  {
    const EventListener listener(base_ + "/dicom-web/changefeed?offset=0&includeMetadata=false");
    ASSERT_TRUE(listener.WaitForData(1));
    ChangeAResource();
    Put("1.1.1.2");
    ASSERT_TRUE(listener.WaitForData(2));
    EXPECT_EQ(Told(json::parse(listener.Data()[1])), "2 create 1.1.1.2 current");
    EXPECT_THAT(listener.Ids(), ElementsAre("0", "1", "2"));
  }
  Put("1.1.1.3");
  const EventListener again(base_ + "/dicom-web/changefeed?offset=0", "2");
  ASSERT_TRUE(again.WaitForData(1));
  const json entry = json::parse(again.Data()[0]);
  EXPECT_EQ(Told(entry), "3 create 1.1.1.3 current");
  EXPECT_EQ(entry["Metadata"]["00080018"]["Value"][0], "1.1.1.3");
  EXPECT_EQ(Get("/dicom-web/changefeed", {"Accept: text/event-stream", "Last-Event-ID: 9"}).status, 410);
}

}  // namespace
}  // namespace hilum::dicomweb
