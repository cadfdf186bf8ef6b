// STOW-RS of metadata and bulk data (PS3.18 10.5.1) through the real server.
#include <gmock/gmock.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "codecs/pixel/picture_file.h"
#include "tests/server/dicomweb/service_fixture.h"
#include "tests/server/dicomweb/stow_answer.h"
#include "tests/server/http/client.h"
#include "tests/support/eventually.h"

namespace hilum::dicomweb {
namespace {

using nlohmann::json;
using testing::Explanations;
using ::testing::HasSubstr;
using testing::HttpAnswer;

struct PartSpec {
  std::string type, location, content;
};

class StowModelTest : public testing::ServiceFixture {
 protected:
  static std::string BodyOf(const std::vector<PartSpec>& parts) {
    std::string body;
    for (const PartSpec& part : parts) {
      body += "--frontier\r\nContent-Type: " + part.type + "\r\n";
      if (!part.location.empty()) body += "Content-Location: " + part.location + "\r\n";
      body += "\r\n" + part.content + "\r\n";
    }
    return body + "--frontier--\r\n";
  }
  HttpAnswer Store(const std::string& type, const std::vector<PartSpec>& parts) {
    return Post("/dicom-web/studies", "multipart/related; type=\"" + type + "\"; boundary=frontier", BodyOf(parts));
  }
  // The metadata of a 2 by 2 image with 8 bits; its pixels are at `uri`.
  static json Metadata(const std::string& sop, const std::string& uri) {
    const auto values = [](const char* vr, json value) { return json{{"vr", vr}, {"Value", json::array({value})}}; };
    return {{"00080016", values("UI", "1.2.840.10008.5.1.4.1.1.7")},
            {"00080018", values("UI", sop)},
            {"00080060", values("CS", "OT")},
            {"00100010", values("PN", {{"Alphabetic", "Müller^Jürgen"}})},
            {"00100020", values("LO", "P1")},
            {"0020000D", values("UI", "1.2.1")},
            {"0020000E", values("UI", "1.2.1.1")},
            {"00280002", values("US", 1)},
            {"00280004", values("CS", "MONOCHROME2")},
            {"00280010", values("US", 2)},
            {"00280011", values("US", 2)},
            {"00280100", values("US", 8)},
            {"00280101", values("US", 8)},
            {"00280102", values("US", 7)},
            {"00280103", values("US", 0)},
            {"7FE00010", {{"vr", "OB"}, {"BulkDataURI", uri}}}};
  }
  HttpAnswer Frame(const std::string& sop, const std::string& number = "1") {
    return Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/" + sop + "/frames/" + number,
               {"Accept: application/octet-stream; transfer-syntax=*"});
  }
};

TEST_F(StowModelTest, StoresInstancesOfJsonWithTheirPixels) {
  const HttpAnswer answer =
      Store("application/dicom+json",
            {{"application/dicom+json", "", json{Metadata("1.2.1.1.1", "a"), Metadata("1.2.1.1.2", "b/2")}.dump()},
             {"application/octet-stream", "b/2", "efgh"},
             {"application/octet-stream", "a", "abcd"}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(json::parse(answer.body)["00081199"]["Value"].size(), 2u);
  EXPECT_EQ(Frame("1.2.1.1.1").body, "abcd");
  EXPECT_EQ(Frame("1.2.1.1.2").body, "efgh");
  const json metadata =
      json::parse(Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1/metadata").body)[0];
  EXPECT_EQ(metadata["00100010"]["Value"][0]["Alphabetic"], "Müller^Jürgen");
  EXPECT_EQ(metadata["00080005"]["Value"][0], "ISO_IR 192");
}

TEST_F(StowModelTest, StoresCompressedFramesInTheSyntaxOfTheirParts) {
  json metadata = Metadata("1.2.1.1.1", "a");
  metadata["00280008"] = {{"vr", "IS"}, {"Value", {2}}};
  const std::string type = "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50";
  const HttpAnswer answer = Store("application/dicom+json", {{"application/dicom+json", "", json{metadata}.dump()},
                                                             {type, "a", "\xFF\xD8 one.."},
                                                             {type, "a", "\xFF\xD8 two.."}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  const HttpAnswer frame = Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1/frames/2",
                               {"Accept: image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"});
  EXPECT_TRUE(frame.body == "\xFF\xD8 two..") << frame.status;
}

TEST_F(StowModelTest, FramesOfAMediaTypeAloneAreOfItsDefaultSyntaxAndComeBackAsStored) {
  const std::vector<std::pair<std::string, std::string>> types = {
      {"image/x-jls", "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"},
      {"image/jpx", "image/jpx; transfer-syntax=1.2.840.10008.1.2.4.92"},  // stored, though it cannot be decoded
      {"image/jxl", "image/jxl; transfer-syntax=1.2.840.10008.1.2.4.110"},
      {"video/mpeg; transfer-syntax=1.2.840.10008.1.2.4.101.1",
       "video/mpeg; transfer-syntax=1.2.840.10008.1.2.4.101.1"}};
  for (size_t i = 0; i < types.size(); ++i) {
    const std::string sop = "1.2.1.1." + std::to_string(i + 1);
    const HttpAnswer answer =
        Store("application/dicom+json",
              {{"application/dicom+json", "", json{Metadata(sop, "a")}.dump()}, {types[i].first, "a", "a frame."}});
    ASSERT_EQ(answer.status, 200) << answer.body;
    const std::string type = types[i].second.substr(0, types[i].second.find(';'));
    const HttpAnswer frame =
        Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/" + sop + "/frames/1", {"Accept: " + type});
    EXPECT_EQ(frame.Header("Content-Type"), types[i].second);
    EXPECT_EQ(frame.body, "a frame.");
  }
}

TEST_F(StowModelTest, JpegWithoutATransferSyntaxIsWhatItsCodestreamSays) {
  // Given frame headers of each process, the media type alone (by PS3.18 table 8.7.3-5: lossless, first-order)
  const std::string lossless = "\xFF\xC3" + std::string("\0\x0B\x08\0\x02\0\x02\x01\x01\x11\0", 11);
  const std::vector<std::pair<std::string, std::string>> streams = {
      {"\xFF\xC0" + std::string("\0\x0B\x08\0\x02\0\x02\x01\x01\x11\0", 11), "1.2.840.10008.1.2.4.50"},
      {"\xFF\xC1" + std::string("\0\x0B\x0C\0\x02\0\x02\x01\x01\x11\0", 11), "1.2.840.10008.1.2.4.51"},
      {lossless + "\xFF\xDA" + std::string("\0\x08\x01\x01\0\x01\0\0", 8), "1.2.840.10008.1.2.4.70"},
      {lossless + "\xFF\xDA" + std::string("\0\x08\x01\x01\0\x06\0\0", 8), "1.2.840.10008.1.2.4.57"},
      {"no JPEG at all", "1.2.840.10008.1.2.4.70"}};
  for (size_t i = 0; i < streams.size(); ++i) {
    const std::string sop = "1.2.1.1." + std::to_string(i + 1);
    // When they are stored
    ASSERT_EQ(Store("application/dicom+json", {{"application/dicom+json", "", json{Metadata(sop, "a")}.dump()},
                                               {"image/jpeg", "a", "\xFF\xD8" + streams[i].first}})
                  .status,
              200);
    // Then frames say the process they have
    const HttpAnswer frame = Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/" + sop + "/frames/1",
                                 {"Accept: image/jpeg; transfer-syntax=*"});
    EXPECT_EQ(frame.Header("Content-Type"), "image/jpeg; transfer-syntax=" + streams[i].second);
  }
}

// What consumer cameras and scanners give, described by nothing but itself (PS3.18 10.5.2).
class StowPictureTest : public StowModelTest {
 protected:
  static std::string File(pixel::PictureType type, uint8_t channels) {
    pixel::Picture picture{.width = 40, .height = 24, .channels = channels};
    for (uint32_t i = 0; i < 40 * 24 * channels; ++i) picture.samples.push_back(static_cast<char>(i / channels % 251));
    pixel::LocalCodec codec;
    return *pixel::EncodePicture(picture, type, 90, codec);
  }
  static json WithoutDescription(const std::string& sop) {
    json metadata = Metadata(sop, "a");
    for (const char* const tag :
         {"00280002", "00280004", "00280010", "00280011", "00280100", "00280101", "00280102", "00280103"})
      metadata.erase(tag);
    return metadata;
  }
  HttpAnswer StorePictures(const json& metadata, const std::string& type, const std::vector<std::string>& files) {
    std::vector<PartSpec> parts = {{"application/dicom+json", "", json{metadata}.dump()}};
    for (const std::string& file : files) parts.push_back({type, "a", file});
    return Store("application/dicom+json", parts);
  }
  json MetadataOf(const std::string& sop) {
    return json::parse(Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/" + sop + "/metadata").body)[0];
  }
  static json Values(const json& metadata, const std::vector<const char*>& tags) {
    json values = json::array();
    for (const char* const tag : tags) values.push_back(metadata[tag]["Value"][0]);
    return values;
  }
};

TEST_F(StowPictureTest, WhatMetadataLeaveOutOfTheirPixelsTheCodestreamTells) {
  ASSERT_EQ(StorePictures(WithoutDescription("1.2.1.1.1"), "image/jpeg", {File(pixel::PictureType::kJpeg, 3)}).status,
            200);
  const json colour = MetadataOf("1.2.1.1.1");
  EXPECT_EQ(Values(colour, {"00280002", "00280004", "00280006", "00280010", "00280011", "00280100", "00280101",
                            "00280102", "00280103", "00282110", "00282114"}),
            (json{3, "YBR_FULL_422", 0, 24, 40, 8, 8, 7, 0, "01", "ISO_10918_1"}));
  EXPECT_GT(colour["00282112"]["Value"][0], 1);
  const std::string object = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1";
  EXPECT_EQ(Get(object + "/rendered", {"Accept: image/png"}).status, 200);

  // Several of them are frames; what the metadata say themselves stays
  json inverse = WithoutDescription("1.2.1.1.2");
  inverse["00280004"] = {{"vr", "CS"}, {"Value", {"MONOCHROME1"}}};
  const std::string grey = File(pixel::PictureType::kJpeg, 1);
  ASSERT_EQ(StorePictures(inverse, "image/jpeg", {grey, grey}).status, 200);
  EXPECT_EQ(Values(MetadataOf("1.2.1.1.2"), {"00280002", "00280004", "00280008"}), (json{1, "MONOCHROME1", 2}));
  EXPECT_TRUE(Frame("1.2.1.1.2", "2").body == grey);
}

TEST_F(StowPictureTest, OfAJp2FileTheCodestreamIsKeptAndItsWaveletTellsTheTransferSyntax) {
  const std::string file = File(pixel::PictureType::kJp2, 3);
  ASSERT_EQ(StorePictures(WithoutDescription("1.2.1.1.1"), "image/jp2", {file}).status, 200);
  const HttpAnswer frame = Frame("1.2.1.1.1");
  EXPECT_TRUE(frame.body.starts_with("\xFF\x4F\xFF\x51") && file.ends_with(frame.body));
  EXPECT_EQ(Values(MetadataOf("1.2.1.1.1"), {"00280002", "00280004", "00280010"}), (json{3, "YBR_RCT", 24}));

  const auto lossy =
      pixel::Encode({.format = {.rows = 8, .columns = 8, .bits_allocated = 8, .bits_stored = 8, .high_bit = 7},
                     .pixels = std::string(64, 'x')},
                    "1.2.840.10008.1.2.4.91", {.allow_lossy = true});
  ASSERT_TRUE(lossy.ok());
  ASSERT_EQ(StorePictures(WithoutDescription("1.2.1.1.2"), "image/jp2", {lossy->bytes}).status, 200);
  EXPECT_EQ(Values(MetadataOf("1.2.1.1.2"), {"00282110", "00282114"}), (json{"01", "ISO_15444_1"}));
  EXPECT_EQ(Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2/frames/1", {"Accept: image/*"})
                .Header("Content-Type"),
            "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.91");
}

TEST_F(StowPictureTest, PixelsThatNothingDescribesAreRefused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"image/dicom-rle", "a frame."}, {"image/jpeg", "no JPEG"}, {"image/jpeg", ""}};
  for (const auto& [type, content] : cases) {
    const HttpAnswer answer = StorePictures(WithoutDescription("1.2.1.1.1"), type, {content});
    EXPECT_EQ(answer.status, 409) << type;
    EXPECT_THAT(Explanations(answer.body), HasSubstr("(0028,0002) is missing, and the pixel data do not tell it: "));
  }
}

// Reading it for each of them would take minutes.
TEST_F(StowPictureTest, HoweverManyDataSetsNameAnImageItsHeaderIsReadOnce) {
  json data_sets = json::array();
  for (int i = 0; i < 20'000; ++i) data_sets.push_back({{"7FE00010", {{"vr", "OB"}, {"BulkDataURI", "a"}}}});
  const std::string nothing_but_fill = "\xFF\xD8" + std::string(16 << 20, '\xFF');
  const auto begun = std::chrono::steady_clock::now();
  const HttpAnswer answer = Store("application/dicom+json", {{"application/dicom+json", "", data_sets.dump()},
                                                             {"image/jpeg", "a", nothing_but_fill}});
  EXPECT_EQ(answer.status, 409);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));
}

TEST_F(StowPictureTest, AJp2FileMayHoldAHighThroughputCodestream) {
  const auto fast =
      pixel::Encode({.format = {.rows = 8, .columns = 8, .bits_allocated = 8, .bits_stored = 8, .high_bit = 7},
                     .pixels = std::string(64, 'x')},
                    "1.2.840.10008.1.2.4.201", {});
  ASSERT_TRUE(fast.ok());
  ASSERT_EQ(StorePictures(WithoutDescription("1.2.1.1.1"), "image/jp2", {fast->bytes}).status, 200);
  EXPECT_EQ(Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1/frames/1", {"Accept: image/*"})
                .Header("Content-Type"),
            "image/jphc; transfer-syntax=1.2.840.10008.1.2.4.201");
}

TEST_F(StowModelTest, WhatItSendsAsXmlItTakesAsXml) {
  ASSERT_EQ(Store("application/dicom+json", {{"application/dicom+json", "", json{Metadata("1.2.1.1.1", "a")}.dump()},
                                             {"application/octet-stream", "a", "abcd"}})
                .status,
            200);
  const std::string object = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1";
  const std::string parts = Get(object + "/metadata", {"Accept: application/dicom+xml"}).body;
  const std::string before = Get(object, {"Accept: application/dicom; transfer-syntax=*"}).body;
  const size_t begin = parts.find("<?xml"), end = parts.find("</NativeDicomModel>");
  ASSERT_TRUE(begin != std::string::npos && end != std::string::npos) << parts;
  ASSERT_EQ(testing::Fetch("DELETE", base_ + "/dicom-web/studies/1.2.1").status, 204);

  const HttpAnswer answer =
      Store("application/dicom+xml", {{"application/dicom+xml", "", parts.substr(begin, end + 19 - begin)},
                                      {"application/octet-stream", base_ + object + "/bulkdata/7FE00010", "abcd"}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(Get(object, {"Accept: application/dicom; transfer-syntax=*"}).body == before);
}

TEST_F(StowModelTest, WhatIsWrongWithOneInstanceLeavesTheOthers) {
  json wrong = Metadata("1.2.1.1.2", "a");
  wrong["00280010"]["Value"] = {70'000};
  const HttpAnswer answer =
      Store("application/dicom+json", {{"application/dicom+json", "", json{Metadata("1.2.1.1.1", "a"), wrong}.dump()},
                                       {"application/octet-stream", "a", "abcd"}});
  EXPECT_EQ(answer.status, 202);
  EXPECT_THAT(Explanations(answer.body), HasSubstr("(0028,0010): a value is no number that this vr can hold"));
  EXPECT_EQ(Frame("1.2.1.1.1").status, 200);
}

TEST_F(StowModelTest, PartsThatDoNotBelongTogetherAreToldApart) {
  const std::string document = json{Metadata("1.2.1.1.1", "a")}.dump();
  HttpAnswer answer = Store("application/dicom+json", {{"application/dicom+json", "", document}});
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(Explanations(answer.body),
              HasSubstr("(7FE0,0010): the bulk data URI is the Content-Location of no part"));
  answer = Store("application/dicom+json", {{"application/dicom+json", "", document},
                                            {"application/octet-stream", "a", "abcd"},
                                            {"application/octet-stream", "other", "x"}});
  EXPECT_EQ(answer.status, 202);
  EXPECT_THAT(Explanations(answer.body), HasSubstr("1 parts have a Content-Location that no bulk data URI names"));
  answer = Store("application/dicom+json", {{"application/dicom+json", "", document}, {"image/png", "a", "abcd"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(Explanations(answer.body), HasSubstr("no transfer syntax for bulk data of the type image/png"));
  answer = Store("application/dicom+json", {{"application/octet-stream", "", "x"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(Explanations(answer.body), HasSubstr("Content-Location"));
  answer = Store("application/dicom+json", {{"application/octet-stream", "a", "x"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(Explanations(answer.body), HasSubstr("no part with metadata"));
  answer = Store("application/dicom+xml", {{"application/dicom+xml", "", "<!DOCTYPE a><NativeDicomModel/>"}});
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(Explanations(answer.body), HasSubstr("document type declaration"));
}

TEST_F(StowModelTest, BulkDataOfTextAreInTheCharacterSetThatTheirPartSays) {
  json metadata = Metadata("1.2.1.1.1", "a");
  metadata["00104000"] = {{"vr", "LT"}, {"BulkDataURI", "text"}};
  const std::string object = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1";
  const auto store = [&](const json& model, const std::string& type, const std::string& text) {
    return Store("application/dicom+json", {{"application/dicom+json", "", json{model}.dump()},
                                            {"application/octet-stream", "a", "abcd"},
                                            {type, "text", text}});
  };
  const auto stored = [&](const json& model, const std::string& type, const std::string& text) {
    EXPECT_EQ(store(model, type, text).status, 200) << type;
    const json read = json::parse(Get(object + "/metadata").body)[0]["00104000"]["Value"][0];
    EXPECT_EQ(testing::Fetch("DELETE", base_ + "/dicom-web/studies/1.2.1").status, 204);
    return read.get<std::string>();
  };
  EXPECT_EQ(stored(metadata, "text/plain; charset=iso-8859-1",
                   "Gr\xFC\xDF"
                   "e"),
            "Grüße");
  EXPECT_EQ(stored(metadata, "text/plain; charset=\"UTF-8\"", "Grüße"), "Grüße");
  EXPECT_EQ(stored(metadata, "text/plain", "Grüße"), "Grüße");
  EXPECT_EQ(stored(metadata, "application/octet-stream", "Grüße"), "Grüße");
  json latin = metadata;
  latin["00080005"] = {{"vr", "CS"}, {"Value", {"ISO_IR 100"}}};
  EXPECT_EQ(stored(latin, "application/octet-stream",
                   "Gr\xFC\xDF"
                   "e"),
            "Grüße");
  EXPECT_EQ(stored(latin, "application/octet-stream", "Grüße"), "Grüße");
  json kanji = metadata;
  kanji["00080005"] = {{"vr", "CS"}, {"Value", {nullptr, "ISO 2022 IR 87"}}};
  EXPECT_EQ(stored(kanji, "text/plain", "\x1B$B;3\x1B(B"), "山");
  for (const auto& [type, why] : {std::pair("text/plain; charset=utf-8", "no text in utf-8"),
                                  std::pair("text/plain; charset=klingon", "character set klingon is not known"),
                                  std::pair("text/plain", "the text is not in UTF-8")}) {
    const HttpAnswer answer = store(metadata, type,
                                    "Gr\xFC\xDF"
                                    "e");
    EXPECT_EQ(answer.status, 409) << type;
    EXPECT_THAT(Explanations(answer.body), HasSubstr(std::string("(0010,4000): "))) << type;
    EXPECT_THAT(Explanations(answer.body), HasSubstr(why)) << type;
  }
}

TEST_F(StowModelTest, BytesStayWhateverCharacterSetTheirPartSays) {
  const HttpAnswer answer =
      Store("application/dicom+json", {{"application/dicom+json", "", json{Metadata("1.2.1.1.1", "a")}.dump()},
                                       {"text/plain; charset=iso-8859-1", "a", "\xFC\xFC\xFC\xFC"}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(Frame("1.2.1.1.1").body == "\xFC\xFC\xFC\xFC");
}

TEST_F(StowModelTest, MemoryIsBounded) {
  Start({.models = {.metadata_bytes = 4000, .bulk_bytes = 3000, .built_bytes = 5000}});
  const std::string document = json{Metadata("1.2.1.1.1", "a")}.dump();
  const auto store = [&](size_t blanks, const std::string& pixels) {
    return Store("application/dicom+json", {{"application/dicom+json", "", document + std::string(blanks, ' ')},
                                            {"application/octet-stream", "a", pixels}});
  };
  EXPECT_EQ(store(4000, "abcd").status, 413);
  EXPECT_EQ(store(0, std::string(3000, 'x')).status, 413);
  json many = json::array();
  for (int i = 1; i <= 2; ++i) many.push_back(Metadata("1.2.1.1." + std::to_string(i), "a"));
  const HttpAnswer answer =
      Store("application/dicom+json",
            {{"application/dicom+json", "", many.dump()}, {"application/octet-stream", "a", std::string(2500, 'x')}});
  EXPECT_EQ(answer.status, 202) << "one part may not become any number of instances";
  EXPECT_THAT(Explanations(answer.body), HasSubstr("larger than it may be"));
}

TEST_F(StowModelTest, MemoryOfAllRequestsIsBounded) {
  Start({.model_bytes = 1 << 20});
  const auto body_of = [](size_t bytes) {
    return BodyOf({{"application/dicom+json", "", json{Metadata("1.2.1.1." + std::to_string(bytes), "a")}.dump()},
                   {"application/octet-stream", "a", std::string(bytes, 'x')}});
  };
  const std::string type = "multipart/related; type=\"application/dicom+json\"; boundary=frontier";
  const auto store = [&](size_t bytes) { return Post("/dicom-web/studies", type, body_of(bytes)); };
  EXPECT_EQ(store(300'000).status, 200);

  // When a client sends most of a request and no more
  http::Client stalled(server_->port());
  stalled.Send("POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Type: " + type +
               "\r\nContent-Length: 700000\r\n\r\n" + body_of(600'000).substr(0, 590'000));
  EXPECT_TRUE(Eventually([&] { return store(500'000).status == 503; }));
  const HttpAnswer answer = store(500'000);
  EXPECT_EQ(answer.Header("Retry-After"), "30");
  EXPECT_THAT(Explanations(answer.body), HasSubstr("take all the memory there is"));
  const HttpAnswer half = store(250'000);  // there is room for what comes, not for what it becomes
  EXPECT_EQ(half.status, 507);
  EXPECT_THAT(Explanations(half.body), HasSubstr("take all the memory there is"));

  // Then there is room again when it is gone
  stalled.Abort();
  EXPECT_TRUE(Eventually([&] { return store(500'000).status == 200; }));
}

}  // namespace
}  // namespace hilum::dicomweb
