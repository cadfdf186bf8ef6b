// Frames and pixel data of instances with several frames (PS3.18 10.4.1.4).
#include <gmock/gmock.h>

#include <fstream>
#include <thread>

#include "codecs/dicom/frames.h"
#include "tests/codecs/pixel/instances.h"
#include "tests/server/dicomweb/service_fixture.h"
#include "tests/server/http/client.h"
#include "tests/support/eventually.h"

namespace hilum::dicomweb {
namespace {

using ::testing::HasSubstr;
using testing::HttpAnswer;
using ::testing::StartsWith;

constexpr const char* kOctetStreamParts = "Accept: multipart/related; type=\"application/octet-stream\"";

class FramesTest : public testing::ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    ASSERT_TRUE(Ingest(MultiFrame("1.2.1.1.1", "abcde")).stored());
  }

  static std::string MultiFrame(const std::string& sop, const std::string& letters,
                                const std::string& series = "1.2.1.1") {
    auto out = testing::BeginImage({.sop = sop, .series = series, .patient_id = "P1", .frames = letters.size()});
    out.Add(dicom::tags::kPixelData, "OB", testing::LetterFrames(letters));
    return out.Take();
  }

  // What is in the parts of a multipart answer, of each the first letter.
  static std::string Letters(const HttpAnswer& answer) {
    std::string letters;
    const std::string type = answer.Header("Content-Type").value_or("");
    const size_t at = type.find("boundary=");
    if (at == std::string::npos) return "not multipart: " + std::to_string(answer.status);
    std::string boundary = type.substr(at + 9);
    std::erase(boundary, '"');
    for (size_t part = answer.body.find("--" + boundary); part != std::string::npos;
         part = answer.body.find("\r\n--" + boundary, part + 1)) {
      const size_t body = answer.body.find("\r\n\r\n", part + 1);
      if (body != std::string::npos) letters.push_back(answer.body[body + 4]);
    }
    return letters;
  }

  HttpAnswer Frames(const std::string& list) { return Get(kInstance + ("/frames/" + list), {kOctetStreamParts}); }

  static constexpr const char* kInstance = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1";
};

TEST_F(FramesTest, ListsAndRangesComeInTheOrderAskedFor) {
  EXPECT_EQ(Letters(Frames("2")), "b");
  EXPECT_EQ(Letters(Frames("1,3,5")), "ace");
  EXPECT_EQ(Letters(Frames("5,3,3")), "ecc");
  EXPECT_EQ(Letters(Frames("1-3")), "abc");
  EXPECT_EQ(Letters(Frames("1-3,5")), "abce");
  EXPECT_EQ(Letters(Frames("4-5,1-2")), "deab");
  EXPECT_EQ(Letters(Frames("2%2D4%2C1")), "bcda");
}

class PaddedNumberTest : public FramesTest {
 protected:
  static std::string TwoFrames() {
    std::string file = MultiFrame("1.2.1.1.2", "xy");
    const size_t number = file.find(std::string("\x28\0\x08\0IS\x02\0", 8) + "2 ");
    return file.replace(number + 8, 2, " 2");
  }
  std::string Both() {
    return Letters(Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2/frames/1,2", {kOctetStreamParts}));
  }
};

TEST_F(PaddedNumberTest, HasAllItsFrames) {
  ASSERT_TRUE(Ingest(TwoFrames()).stored());
  EXPECT_EQ(Both(), "xy");
}

TEST_F(PaddedNumberTest, ATableOfOneFrameThatAnOlderReleaseLeftIsMadeAnew) {
  const std::string file = TwoFrames();
  const auto header = dicom::ReadHeader(file, storage::AttributeTable::BuiltIn()->selection(), {});
  ASSERT_TRUE(header.ok());
  dicom::Header of_one = *header;
  of_one.frames = 1;
  const auto table = dicom::ReadFrameTable(file, of_one);
  const auto object = store_->objects().Put("1.2.1.1.2", file);
  ASSERT_TRUE(table.ok() && object.ok());
  storage::NewInstance instance{.header = *header, .object = *object};
  dicom::AppendFrameTable(*table, &instance.frame_table);
  const auto put = store_->ChangeCatalogue(
      [&](storage::CatalogueTxn& catalogue) { return catalogue.Put(instance, std::nullopt).status(); });
  ASSERT_TRUE(put.ok());
  EXPECT_EQ(Both(), "xy");
}

// As Cornerstone3D loads images progressively.
TEST_F(FramesTest, StoredFramesInPartsCanBeHadRangeByRange) {
  for (const char* const list : {"2", "1,3,5"}) {
    const HttpAnswer whole = Frames(list);
    EXPECT_EQ(whole.Header("Accept-Ranges"), "bytes");
    EXPECT_EQ(Frames(list).body, whole.body) << "byte for byte, with its boundary";
    const std::string path = std::string(kInstance) + "/frames/" + list, total = std::to_string(whole.body.size());
    std::string joined;
    while (joined.size() < whole.body.size()) {
      const size_t last = std::min(joined.size() + 60, whole.body.size() - 1);
      const std::string range = std::to_string(joined.size()) + "-" + std::to_string(last);
      const HttpAnswer part = Get(path, {kOctetStreamParts, "Range: bytes=" + range});
      ASSERT_EQ(part.status, 206) << range;
      EXPECT_EQ(part.Header("Content-Range"), "bytes " + range + "/" + total);
      EXPECT_EQ(part.Header("Content-Type"), whole.Header("Content-Type"));
      EXPECT_EQ(part.Header("ETag"), whole.Header("ETag"));
      joined += part.body;
      ASSERT_EQ(joined.size(), last + 1);
    }
    EXPECT_TRUE(joined == whole.body) << list;
    EXPECT_EQ(Get(path, {kOctetStreamParts, "Range: bytes=-4"}).body, "--\r\n");
    const HttpAnswer beyond = Get(path, {kOctetStreamParts, "Range: bytes=" + total + "-"});
    EXPECT_EQ(beyond.status, 416);
    EXPECT_EQ(beyond.Header("Content-Range"), "bytes */" + total);
    const HttpAnswer head = testing::Fetch("HEAD", base_ + path, {kOctetStreamParts, "Range: bytes=0-9"});
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.Header("Content-Length"), total);
  }
}

TEST_F(FramesTest, BoundariesOutliveTheServerButNotItsSecret) {
  const HttpAnswer before = Frames("1,2");
  Start({});
  EXPECT_TRUE(Frames("1,2").body == before.body);
  boundary_key_ = "another secret";
  Start({});
  EXPECT_TRUE(Frames("1,2").body != before.body);
}

TEST_F(FramesTest, WhereTheBoundaryIsNewEveryTimePartsComeWhole) {
  const auto expect_whole = [&](const char* resource, const char* accept) {
    const HttpAnswer answer = Get(std::string(kInstance) + resource, {accept, "Range: bytes=9-20"});
    EXPECT_EQ(answer.status, 200) << resource << accept;
    EXPECT_EQ(answer.Header("Accept-Ranges"), std::nullopt);
    EXPECT_EQ(answer.Header("ETag").value_or("").substr(0, 2), "W/");
    EXPECT_EQ(answer.body.substr(0, 8), "--hilum-");
  };
  expect_whole("/frames/1", "Accept: multipart/related; type=\"image/jls\"");
  expect_whole("/bulkdata/7FE00010", kOctetStreamParts);  // dicomweb-client asks so, and reads whole parts only
  expect_whole("", "Accept: multipart/related; type=\"application/dicom\"; transfer-syntax=*");
  boundary_key_ = "";  // a full disk has no room for one
  Start({});
  expect_whole("/frames/1", kOctetStreamParts);
}

TEST_F(FramesTest, RangesOfFramesAreConvertedToo) {
  const HttpAnswer answer =
      Get(kInstance + std::string("/frames/2-3"), {"Accept: multipart/related; type=\"image/jls\""});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(Letters(answer).size(), 2u);
}

TEST_F(FramesTest, PixelDataAloneIsItsValue) {
  const std::string value = std::string(256, 'a') + std::string(256, 'b') + std::string(256, 'c') +
                            std::string(256, 'd') + std::string(256, 'e');
  const std::string path = kInstance + std::string("/pixeldata");
  const HttpAnswer stored = Get(path, {"Accept: application/octet-stream"});
  EXPECT_EQ(stored.Header("Content-Type"), "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1");
  EXPECT_TRUE(stored.body == value);
  EXPECT_EQ(Get(path, {"Accept: application/octet-stream", "Range: bytes=255-256"}).body, "ab");
  const HttpAnswer made = Get(path, {"Accept: application/octet-stream; transfer-syntax=1.2.840.10008.1.2"});
  EXPECT_EQ(made.Header("Content-Type"), "application/octet-stream; transfer-syntax=1.2.840.10008.1.2");
  EXPECT_TRUE(made.body == value);
  const HttpAnswer in_parts = Get(path);
  EXPECT_EQ(Letters(in_parts), "a") << "one part, the element (PS3.18 10.4.3.3.6)";
  EXPECT_TRUE(in_parts.body.find(value) != std::string::npos);
}

TEST_F(FramesTest, SingleBitsOfAllFramesAreOneValueWhateverTheyAreStoredAs) {
  // Three frames of 25 bits: the second and the third begin inside a byte.
  const std::string value = "\x01\x80\xFF\x0F\xA5\x5A\x3C\xC3\x77\x05";
  auto out = testing::BeginImage({.sop = "1.2.1.1.2", .frames = 3, .bits = 1, .side = 5});
  out.Add(dicom::tags::kPixelData, "OB", value);
  const std::string native = out.Take();
  for (const char* const syntax :
       {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90"}) {
    const auto file = pixel::testing::TranscodeToString(native, syntax);
    ASSERT_TRUE(file.ok()) << syntax << file.status().message();
    ASSERT_TRUE(Ingest(*file).stored()) << syntax;
    const std::string path = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2";
    for (const char* const what : {"/pixeldata", "/bulkdata/7FE00010"}) {
      const HttpAnswer alone = Get(path + what, {"Accept: application/octet-stream"});
      EXPECT_THAT(alone.Header("Content-Type").value_or(""), StartsWith("application/octet-stream")) << syntax << what;
      EXPECT_EQ(alone.body, value) << syntax << what;
      const HttpAnswer parts = Get(path + what, {kOctetStreamParts});
      EXPECT_THAT(parts.body, HasSubstr(value)) << syntax << what;
    }
    ASSERT_EQ(testing::Fetch("DELETE", base_ + path).status, 204);
  }
}

TEST_F(FramesTest, SeveralFramesAreRenderedInParts) {
  const std::string several = kInstance + std::string("/frames/2,1,2/rendered");
  const HttpAnswer answer = Get(several + "?quality=90", {"Accept: multipart/related; type=\"image/png\""});
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.Header("Content-Type").value_or(""), HasSubstr("multipart/related; type=\"image/png\""));
  EXPECT_THAT(answer.body, HasSubstr("Content-Type: image/png\r\n"));
  EXPECT_EQ(Letters(answer), "\x89\x89\x89");
  const std::string first = kInstance + std::string("/frames/1/rendered?quality=90");
  EXPECT_THAT(answer.body, HasSubstr("Content-Location: " + base_ + first + "\r\n"));
  EXPECT_TRUE(answer.body.find(Get(first, {"Accept: image/png"}).body) != std::string::npos);
  EXPECT_EQ(Get(kInstance + std::string("/frames/1,9/rendered")).status, 404);
  EXPECT_EQ(Get(kInstance + std::string("/frames/1,2/thumbnail")).status, 400);
}

TEST_F(FramesTest, PartsAreNoAnswerToWhoTakesOneImageOnly) {
  const std::string several = kInstance + std::string("/frames/1,2/rendered");
  for (const char* const accept : {"image/jpeg", "image/png, image/jpeg", "image/*"}) {
    const HttpAnswer answer = Get(several, {std::string("Accept: ") + accept});
    EXPECT_EQ(answer.status, 406) << accept;
    EXPECT_THAT(answer.body, HasSubstr("multipart/related; type=image/jpeg"));
  }
  for (const char* const accept :
       {"*/*", "image/png, */*;q=0.1", "multipart/related", "multipart/related; type=\"image/*\"",
        "image/png, multipart/related; type=\"image/jpeg\""}) {
    const HttpAnswer answer = Get(several, {std::string("Accept: ") + accept});
    EXPECT_EQ(answer.status, 200) << accept;
    EXPECT_THAT(answer.Header("Content-Type").value_or(""), HasSubstr("multipart/related; type=\"image/jpeg\""));
  }
}

TEST_F(FramesTest, SomeImageTypeIsOneThatTheImageHasRoomIn) {
  auto out = testing::BeginImage({.sop = "1.2.1.1.3", .frames = 1, .bits = 32});
  out.Add(dicom::tags::kPixelData, "OW", std::string(16 * 16 * 4, 'x'));
  ASSERT_TRUE(Ingest(out.Take()).stored());
  const std::string path = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.3/frames/1";
  for (const char* const accept : {"image/*", "image/*;q=0.5, image/jpeg"})
    EXPECT_EQ(Get(path, {std::string("Accept: ") + accept}).Header("Content-Type").value_or(""),
              "image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5");
  EXPECT_EQ(Get(path, {"Accept: image/*, image/dicom-rle;q=0"}).status, 406);
}

TEST_F(FramesTest, OfPixelsThatEndTooEarlyTheFirstFramesAreThere) {
  auto out = testing::BeginImage({.sop = "1.2.1.1.2", .frames = 3});
  out.Add(dicom::tags::kPixelData, "OB", testing::LetterFrames("xy") + std::string(100, 'z'));
  ASSERT_TRUE(Ingest(out.Take()).stored());
  const std::string path = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2";
  EXPECT_EQ(Letters(Get(path + "/frames/1,2", {kOctetStreamParts})), "xy");
  EXPECT_EQ(Get(path + "/frames/2/rendered").status, 200);
  for (const char* const gone : {"/frames/3", "/frames/3/rendered", "/frames/1,3"}) {
    const HttpAnswer answer = Get(path + gone, {"Accept: */*"});
    EXPECT_EQ(answer.status, 400) << gone;
    EXPECT_THAT(answer.body, HasSubstr("frame 3 is missing: the pixel data end behind frame 2")) << gone;
  }
  EXPECT_EQ(Get(path + "/frames/4", {kOctetStreamParts}).status, 404);
  EXPECT_EQ(Get(path + "/pixeldata", {"Accept: application/octet-stream"}).status, 400) << "it is not whole";
}

// What Accept lists is gone through until something can be made of this image.
class ChoicesTest : public testing::ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    ASSERT_TRUE(Ingest(testing::InstanceSpec{}).stored());  // 16 bits
  }
  static constexpr const char* kInstance = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1";
  static constexpr const char* kBaseline =
      "multipart/related; type=\"image/jpeg\"; transfer-syntax=1.2.840.10008.1.2.4.50";
};

TEST_F(ChoicesTest, AFormThatTheImageHasNoRoomInIsPassedOver) {
  for (const char* const path : {"/frames/1", "/pixeldata", "/bulkdata/7FE00010", "/bulkdata"}) {
    for (const char* const second : {"multipart/related; type=\"application/octet-stream\"",
                                     "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*",
                                     "multipart/related; type=\"image/jls\";q=0.5"}) {
      const HttpAnswer answer =
          Get(std::string(kInstance) + path, {std::string("Accept: ") + kBaseline + ", " + second});
      EXPECT_EQ(answer.status, 200) << path << second << answer.body;
      const std::string type(
          std::string_view(second).find("jls") != std::string_view::npos ? "image/jls" : "application/octet-stream");
      EXPECT_THAT(answer.Header("Content-Type").value_or(""), HasSubstr("type=\"" + type + "\"")) << path;
      EXPECT_THAT(answer.body, ::testing::Not(HasSubstr("Warning"))) << path;
    }
  }
  const HttpAnswer study = Get("/dicom-web/studies/1.2.1/pixeldata",
                               {std::string("Accept: ") + kBaseline + ", multipart/related; type=\"image/jls\""});
  EXPECT_THAT(study.Header("Content-Type").value_or(""), HasSubstr("type=\"image/jls\""));
  const HttpAnswer alone = Get(std::string(kInstance) + "/frames/1",
                               {"Accept: image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50, image/jls;q=0.1"});
  EXPECT_EQ(alone.Header("Content-Type"), "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80");
}

// What an image of 8 bits has beyond them shows in its pixels only.
class BeyondBitsStoredTest : public ChoicesTest {
 protected:
  void SetUp() override {
    ChoicesTest::SetUp();
    std::string file = testing::MakeInstance({.sop = "1.2.1.1.2", .pixel_fill = '\x7F'});
    for (const auto& [tag, bits] : {std::pair('\x01', '\x08'), std::pair('\x02', '\x07')})
      file[file.find(std::string{'\x28', '\0', tag, '\x01', 'U', 'S'}) + 8] = bits;  // Bits Stored, High Bit
    ASSERT_TRUE(Ingest(file).stored());
  }
  static constexpr const char* kBeyond = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2";
};

TEST_F(BeyondBitsStoredTest, TheNextFormIsSent) {
  const std::string alone = "Accept: image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50, ";
  const HttpAnswer answer = Get(std::string(kBeyond) + "/frames/1", {alone + "image/jls;q=0.5"});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.Header("Content-Type"), "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80");
  const std::string known = answer.Header("ETag").value_or("");
  EXPECT_EQ(Get(std::string(kBeyond) + "/frames/1", {alone + "image/jls;q=0.5", "If-None-Match: " + known}).status,
            304);
  for (const char* const path : {"/frames/1", "/pixeldata", "/bulkdata/7FE00010", "/bulkdata"}) {
    const HttpAnswer parts = Get(std::string(kBeyond) + path, {std::string("Accept: ") + kBaseline +
                                                               ", multipart/related; type=\"image/jls\";q=0.5"});
    EXPECT_EQ(parts.status, 200) << path << parts.body;
    EXPECT_THAT(parts.Header("Content-Type").value_or(""), HasSubstr("type=\"image/jls\"")) << path;
    EXPECT_THAT(parts.body, ::testing::Not(HasSubstr("Warning"))) << path;
  }
  const HttpAnswer refused = Get(std::string(kBeyond) + "/frames/1", {alone + "image/gif"});
  EXPECT_EQ(refused.status, 406);
  EXPECT_THAT(refused.body, HasSubstr("JPEG baseline holds 8 bits, the image has more"));
  EXPECT_THAT(refused.body, HasSubstr("image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"));
}

TEST_F(BeyondBitsStoredTest, OneFormIsSentOfAllFramesOfAList) {
  std::string file = testing::MakeInstance({.sop = "1.2.1.1.3",
                                            .pixel_bytes = 2048,
                                            .pixel_fill = '\0',
                                            .more = {{dicom::tags::kNumberOfFrames, "IS", "4"}}});
  const auto set = [&](char element, char group, char value) {
    file[file.find(std::string{'\x28', '\0', element, group, 'U', 'S'}) + 8] = value;
  };
  set('\x10', '\0', '\x04');  // Rows
  set('\x01', '\x01', '\x08');
  set('\x02', '\x01', '\x07');
  file.replace(file.size() - 512, 512, 512, '\x7F');  // the last frame
  ASSERT_TRUE(Ingest(file).stored());
  const std::string path = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.3/frames/";
  const std::string accept = std::string("Accept: ") + kBaseline + ", multipart/related; type=\"image/jls\";q=0.5";
  const HttpAnswer fitting = Get(path + "1-3", {accept});
  EXPECT_THAT(fitting.Header("Content-Type").value_or(""), HasSubstr("type=\"image/jpeg\""));
  EXPECT_EQ(fitting.Header("Content-Length"), std::to_string(fitting.body.size()));
  const HttpAnswer all = Get(path + "1-4", {accept});
  EXPECT_EQ(all.status, 200) << all.error;
  EXPECT_THAT(all.Header("Content-Type").value_or(""), HasSubstr("type=\"image/jls\""));
  EXPECT_THAT(all.body, ::testing::Not(HasSubstr("image/jpeg")));
  const HttpAnswer none = Get(path + "1-4", {std::string("Accept: ") + kBaseline});
  EXPECT_EQ(none.status, 406) << none.error;
}

// 16 MiB, more than the system takes for a client that does not read.
class LargeFrameTest : public testing::ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    auto out = testing::BeginImage({});
    out.Add(dicom::tags::kPixelData, "OB", std::string(16 << 20, 'x'));
    std::string file = out.Take();
    for (const char side : {'\x10', '\x11'})
      file.replace(file.find(std::string{'\x28', '\0', side, '\0', 'U', 'S'}) + 8, 2, std::string("\x00\x10", 2));
    ASSERT_TRUE(Ingest(file).stored());
  }
  // Asks for it and reads no more of it than the head: by then it is in memory.
  std::unique_ptr<http::Client> ReadSlowly(const std::string& path, const std::string& accept) {
    auto slow = std::make_unique<http::Client>(server_->port());
    slow->SetReceiveBuffer(64 << 10);
    slow->Send("GET " + path + " HTTP/1.1\r\nHost: x\r\n" + accept + "\r\n\r\n");
    const std::optional<http::Reply> begun = slow->Read(/*to_head=*/true);
    EXPECT_EQ(begun ? begun->status : 0, 200);
    return slow;
  }
  HttpAnswer Frame() { return Get(kPath, {kImplicit}); }

  static constexpr const char* kPath = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1/frames/1";
  static constexpr const char* kImplicit = "Accept: application/octet-stream; transfer-syntax=1.2.840.10008.1.2";
};

TEST_F(LargeFrameTest, OnItsWayToAClientThatDoesNotReadItTakesMemoryFromOthers) {
  Start({.held_bytes = 20 << 20, .held_timeout = std::chrono::milliseconds(100)});
  const auto slow = ReadSlowly(kPath, kImplicit);
  const HttpAnswer refused = Frame();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.Header("Retry-After"), "30");
  EXPECT_THAT(refused.body, HasSubstr("made for other clients"));
  EXPECT_EQ(Get(kPath, {"Accept: application/octet-stream; transfer-syntax=*"}).status, 200) << "bytes of the file";
  slow->Abort();
  EXPECT_TRUE(Eventually([&] { return Frame().status == 200; }));
}

TEST_F(LargeFrameTest, RenderedTakesItsPartOfThatMemory) {
  Start({.held_bytes = 20 << 20, .held_timeout = std::chrono::milliseconds(100)});
  const std::string rendered = std::string(kPath) + "/rendered";
  EXPECT_EQ(Get(rendered, {}).status, 200);
  const auto slow = ReadSlowly(kPath, kImplicit);
  EXPECT_EQ(Get(rendered, {}).status, 503);
  slow->Abort();
  EXPECT_TRUE(Eventually([&] { return Get(rendered, {}).status == 200; }));
}

TEST_F(LargeFrameTest, ThatTakesMoreThanThereIsHasAllOfItInItsTurn) {
  Start({.held_bytes = 1 << 20});
  std::vector<std::jthread> clients;
  for (int i = 0; i < 4; ++i) clients.emplace_back([&] { EXPECT_EQ(Frame().status, 200); });
}

// Frames of 256 KiB, as RLE: what lies between them has checksums of its own.
class SlideTest : public testing::ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    auto out = testing::BeginImage({.transfer_syntax = "1.2.840.10008.1.2.5", .frames = 8});
    std::vector<std::string> fragments;
    for (char letter = 'a'; letter < 'i'; ++letter) fragments.push_back(Frame(letter));
    const std::vector<Bytes> views(fragments.begin(), fragments.end());
    out.AddFragments(dicom::tags::kPixelData, views);
    ASSERT_TRUE(Ingest(out.Take()).stored());
  }
  // 16 x 16 pixels of one letter, and much behind them that nobody reads.
  static std::string Frame(char letter) {
    std::string frame = {1};
    frame.resize(4);
    AppendLe<uint32_t>(&frame, 64);
    frame.resize(64);
    for (int run = 0; run < 2; ++run) frame.append({static_cast<char>(-127), letter});
    return frame + std::string(256 * 1024, letter);
  }
  void Damage(char letter) {
    const std::string path = directory_.path() + "/data/objects/000001.seg";
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(file)), {});
    file.seekp(static_cast<std::streamoff>(content.find(std::string(1000, letter)) + 128 * 1024));
    file.put('?');
  }
  static std::string PathOf(int frame) {
    return "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1/frames/" + std::to_string(frame);
  }
};

TEST_F(SlideTest, AFrameIsConvertedOrRenderedWithoutTheOthers) {
  Damage('f');
  Start({});
  const std::string converted = "Accept: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1";
  for (const int frame : {1, 3, 8}) {
    const HttpAnswer answer = Get(PathOf(frame), {converted});
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.body, std::string(256, static_cast<char>('a' + frame - 1)));
    for (const char* const picture : {"/rendered", "/thumbnail"})
      EXPECT_EQ(Get(PathOf(frame) + picture, {}).status, 200) << picture;
  }
  EXPECT_EQ(Get(PathOf(6), {converted}).status, 500) << "the damaged one";
  EXPECT_EQ(Get(PathOf(6) + "/rendered", {}).status, 500);
  EXPECT_EQ(Get(PathOf(6) + "/thumbnail", {}).status, 500);
}

TEST_F(ChoicesTest, OfADamagedFrameTheBytesAreSentToWhoTakesThemToo) {
  auto out = testing::BeginImage({.sop = "1.2.1.1.3", .transfer_syntax = "1.2.840.10008.1.2.4.80"});
  const Bytes fragments[] = {"no codestream at all"};
  out.AddFragments(dicom::tags::kPixelData, fragments);
  ASSERT_TRUE(Ingest(out.Take()).stored());
  const std::string path = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.3/frames/1";
  EXPECT_EQ(Get(path, {"Accept: image/jp2, image/jphc"}).status, 400);
  const HttpAnswer answer = Get(path, {"Accept: image/jp2, image/jphc, image/jls;q=0.1"});
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body, "no codestream at all");
}

TEST_F(ChoicesTest, ARefusalSaysWhyAndWhatCanBeHad) {
  for (const char* const path : {"/frames/1", "/pixeldata", "/bulkdata"}) {
    const HttpAnswer answer = Get(std::string(kInstance) + path, {std::string("Accept: ") + kBaseline});
    EXPECT_EQ(answer.status, 406) << path;
    EXPECT_THAT(answer.body, HasSubstr("JPEG baseline holds unsigned samples of 8 bits, the image has 16 bits"))
        << path;
    for (const char* const form : {"1.2.840.10008.1.2.1", "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80",
                                   "image/jphc; transfer-syntax=1.2.840.10008.1.2.4.201", "image/dicom-rle"})
      EXPECT_THAT(answer.body, HasSubstr(form)) << path;
    EXPECT_THAT(answer.body, ::testing::Not(HasSubstr("1.2.840.10008.1.2.4.50"))) << path;
  }
  EXPECT_THAT(Get(std::string(kInstance) + "/frames/1", {"Accept: image/png"}).body, HasSubstr("image/jls"));
}

class FragmentsTest : public FramesTest {
 protected:
  void SetUp() override {
    FramesTest::SetUp();
    auto out = testing::BeginImage({.sop = "1.2.1.1.4", .transfer_syntax = "1.2.840.10008.1.2.4.90"});
    const Bytes fragments[] = {"one,", "two,", "three "};
    out.AddFragments(dicom::tags::kPixelData, fragments);
    ASSERT_TRUE(Ingest(out.Take()).stored());
  }

  static constexpr const char* kFrame = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.4/frames/1";
};

TEST_F(FragmentsTest, ARangeIsOfAllOfThem) {
  const std::string accept = "Accept: application/octet-stream; transfer-syntax=*";
  const HttpAnswer whole = Get(kFrame, {accept});
  EXPECT_EQ(whole.body, "one,two,three ");
  EXPECT_EQ(whole.Header("Accept-Ranges"), "bytes");
  for (size_t first = 0; first < whole.body.size(); ++first) {
    for (size_t last = first; last < whole.body.size(); ++last) {
      const std::string range = std::to_string(first) + "-" + std::to_string(last);
      const HttpAnswer part = Get(kFrame, {accept, "Range: bytes=" + range});
      EXPECT_EQ(part.status, 206) << range;
      EXPECT_EQ(part.body, whole.body.substr(first, last - first + 1));
      EXPECT_EQ(part.Header("Content-Range"), "bytes " + range + "/14");
    }
  }
  EXPECT_EQ(Get(kFrame, {accept, "Range: bytes=0-65535"}).body, whole.body);
  EXPECT_EQ(Get(kFrame, {accept, "Range: bytes=-3"}).body, "ee ");
  const HttpAnswer beyond = Get(kFrame, {accept, "Range: bytes=14-"});
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(beyond.Header("Content-Range"), "bytes */14");
  const HttpAnswer head = testing::Fetch("HEAD", base_ + kFrame, {accept, "Range: bytes=0-3"});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Header("Content-Length"), "14");
}

TEST_F(FramesTest, ARangeEndsWithTheFramesThereAre) {
  const HttpAnswer answer = Frames("4-6");
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.body, HasSubstr("there is no frame 6; the instance has 5"));
}

}  // namespace
}  // namespace hilum::dicomweb
