// Instances in a transfer syntax that not all of them can take (PS3.18 8.7.3, 10.4.3).
#include <gmock/gmock.h>
#include <malloc.h>

#include <algorithm>

#include "tests/server/dicomweb/service_fixture.h"
#include "tests/server/http/client.h"

namespace hilum::dicomweb {
namespace {

using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::InstanceSpec;
using testing::MakeInstance;
using ::testing::Not;

constexpr const char* kJpeg2000 = "transfer-syntax=1.2.840.10008.1.2.4.90";

class MixedStudyTest : public testing::ServiceFixture {
 protected:
  // The same without its last element, Pixel Data.
  static std::string WithoutPixels(const InstanceSpec& spec) {
    const std::string whole = MakeInstance(spec);
    return whole.substr(0, whole.size() - spec.pixel_bytes - 12);
  }
  void SetUp() override {
    ServiceFixture::SetUp();
    ASSERT_TRUE(Ingest(WithoutPixels({.sop = "1.2.1.1.1"})).stored());
    ASSERT_TRUE(Ingest(MakeInstance({.sop = "1.2.1.1.2"})).stored());
    ASSERT_TRUE(Ingest(WithoutPixels({.sop = "1.2.1.1.3"})).stored());
  }
};

TEST_F(MixedStudyTest, WhatCannotBeConvertedComesAsItIsStoredAndSaysSo) {
  const HttpAnswer answer = Get("/dicom-web/studies/1.2.1",
                                {std::string("Accept: multipart/related; type=\"application/dicom\"; ") + kJpeg2000});
  ASSERT_EQ(answer.status, 200) << answer.body;
  // Three parts in the order of the study, the last of them whole.
  const size_t first = answer.body.find("instances/1.2.1.1.1"), second = answer.body.find("instances/1.2.1.1.2"),
               third = answer.body.find("instances/1.2.1.1.3");
  ASSERT_TRUE(first < second && second < third && third != std::string::npos);
  const auto head = [&](size_t at) {
    const size_t begin = answer.body.rfind("Content-Type", at);
    return answer.body.substr(begin, answer.body.find("\r\n\r\n", at) - begin);
  };
  for (const size_t refused : {first, third}) {
    EXPECT_THAT(head(refused), HasSubstr("transfer-syntax=1.2.840.10008.1.2.1\r\n"));
    EXPECT_THAT(head(refused), HasSubstr("Warning: 299 hilum"));
  }
  EXPECT_THAT(head(second), HasSubstr(kJpeg2000));
  EXPECT_THAT(head(second), Not(HasSubstr("Warning")));
  EXPECT_TRUE(answer.body.find(WithoutPixels({.sop = "1.2.1.1.3"})) != std::string::npos);
  EXPECT_TRUE(answer.body.ends_with("--\r\n") || answer.body.ends_with("--"));
}

TEST_F(MixedStudyTest, ArchivesDoTheSame) {
  const HttpAnswer answer = Get("/dicom-web/studies/1.2.1", {std::string("Accept: application/zip; ") + kJpeg2000});
  ASSERT_EQ(answer.status, 200);
  EXPECT_THAT(answer.Header("Warning").value_or(""), HasSubstr("sent as it is stored"));
  EXPECT_TRUE(answer.body.find(WithoutPixels({.sop = "1.2.1.1.1"})) != std::string::npos);
  EXPECT_TRUE(answer.body.find("1.2.1/1.2.1.1/1.2.1.1.2.dcm") != std::string::npos);
}

TEST_F(MixedStudyTest, ARequestThatNothingCanFulfilIsRefusedBeforeAnythingIsSent) {
  // 16 bits do not go into baseline JPEG, and the others have no pixels.
  const HttpAnswer answer = Get("/dicom-web/studies/1.2.1", {"Accept: multipart/related; type=\"application/dicom\"; "
                                                             "transfer-syntax=1.2.840.10008.1.2.4.50"});
  EXPECT_EQ(answer.status, 406);
  EXPECT_THAT(answer.body, HasSubstr("1.2.1.1.1"));
  EXPECT_THAT(answer.body, HasSubstr("as stored with transfer-syntax=* (1.2.840.10008.1.2.1), or"));
  EXPECT_THAT(answer.body, HasSubstr("1.2.840.10008.1.2.4.80")) << "the image has room in it";
  EXPECT_THAT(answer.body, Not(HasSubstr("1.2.840.10008.1.2.4.50"))) << "none has";
  EXPECT_EQ(Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1",
                {std::string("Accept: application/dicom; ") + kJpeg2000})
                .status,
            406);
}

TEST_F(MixedStudyTest, OfSeveralChoicesTheOneThatMostCanTakeIsSent) {
  const HttpAnswer answer =
      Get("/dicom-web/studies/1.2.1", {"Accept: multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.3, "
                                       "multipart/related; type=\"application/dicom\"; transfer-syntax=*"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, Not(HasSubstr("Warning")));
}

TEST_F(MixedStudyTest, EachInstanceComesInTheFirstChoiceThatItHasRoomIn) {
  const std::string plain = "multipart/related; type=\"application/dicom\"";
  const HttpAnswer answer =
      Get("/dicom-web/studies/1.2.1", {"Accept: " + plain + "; " + kJpeg2000 + ", " + plain + ";q=0.5"});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(std::string("application/dicom; ") + kJpeg2000)) << "the one with pixels";
  EXPECT_TRUE(answer.body.find(WithoutPixels({.sop = "1.2.1.1.3"})) != std::string::npos);
  EXPECT_THAT(answer.body, Not(HasSubstr("Warning"))) << "plain was asked for, too";
  EXPECT_NE(answer.Header("ETag"),
            Get("/dicom-web/studies/1.2.1", {"Accept: " + plain + "; " + kJpeg2000}).Header("ETag"));
}

TEST_F(MixedStudyTest, AListIsFollowedWhenItsBeginningHasNoRoomForTheImage) {
  const std::string with = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2";
  const std::string without = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1";
  const std::string baseline = "Accept: application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50, ";
  const std::string jpeg2000 = std::string("Accept: application/dicom; ") + kJpeg2000 + ", ";
  for (const std::string& path : {with, without}) {
    for (const char* const second : {"application/dicom", "application/dicom; transfer-syntax=*", "*/*;q=0.1",
                                     "multipart/related; type=\"application/dicom\"", "application/zip"})
      EXPECT_EQ(Get(path, {baseline + second}).status, 200) << path << second;
  }
  const HttpAnswer stored = Get(without, {jpeg2000 + "application/dicom"});
  EXPECT_EQ(stored.Header("Content-Type"), "application/dicom; transfer-syntax=1.2.840.10008.1.2.1");
  EXPECT_TRUE(stored.body == WithoutPixels({.sop = "1.2.1.1.1"}));
  EXPECT_EQ(Get("/dicom-web/studies/1.2.1", {baseline + "multipart/related; type=\"application/dicom\""}).status, 200);
  const HttpAnswer refused = Get(with, {baseline + "text/html"});
  EXPECT_EQ(refused.status, 406);
  EXPECT_THAT(refused.body, HasSubstr("JPEG baseline holds unsigned samples of 8 bits"));
  EXPECT_THAT(refused.body, HasSubstr("1.2.840.10008.1.2.4.80"));
  EXPECT_THAT(refused.body, Not(HasSubstr("1.2.840.10008.1.2.4.50")));
}

TEST_F(MixedStudyTest, WithoutMemoryToHoldThemBackInstancesAreSentAsTheyAreMade) {
  const std::string instance = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2";
  const std::string accept = "Accept: application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80";
  const HttpAnswer held = Get(instance, {accept});
  Start({.held_bytes = 0});
  const HttpAnswer at_once = Get(instance, {accept});
  EXPECT_EQ(at_once.status, 200) << at_once.body;
  EXPECT_TRUE(at_once.body == held.body);
  EXPECT_EQ(Get(instance, {"Accept: application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50"}).status, 406);
}

// Received without preamble and File Meta Information.
class BareTest : public testing::ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    whole_ = MakeInstance(InstanceSpec{});
    bare_ = whole_.substr(whole_.find(std::string("\x08\0\x05\0", 4)));
    ASSERT_TRUE(Ingest(bare_).stored());
  }
  static bool IsFile(const std::string& body) { return body.size() > 132 && body.substr(128, 4) == "DICM"; }

  std::string whole_, bare_;
  static constexpr const char* kInstance = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1";
};

TEST_F(BareTest, ComesAsAFileAllTheSame) {
  for (const char* const accept : {"application/dicom", "application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
                                   "application/dicom; transfer-syntax=1.2.840.10008.1.2"}) {
    const HttpAnswer answer = Get(kInstance, {std::string("Accept: ") + accept});
    EXPECT_EQ(answer.status, 200) << accept << answer.body;
    EXPECT_TRUE(IsFile(answer.body)) << accept;
    EXPECT_FALSE(answer.Header("Warning")) << accept;
  }
  EXPECT_TRUE(Get(kInstance, {"Accept: application/dicom"}).body.ends_with(bare_));
  EXPECT_TRUE(Get(kInstance, {"Accept: application/dicom; transfer-syntax=*"}).body == bare_) << "the bytes stored";
}

TEST_F(BareTest, ArchivesHoldFiles) {
  for (const char* const accept : {"application/zip", "application/zip; transfer-syntax=*"}) {
    const HttpAnswer answer = Get("/dicom-web/studies/1.2.1", {std::string("Accept: ") + accept});
    EXPECT_EQ(answer.status, 200) << accept;
    EXPECT_TRUE(answer.body.find(std::string(128, '\0') + "DICM") != std::string::npos) << accept;
    EXPECT_TRUE(answer.body.find(bare_) != std::string::npos) << accept;
  }
}

class DamagedTest : public testing::ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    auto out = testing::BeginImage({.transfer_syntax = "1.2.840.10008.1.2.4.90", .bits = 16});
    file_ = out.Take();
    file_.append("\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\0\0\0\0", 20);
    file_.append("\xFE\xFF\x00\xE0\x10\0\0\0no codestream!!!\xFE\xFF\xDD\xE0\0\0\0\0", 32);
    ASSERT_TRUE(Ingest(file_).stored());
  }

  std::string file_;
  static constexpr const char* kDamaged = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1";
};

TEST_F(DamagedTest, WhatCannotBeDecodedComesAsItIsStoredWhenNoSyntaxWasAskedFor) {
  const HttpAnswer alone = Get(kDamaged, {"Accept: application/dicom"});
  EXPECT_EQ(alone.status, 200) << alone.body;
  EXPECT_EQ(alone.Header("Content-Type"), "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90");
  EXPECT_THAT(alone.Header("Warning").value_or(""), HasSubstr("sent as it is stored"));
  EXPECT_TRUE(alone.body == file_);
  for (const char* const path : {kDamaged, "/dicom-web/studies/1.2.1"}) {
    const HttpAnswer parts = Get(path);
    EXPECT_EQ(parts.status, 200) << path;
    EXPECT_THAT(parts.body, HasSubstr("Warning: 299 hilum"));
    EXPECT_TRUE(parts.body.find(file_) != std::string::npos) << path;
  }
}

TEST_F(DamagedTest, ADamagedFrameBehindGoodOnesIsFoundBeforeTheInstanceIsBegun) {
  // RLE (PS3.5 Annex G): one segment of 256 bytes, twice as a run; then a frame that holds none.
  const std::string frame = std::string("\x01\0\0\0\x40\0\0\0", 8) + std::string(56, '\0') + "\x81x\x81y";
  const std::vector<Bytes> fragments = {frame, frame, "no segments at all"};
  auto out = testing::BeginImage({.sop = "1.2.1.1.2",
                                  .study = "1.2.2",
                                  .series = "1.2.2.1",
                                  .transfer_syntax = "1.2.840.10008.1.2.5",
                                  .frames = 3});
  out.AddFragments(dicom::tags::kPixelData, fragments);
  const std::string file = out.Take();
  ASSERT_TRUE(Ingest(file).stored());
  const std::string path = "/dicom-web/studies/1.2.2/series/1.2.2.1/instances/1.2.1.1.2";
  EXPECT_EQ(Get(path + "/frames/2", {"Accept: application/octet-stream"}).body,
            std::string(128, 'x') + std::string(128, 'y'));
  const HttpAnswer answer = Get(path, {"Accept: application/dicom"});
  EXPECT_EQ(answer.status, 200) << answer.error;
  EXPECT_THAT(answer.Header("Warning").value_or(""), HasSubstr("sent as it is stored"));
  EXPECT_TRUE(answer.body == file);
}

TEST_F(DamagedTest, TheStudyHasAThumbnailAllTheSame) {
  for (const char* const path :
       {"/dicom-web/studies/1.2.1/thumbnail", "/dicom-web/studies/1.2.1/series/1.2.1.1/thumbnail"})
    EXPECT_EQ(Get(path).status, 200) << path << ": a page";
  EXPECT_EQ(Get(std::string(kDamaged) + "/thumbnail").status, 400) << "asked for by its name";
}

TEST_F(DamagedTest, WhatIsInsistedOnIsRefused) {
  const HttpAnswer answer = Get(kDamaged, {"Accept: application/dicom; transfer-syntax=1.2.840.10008.1.2.1"});
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("1.2.1.1.1"));
}

uint64_t HeapInUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

using LargeStudyTest = testing::ServiceFixture;

TEST_F(LargeStudyTest, WhoReadsSlowlyHoldsLittleMemoryForEachInstance) {
  constexpr size_t kInstances = 2000;
  constexpr uint64_t kForEach = 700;
  std::vector<std::string> files;
  for (size_t i = 0; i < kInstances; ++i)
    files.push_back(MakeInstance({.sop = "1.2.1.1." + std::to_string(i + 1), .pixel_bytes = 8000}));
  ASSERT_EQ(Post("/dicom-web/studies", kMultipart, Multipart(files)).status, 200);
  for (const std::string_view type : {"multipart/related; type=\"application/dicom\"", "application/zip"}) {
    const std::string accept = "Accept: " + std::string(type) + "; transfer-syntax=*";
    ASSERT_EQ(Get("/dicom-web/studies/1.2.1", {accept}).status, 200);  // what is read once stays in caches
    http::Client client(server_->port());
    client.SetReceiveBuffer(4096);
    const uint64_t before = HeapInUse();
    ASSERT_TRUE(client.Send(http::Get("/dicom-web/studies/1.2.1", accept + "\r\n")));
    ASSERT_GT(client.Discard(1), 0u);
    const uint64_t now = HeapInUse();
    EXPECT_LT(now - std::min(now, before), kInstances * kForEach) << type;
  }
}

}  // namespace
}  // namespace hilum::dicomweb
