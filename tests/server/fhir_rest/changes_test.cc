#include "server/fhir_rest/changes.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "server/fhir_rest/service.h"
#include "tests/fhir/support/interactions_fixture.h"
#include "tests/support/event_listener.h"
#include "tests/support/http_client.h"

namespace hilum::fhir_rest {
namespace {

using ::hilum::testing::EventListener;
using ::hilum::testing::HttpAnswer;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<json> Lines(const std::string& ndjson) {
  std::vector<json> lines;
  std::istringstream in(ndjson);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line, nullptr, false));
  return lines;
}

// "7 update Patient/1 v3"
std::string Told(const json& line) {
  if (!line.contains("seq")) return "next " + line.value("next", json()).dump();
  return line["seq"].dump() + " " + line["operation"].get<std::string>() + " " + line["type"].get<std::string>() + "/" +
         line["id"].get<std::string>() + " v" + line["versionId"].get<std::string>();
}

class ChangesTest : public fhir::InteractionsFixture {
 protected:
  void SetUp() override {
    Open();
    Serve();
  }
  void TearDown() override { server_->Stop(std::chrono::seconds(1)); }

  void Serve() {
    service_ = std::make_unique<ChangeService>(*store_, *resources_, "/fhir", metrics_);
    http::ServerOptions options;
    options.worker_threads = 2;
    auto server = http::Server::Start(
        options, [this](std::string_view, std::string_view path) { return service_->FindRoute(path); }, system_clock_,
        random_, metrics_, Logger());
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = *std::move(server);
    url_ = "http://127.0.0.1:" + std::to_string(server_->port()) + "/fhir/changes";
  }

  HttpAnswer Get(const std::string& query) { return hilum::testing::Fetch("GET", url_ + query); }
  std::vector<std::string> Changes(const std::string& query) {
    const HttpAnswer answer = Get(query);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.Header("Content-Type"), "application/x-ndjson");
    std::vector<std::string> told;
    for (const json& line : Lines(answer.body)) told.push_back(Told(line));
    return told;
  }
  void PutPatient(const std::string& id, const std::string& more = "") {
    const auto answer = Run("PUT", "Patient/" + id, R"({"resourceType":"Patient","id":")" + id + "\"" + more + "}");
    ASSERT_LT(answer.status, 300) << answer.body;
  }
  void PutGroup(const std::string& id) {
    const auto answer =
        Run("PUT", "Group/" + id, R"({"resourceType":"Group","id":")" + id + R"(","type":"person","actual":false})");
    ASSERT_LT(answer.status, 300) << answer.body;
  }

  SystemClock system_clock_;
  Registry metrics_;
  std::unique_ptr<ChangeService> service_;
  std::unique_ptr<http::Server> server_;
  std::string url_;
};

TEST_F(ChangesTest, TellsEveryVersionInOrderAndWhereToGoOn) {
  PutPatient("a");
  PutGroup("g");
  PutPatient("a", R"(,"gender":"female")");
  ASSERT_EQ(Run("DELETE", "Patient/a").status, 204);
  EXPECT_THAT(Changes(""), ElementsAre("1 create Patient/a v1", "2 create Group/g v1", "3 update Patient/a v2",
                                       "4 delete Patient/a v3", "next 4"));
  EXPECT_THAT(Changes("?since=2&_count=1"), ElementsAre("3 update Patient/a v2", "next 3"));
  EXPECT_TRUE(Lines(Get("?since=2&_count=1").body).back()["more"]);
  EXPECT_THAT(Changes("?since=4"), ElementsAre("next 4"));
  EXPECT_FALSE(Lines(Get("?since=4").body).back()["more"]);
  EXPECT_THAT(Changes("?since=now"), ElementsAre("next 4"));
}

TEST_F(ChangesTest, TellsSomeTypesAlone) {
  PutPatient("a");
  PutGroup("g");
  PutPatient("b");
  EXPECT_THAT(Changes("?_type=Group"), ElementsAre("2 create Group/g v1", "next 3"));
  EXPECT_THAT(Changes("?_type=Group,Patient&since=1"),
              ElementsAre("2 create Group/g v1", "3 create Patient/b v1", "next 3"));
  EXPECT_THAT(Changes("?_type=Observation"), ElementsAre("next 3"));
}

TEST_F(ChangesTest, TellsTheTimeAndTheResourceOfThatVersion) {
  PutPatient("a", ",\n \"gender\": \"female\"");
  PutPatient("a", R"(,"gender":"male")");
  ASSERT_EQ(Run("DELETE", "Patient/a").status, 204);
  const auto lines = Lines(Get("?_include=resource").body);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0]["resource"]["gender"], "female");
  EXPECT_EQ(lines[1]["resource"]["gender"], "male");
  EXPECT_EQ(lines[1]["resource"]["meta"]["versionId"], "2");
  EXPECT_EQ(lines[1]["resource"]["meta"]["lastUpdated"], lines[1]["lastUpdated"]);
  EXPECT_FALSE(lines[2].contains("resource"));
}

TEST_F(ChangesTest, WaitsForAChangeThatConcernsTheClient) {
  PutPatient("a");
  std::thread writer([this] {
    while (metrics_.Expose().find("\nhilum_fhir_changes_requests_total 1\n") == std::string::npos)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    PutPatient("b");  // is none
    PutGroup("g");
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(Changes("?since=1&_type=Group&wait=30"), ElementsAre("3 create Group/g v1", "next 3"));
  const auto waited = std::chrono::steady_clock::now() - begin;
  writer.join();
  EXPECT_LT(waited, std::chrono::seconds(25)) << "not at the end of the wait";
}

TEST_F(ChangesTest, AnswersAtTheEndOfTheWaitWithWhereItIs) {
  PutPatient("a");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(Changes("?_type=Group&wait=1"), ElementsAre("next 1"));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
}

TEST_F(ChangesTest, StreamsWhatWasAndWhatComes) {
  PutPatient("a");
  const EventListener listener(url_ + "?since=0");
  ASSERT_TRUE(listener.WaitForData(1));
  PutPatient("b");
  PutGroup("g");
  ASSERT_TRUE(listener.WaitForData(3));
  std::vector<std::string> told;
  for (const std::string& data : listener.Data()) told.push_back(Told(json::parse(data)));
  EXPECT_THAT(told, ElementsAre("1 create Patient/a v1", "2 create Patient/b v1", "3 create Group/g v1"));
  EXPECT_THAT(listener.Ids(), ElementsAre("0", "1", "2", "3"));
}

TEST_F(ChangesTest, GoesOnWithAStreamWhereItBroke) {
  for (const char* id : {"a", "b", "c"}) PutPatient(id);
  const EventListener listener(url_ + "?since=0", /*last_event_id=*/"2");
  ASSERT_TRUE(listener.WaitForData(1));
  EXPECT_EQ(Told(json::parse(listener.Data()[0])), "3 create Patient/c v1");
  EXPECT_THAT(listener.Ids(), ElementsAre("2", "3"));
}

TEST_F(ChangesTest, EndsStreamsInGoodOrderWhenTheServerStops) {
  const EventListener listener(url_ + "?since=now");
  ASSERT_TRUE(EventListener::Within([&] { return listener.Ids().size() == 1; }));
  server_->Stop(std::chrono::seconds(10));
  ASSERT_TRUE(listener.WaitForEnd());
  EXPECT_TRUE(listener.whole());
}

TEST_F(ChangesTest, GivesEachOfManyReadersEverythingOnceWhileManyWrite) {
  // given listeners of every kind while eight clients write
  constexpr int kWriters = 8;
  constexpr int kEach = 25;
  std::vector<std::unique_ptr<EventListener>> listeners;
  for (int i = 0; i < 5; ++i) listeners.push_back(std::make_unique<EventListener>(url_ + "?since=0"));
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([this, w] {
      for (int i = 0; i < kEach; ++i) PutPatient("p" + std::to_string(w) + "-" + std::to_string(i));
    });
  }
  std::vector<uint64_t> polled;
  for (uint64_t since = 0; polled.size() < kWriters * kEach;) {
    const auto lines = Lines(Get("?_count=7&wait=5&since=" + std::to_string(since)).body);
    ASSERT_FALSE(lines.empty());
    for (size_t i = 0; i + 1 < lines.size(); ++i) polled.push_back(lines[i]["seq"]);
    since = lines.back()["next"];
  }
  for (std::thread& writer : writers) writer.join();
  // then each has all of them in order
  std::vector<uint64_t> all;
  for (uint64_t i = 1; i <= kWriters * kEach; ++i) all.push_back(i);
  EXPECT_EQ(polled, all);
  for (const auto& listener : listeners) {
    ASSERT_TRUE(listener->WaitForData(all.size()));
    std::vector<uint64_t> told;
    for (const std::string& data : listener->Data()) told.push_back(json::parse(data)["seq"]);
    EXPECT_EQ(told, all);
  }
}

TEST_F(ChangesTest, SendsThoseAwayWhoCannotGoOn) {
  PutPatient("a");
  for (const std::string query : {"?since=2", "?since=99&wait=10"}) {
    const HttpAnswer answer = Get(query);
    EXPECT_EQ(answer.status, 410);
    EXPECT_THAT(answer.body, HasSubstr("OperationOutcome"));
    EXPECT_THAT(answer.body, HasSubstr("read all data anew"));
  }
  EXPECT_EQ(hilum::testing::Fetch("GET", url_, {"Accept: text/event-stream", "Last-Event-ID: 7"}).status, 410);
}

TEST_F(ChangesTest, RefusesWhatItDoesNotUnderstand) {
  for (const std::string query : {"?since=x", "?since=-1", "?_count=many", "?_type=Nonsense", "?wait=x",
                                  "?_include=Patient:general-practitioner", "?sinse=1"}) {
    const HttpAnswer answer = Get(query);
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_THAT(answer.body, HasSubstr("OperationOutcome"));
  }
  EXPECT_EQ(hilum::testing::Fetch("POST", url_).status, 405);
  EXPECT_EQ(hilum::testing::Fetch("OPTIONS", url_).Header("Allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(hilum::testing::Fetch("GET", url_, {"Accept: text/event-stream", "Last-Event-ID: x"}).status, 400);
  EXPECT_EQ(hilum::testing::Fetch("HEAD", url_, {"Accept: text/event-stream"}).status, 200);
}

}  // namespace
}  // namespace hilum::fhir_rest
