// STOW-RS through the real server: the outcome table, and everything a client can get wrong.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/server/dicomweb/service_fixture.h"
#include "tests/server/dicomweb/stow_answer.h"
#include "tests/server/http/client.h"
#include "tests/support/seeded_random.h"

namespace hilum::dicomweb {
namespace {

using nlohmann::json;
using testing::Explanations;
using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::InstanceSpec;
using testing::MakeInstance;

class StowTest : public testing::ServiceFixture {
 protected:
  int FailureReasonOf(const HttpAnswer& answer, const char* sequence = "00081198") {
    const json document = json::parse(answer.body, nullptr, false);
    if (document.is_discarded() || !document.contains(sequence)) return -1;
    return document[sequence]["Value"][0]["00081197"]["Value"][0].get<int>();
  }
  uint64_t StoredInstances() {
    storage::CatalogueReader reader = store_->Read();
    return reader.Find({.level = storage::Level::kInstance})->total;
  }
};

TEST_F(StowTest, StoresAMultipartRequestAndNamesEveryInstance) {
  const HttpAnswer answer = Post("/dicom-web/studies", kMultipart,
                                 Multipart({MakeInstance({.sop = "1.2.1.1.1"}), MakeInstance({.sop = "1.2.1.1.2"})}));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.Header("Content-Type"), "application/dicom+json");
  const json document = json::parse(answer.body);
  EXPECT_EQ(document["00081190"]["Value"][0], base_ + "/dicom-web/studies/1.2.1");
  EXPECT_EQ(answer.Header("Location"), base_ + "/dicom-web/studies/1.2.1");
  ASSERT_EQ(document["00081199"]["Value"].size(), 2u);
  const json& first = document["00081199"]["Value"][0];
  EXPECT_EQ(first["00081150"]["Value"][0], "1.2.840.10008.5.1.4.1.1.2");
  EXPECT_EQ(first["00081155"]["Value"][0], "1.2.1.1.1");
  EXPECT_EQ(first["00081190"]["Value"][0], base_ + "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1");
  EXPECT_FALSE(document.contains("00081198")) << "an empty failure sequence confuses clients";
}

TEST_F(StowTest, AnswersInXmlWhenAsked) {
  const HttpAnswer answer = testing::Fetch("POST", base_ + "/dicom-web/studies",
                                           {"Content-Type: application/dicom", "Accept: application/dicom+xml"},
                                           MakeInstance({.sop = "1.2.1.1.1"}));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.Header("Content-Type"), "application/dicom+xml");
  EXPECT_THAT(answer.body, HasSubstr("keyword=\"ReferencedSOPSequence\"><Item number=\"1\">"));
  EXPECT_THAT(answer.body, HasSubstr("<Value number=\"1\">1.2.1.1.1</Value>"));
  const HttpAnswer by_query = testing::Fetch("POST", base_ + "/dicom-web/studies?accept=application/dicom%2Bxml",
                                             {"Content-Type: application/dicom"}, MakeInstance({.sop = "1.2.1.1.2"}));
  EXPECT_EQ(by_query.Header("Content-Type"), "application/dicom+xml");
}

TEST_F(StowTest, StoresASinglePart) {
  const std::string bytes = MakeInstance({});
  EXPECT_EQ(Post("/dicom-web/studies/1.2.1", "application/dicom", bytes).status, 200);
  EXPECT_TRUE(Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1", {"Accept: application/dicom"}).body ==
              bytes);
}

TEST_F(StowTest, TheSameBytesAgainAreASuccessAndOthersAreNot) {
  EXPECT_EQ(Post("/dicom-web/studies", "application/dicom", MakeInstance({.pixel_fill = 1})).status, 200);
  EXPECT_EQ(Post("/dicom-web/studies", "application/dicom", MakeInstance({.pixel_fill = 1})).status, 200);
  const HttpAnswer other = Post("/dicom-web/studies", "application/dicom", MakeInstance({.pixel_fill = 2}));
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(FailureReasonOf(other), 0x0111);
}

TEST_F(StowTest, OfSeveralStudiesNoneIsTheLocation) {
  const HttpAnswer several =
      Post("/dicom-web/studies", kMultipart, Multipart({MakeInstance({}), MakeInstance({.study = "1.9"})}));
  EXPECT_EQ(several.status, 200);
  EXPECT_FALSE(several.Header("Location"));
  EXPECT_FALSE(json::parse(several.body).contains("00081190"));
}

TEST_F(StowTest, PartOfARequestStoredIs202WithBothSequences) {
  const HttpAnswer answer = Post("/dicom-web/studies/1.2.1", kMultipart,
                                 Multipart({MakeInstance({}), MakeInstance({.study = "1.9"}), "garbage"}));
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(FailureReasonOf(answer), 0xA901);
  EXPECT_EQ(FailureReasonOf(answer, "0008119A"), 0xC000) << "what has no name is an other failure";
  EXPECT_EQ(answer.Header("Location"), base_ + "/dicom-web/studies/1.2.1");
  EXPECT_EQ(StoredInstances(), 1u);
}

TEST_F(StowTest, RemarksAre202WithAWarning) {
  const HttpAnswer answer = Post("/dicom-web/studies", "application/dicom", MakeInstance({.study = "1.02"}));
  EXPECT_EQ(answer.status, 202);
  const json item = json::parse(answer.body)["00081199"]["Value"][0];
  EXPECT_EQ(item["00081196"]["Value"][0], 0xB007);
  EXPECT_THAT(Explanations(answer.body), HasSubstr("9.1"));
}

TEST_F(StowTest, AnExplanationTakesAsManyErrorCommentsAsItIsLong) {
  EXPECT_EQ(Post("/dicom-web/studies", "application/dicom", MakeInstance({.pixel_fill = 1})).status, 200);
  const HttpAnswer answer = Post("/dicom-web/studies", "application/dicom", MakeInstance({.pixel_fill = 2}));
  EXPECT_EQ(Explanations(answer.body),
            "another instance is stored under this SOP Instance UID; delete it first, or allow replacing\n");
  EXPECT_EQ(json::parse(answer.body)["00081198"]["Value"][0]["00741048"]["Value"].size(), 2u);
}

TEST_F(StowTest, WhatIsNoUidIsNotSentBackAsOne) {
  const HttpAnswer answer =
      Post("/dicom-web/studies", "application/dicom", MakeInstance({.sop = std::string(500, '1')}));
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(FailureReasonOf(answer, "0008119A"), 0xA900);
  EXPECT_EQ(answer.body.find(std::string(65, '1')), std::string::npos);
}

TEST_F(StowTest, OnAFullDiskWhoWaitsForContinueIsSparedTheSending) {
  const std::string bytes = MakeInstance({.pixel_bytes = 1 << 20});
  const std::string url = base_ + "/dicom-web/studies";
  const std::vector<std::string> headers = {"Content-Type: application/dicom", "Expect: 100-continue"};
  disk_.full = true;
  const HttpAnswer refused = testing::Fetch("POST", url, headers, bytes);
  EXPECT_EQ(refused.status, 507);
  EXPECT_TRUE(refused.Header("Retry-After"));
  EXPECT_EQ(FailureReasonOf(refused, "0008119A"), 0xA700);
  EXPECT_EQ(refused.sent, 0);
  EXPECT_EQ(testing::Fetch("POST", url, {"Content-Type: application/dicom"}, bytes).status, 507);
  disk_.full = false;
  const HttpAnswer taken = testing::Fetch("POST", url, headers, bytes);
  EXPECT_EQ(taken.status, 200) << taken.body;
  EXPECT_EQ(taken.sent, static_cast<curl_off_t>(bytes.size()));
}

TEST_F(StowTest, MissingUidsAre409WithTheDataSetReason) {
  const HttpAnswer answer = Post("/dicom-web/studies", "application/dicom", MakeInstance({.series = ""}));
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(FailureReasonOf(answer), 0xA900);
}

TEST_F(StowTest, EveryBadRequestIsAnsweredWithAReasonAndStoresNothing) {
  const std::string good = MakeInstance({});
  struct Bad {
    const char* name;
    std::string type, body;
    std::vector<int> statuses;
  };
  const std::vector<Bad> requests = {
      {"no type", "", Multipart({good}), {415}},
      {"html", "text/html", "<html>", {415}},
      {"other multipart", "multipart/form-data; boundary=frontier", Multipart({good}), {415}},
      {"metadata parts",
       "multipart/related; type=\"application/dicom+json\"; boundary=frontier",
       Multipart({"[]"}),
       {400}},
      {"metadata of no instance",
       "multipart/related; type=\"application/dicom+json\"; boundary=frontier",
       "--frontier\r\nContent-Type: application/dicom+json\r\n\r\n[]\r\n--frontier--\r\n",
       {400}},
      {"no boundary", "multipart/related; type=\"application/dicom\"", Multipart({good}), {400}},
      {"empty boundary", "multipart/related; type=\"application/dicom\"; boundary=\"\"", Multipart({good}), {400}},
      {"huge boundary",
       "multipart/related; type=\"application/dicom\"; boundary=" + std::string(5000, 'b'),
       Multipart({good}),
       {400}},
      {"wrong boundary", "multipart/related; type=\"application/dicom\"; boundary=other", Multipart({good}), {400}},
      {"empty body", kMultipart, "", {400}},
      {"only the end", kMultipart, "--frontier--\r\n", {400}},
      {"no end", kMultipart, Multipart({good}).substr(0, Multipart({good}).size() - 20), {400}},
      {"zero-length part", kMultipart, Multipart({""}), {409}},
      {"two zero-length parts", kMultipart, Multipart({"", ""}), {409}},
      {"part header bomb",
       kMultipart,
       "--frontier\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n" + good + "\r\n--frontier--\r\n",
       {400, 413}},
      {"text", "application/dicom", "not DICOM at all", {409}},
      {"empty single part", "application/dicom", "", {400}},
      {"a UID that climbs", "application/dicom", MakeInstance({.sop = ".."}), {409}},
      {"a study of dots", "application/dicom", MakeInstance({.study = "."}), {409}},
      {"text part", kMultipart, "--frontier\r\nContent-Type: text/plain\r\n\r\nhello\r\n--frontier--\r\n", {409}},
  };
  for (const Bad& bad : requests) {
    SCOPED_TRACE(bad.name);
    const HttpAnswer answer = Post("/dicom-web/studies", bad.type, bad.body);
    EXPECT_THAT(bad.statuses, ::testing::Contains(answer.status)) << answer.error << answer.body;
    const json document = json::parse(answer.body, nullptr, false);
    EXPECT_TRUE(!document.is_discarded() && (document.contains("00081198") || document.contains("0008119A")))
        << answer.body;
    EXPECT_EQ(StoredInstances(), 0u);
  }
  EXPECT_EQ(Post("/dicom-web/studies", "application/dicom", good).status, 200) << "the server is as good as before";
}

TEST_F(StowTest, RequestsThatCannotBeTakenAtAllAreAnsweredInDicomJson) {
  const std::string good = Multipart({MakeInstance({})});
  const HttpAnswer bad_path = Post("/dicom-web/studies/1.2.3x", kMultipart, good);
  EXPECT_EQ(bad_path.status, 400);
  EXPECT_EQ(bad_path.Header("Content-Type"), "application/dicom+json");
  EXPECT_THAT(bad_path.body, HasSubstr("not a UID"));
  const HttpAnswer packed =
      testing::Fetch("POST", base_ + "/dicom-web/studies",
                     {std::string("Content-Type: ") + kMultipart, "Content-Encoding: gzip"}, good);
  EXPECT_EQ(packed.status, 415);
  EXPECT_EQ(packed.Header("Content-Type"), "application/dicom+json");
  EXPECT_THAT(packed.body, HasSubstr("Content-Encoding"));
}

TEST_F(StowTest, AnUnknownClassIsLeftOutOfTheAnswer) {
  const HttpAnswer answer = Post("/dicom-web/studies", kMultipart, Multipart({MakeInstance({.sop_class = ""})}));
  EXPECT_THAT(answer.body, HasSubstr("00081155"));
  EXPECT_THAT(answer.body, ::testing::Not(HasSubstr("00081150")));
  EXPECT_THAT(answer.body, ::testing::Not(HasSubstr("null")));
}

TEST_F(StowTest, TruncatedAndMutatedRequestsNeverStoreWhatWasNotSent) {
  const std::string whole = Multipart({MakeInstance({}), MakeInstance({.sop = "1.2.1.1.2"})});
  testing::SeededRandom random(20261121);
  for (size_t length = 0; length < whole.size() - 14; length += 97) {
    const HttpAnswer answer = Post("/dicom-web/studies", kMultipart, whole.substr(0, length));
    EXPECT_EQ(answer.status, 400) << length << answer.body;
  }
  EXPECT_EQ(StoredInstances(), 0u);
  for (int i = 0; i < 300; ++i) {
    std::string mutated = whole;
    for (int flips = 0; flips < 4; ++flips)
      mutated[random.Next64() % mutated.size()] ^= static_cast<char>(1 << random.Next64() % 8);
    const HttpAnswer answer = Post("/dicom-web/studies", kMultipart, mutated);
    EXPECT_TRUE(answer.status >= 200 && answer.status < 500) << answer.status << answer.error;
  }
  EXPECT_EQ(Findings(), "");
}

TEST_F(StowTest, HostileNumbersAndNestingAreRefused) {
  const auto element = [](uint16_t group, uint16_t element, const char* vr, uint32_t length) {
    std::string out;
    AppendLe(&out, group);
    AppendLe(&out, element);
    out.append(vr, 2).append(2, '\0');
    AppendLe(&out, length);
    return out;
  };
  std::string nested = MakeInstance({}).substr(0, 132);
  std::string lengths = nested;
  nested += std::string(
      "\x02\0\x10\0UI\x14\0"
      "1.2.840.10008.1.2.1\0",
      28);
  lengths = nested + element(0x0008, 0x1115, "SQ", 0xFFFFFFFF) + element(0xFFFE, 0xE000, "\xFF\xFF", 0xFFFFFFFF);
  for (int i = 0; i < 100'000; ++i)
    nested += element(0x0008, 0x1115, "SQ", 0xFFFFFFFF) + std::string("\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF", 8);
  const std::string huge = MakeInstance({}).substr(0, 400) + element(0x7FE0, 0x0010, "OW", 0xFFFFFFFE);
  for (const std::string& body : {nested, lengths, huge}) {
    const HttpAnswer answer = Post("/dicom-web/studies", "application/dicom", body);
    EXPECT_EQ(answer.status, 409) << answer.body;
    EXPECT_EQ(FailureReasonOf(answer, "0008119A"), 0xC000) << answer.body;
  }
  EXPECT_EQ(StoredInstances(), 0u);
}

TEST_F(StowTest, BrokenFilesOfTheTestDataAreStoredWholeOrRefusedWithAReason) {
  const std::filesystem::path folder = std::filesystem::path(HILUM_TEST_DATA) / "dicom" / "broken";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "the external test data is not here";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    const HttpAnswer answer = Post("/dicom-web/studies", "application/dicom", bytes);
    const json document = json::parse(answer.body, nullptr, false);
    ASSERT_FALSE(document.is_discarded());
    if (answer.status == 200 || answer.status == 202) {
      const std::string url = document["00081199"]["Value"][0]["00081190"]["Value"][0];
      EXPECT_TRUE(testing::Fetch("GET", url, {"Accept: application/dicom; transfer-syntax=*"}).body == bytes)
          << "other bytes came back";
      EXPECT_EQ(testing::Fetch("GET", url + "/metadata").status, 200);
    } else {
      EXPECT_EQ(answer.status, 409) << answer.body;
      EXPECT_NE(Explanations(answer.body), "");
    }
  }
  EXPECT_EQ(Findings(), "");
}

TEST_F(StowTest, DamagedBytesAreNeverSent) {
  const std::string bytes = MakeInstance({.pixel_bytes = 64'000, .pixel_fill = 'Q'});
  ASSERT_EQ(Post("/dicom-web/studies", "application/dicom", bytes).status, 200);
  ASSERT_EQ(Post("/dicom-web/studies", "application/dicom", MakeInstance({.sop = "1.2.1.1.2"})).status, 200);
  const std::string segment = directory_.path() + "/data/objects/000001.seg";
  std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(file)), {});
  file.seekp(static_cast<std::streamoff>(content.find("QQQQQQQQQQ") + 1000));
  file.put('R');
  file.close();
  const std::string instance = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1";
  for (const std::string& path :
       {instance, instance + "/frames/1", instance + "/bulkdata/7FE00010", std::string("/dicom-web/studies/1.2.1")}) {
    const HttpAnswer answer = Get(path);
    EXPECT_EQ(answer.status, 500) << path;
    EXPECT_EQ(answer.body.find("RQQQ"), std::string::npos) << path;
  }
  const std::pair<std::string, const char*> made[] = {
      {instance, "Accept: application/dicom; transfer-syntax=1.2.840.10008.1.2"},
      {instance, "Accept: application/dicom; transfer-syntax=1.2.840.10008.1.2.5"},
      {instance + "/frames/1", "Accept: multipart/related; type=\"image/jls\""},
      {instance + "/bulkdata", "Accept: multipart/related; type=\"image/jls\""},
      {instance + "/rendered", "Accept: image/png"},
      {instance + "/thumbnail", "Accept: image/png"}};
  for (const auto& [path, accept] : made) EXPECT_EQ(Get(path, {accept}).status, 500) << path << " " << accept;
  for (const std::string& path : {instance, instance + "/frames/1", std::string("/dicom-web/studies/1.2.1")})
    EXPECT_EQ(testing::Fetch("HEAD", base_ + path).status, 200) << path << ": bytes that are not sent are not read";
  const HttpAnswer found = Get("/dicom-web/instances?includefield=HighBit");
  EXPECT_EQ(found.status, 200);
  const auto rows = nlohmann::json::parse(found.body);
  ASSERT_EQ(rows.size(), 2u) << "one damaged object hides no other";
  EXPECT_NE(rows[0].contains("00280102"), rows[1].contains("00280102"));
  EXPECT_TRUE(found.Header("Warning"));
  EXPECT_EQ(Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2").status, 200) << "the neighbour is well";
  EXPECT_NE(Findings(), "");
}

TEST_F(StowTest, DeleteTakesAwayAtOnce) {
  for (const char* sop : {"1.2.1.1.1", "1.2.1.1.2"})
    ASSERT_EQ(Post("/dicom-web/studies", "application/dicom", MakeInstance({.sop = sop})).status, 200);
  EXPECT_EQ(testing::Fetch("DELETE", base_ + "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1").status,
            204);
  EXPECT_EQ(Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1").status, 404);
  EXPECT_EQ(Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2").status, 200);
  EXPECT_EQ(testing::Fetch("DELETE", base_ + "/dicom-web/studies/1.2.1").status, 204);
  EXPECT_EQ(testing::Fetch("DELETE", base_ + "/dicom-web/studies/1.2.1").status, 404);
  EXPECT_EQ(StoredInstances(), 0u);
}

TEST_F(StowTest, UnchangedMetadataAndInstancesAre304) {
  ASSERT_EQ(Post("/dicom-web/studies", "application/dicom", MakeInstance({})).status, 200);
  for (const char* path : {"/dicom-web/studies/1.2.1/metadata", "/dicom-web/studies/1.2.1",
                           "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1/metadata"}) {
    const auto etag = Get(path).Header("ETag");
    ASSERT_TRUE(etag) << path;
    EXPECT_EQ(Get(path, {"If-None-Match: " + *etag}).status, 304) << path;
    clock_.Advance(std::chrono::seconds(1));
    ASSERT_EQ(Post("/dicom-web/studies", "application/dicom",
                   MakeInstance({.sop = "1.2.1.1.9" + std::to_string(random_.Next64() % 1'000'000)}))
                  .status,
              200);
    const bool unaffected = std::string_view(path).ends_with("1.2.1.1.1/metadata");
    EXPECT_EQ(Get(path, {"If-None-Match: " + *etag}).status, unaffected ? 304 : 200) << path;
  }
}

TEST_F(StowTest, WhatTheServerRefusesBeforeItIsReadIsOneFailedInstanceToo) {
  body_timeout_ = std::chrono::milliseconds(50);
  Start({.max_store_bytes = 1000});
  const struct {
    std::string path, body;
    int length, status;
    std::string explanation;
  } cases[] = {
      {"/dicom-web/studies", "--frontier\r\n\r\nDI", 900, 408, "the request body did not arrive in time\n"},
      {"/dicom-web/studies/1.2.1", "", 5000, 413, "the body is larger than accepted here\n"},
      {"/dicom-web/studies?fuzzymatching=%zz", "", 0, 400,
       "decode percent escape at offset 0: two hexadecimal digits must follow '%'\n"},
  };
  for (const auto& [path, body, length, status, explanation] : cases) {
    http::Client client(server_->port());
    client.Send("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: " + kMultipart +
                "\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" + body);
    const auto reply = client.Read();
    ASSERT_TRUE(reply) << path;
    EXPECT_EQ(reply->status, status);
    EXPECT_EQ(reply->headers.First("Content-Type"), "application/dicom+json");
    EXPECT_EQ(Explanations(reply->body), explanation);
  }
}

}  // namespace
}  // namespace hilum::dicomweb
