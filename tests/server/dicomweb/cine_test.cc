// Moving pictures (GIF) of images with several frames, and how fast they move.
#include "server/dicomweb/cine.h"

#include <gmock/gmock.h>

#include "codecs/dicom/writer.h"
#include "tests/server/dicomweb/hooked_codec.h"
#include "tests/server/dicomweb/service_fixture.h"

namespace hilum::dicomweb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::HttpAnswer;

constexpr const char* kInstance = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1";

class CineTest : public testing::ServiceFixture {
 protected:
  void Put(const std::string& letters, size_t frames) {
    auto out = testing::BeginImage({.patient_id = "P1", .frames = frames});
    out.Add(dicom::tags::kPixelData, "OB", testing::LetterFrames(letters));
    ASSERT_TRUE(Ingest(out.Take()).stored());
  }
  // Three frames of 16 bits, of which the one in the middle is the brightest, from 100 to 1100. `centers`: of the
  // window of each, 1000 wide; empty: it has none.
  void PutDim(const std::vector<std::string>& centers, const std::string& sop = "1.2.1.1.1") {
    auto out = testing::BeginImage({.sop = sop, .patient_id = "P1", .frames = 3, .bits = 16});
    std::string frames, pixels;
    for (const std::string& center : centers) Item(center.empty() ? "" : Window(center), &frames);
    for (const uint16_t brightest : {200, 1100, 300}) {
      for (int i = 0; i < 128; ++i) AppendLe(&pixels, uint16_t{100}), AppendLe(&pixels, brightest);
    }
    out.Add({0x5200, 0x9230}, "SQ", frames);
    out.Add(dicom::tags::kPixelData, "OW", pixels);
    ASSERT_TRUE(Ingest(out.Take()).stored());
  }
  static void Item(const std::string& content, std::string* out) {
    dicom::DataSetWriter(out).AddItemTag(dicom::tags::kItem, static_cast<uint32_t>(content.size()));
    *out += content;
  }
  // Frame VOI LUT Sequence.
  static std::string Window(const std::string& center) {
    std::string window, item, sequence;
    dicom::DataSetWriter writer(&window);
    writer.Add({0x0028, 0x1050}, "DS", center);
    writer.Add({0x0028, 0x1051}, "DS", "1000");
    writer.Add({0x0028, 0x1056}, "CS", "LINEAR_EXACT");
    Item(window, &item);
    dicom::DataSetWriter(&sequence).Add({0x0028, 0x9132}, "SQ", item);
    return sequence;
  }
  HttpAnswer Gif(const std::string& resource) { return Get(kInstance + resource, {"Accept: image/gif"}); }

  // Of each picture in a GIF, in hundredths of a second (its Graphic Control Extension).
  static std::vector<int> Delays(const std::string& gif) {
    std::vector<int> delays;
    for (size_t at = gif.find("\x21\xF9\x04"); at != std::string::npos; at = gif.find("\x21\xF9\x04", at + 1))
      delays.push_back(LoadLe<uint16_t>(gif.data() + at + 4));
    return delays;
  }
  static bool Repeats(const std::string& gif) { return gif.find("NETSCAPE2.0") != std::string::npos; }
};

TEST_F(CineTest, AnImageOfSeveralFramesMoves) {
  Put("abcde", 5);
  const HttpAnswer answer = Gif("/rendered?viewport=8,4");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Header("Content-Type"), "image/gif");
  EXPECT_TRUE(answer.body.starts_with(std::string("GIF89a\x04\0\x04\0", 10))) << "the shape of the image is kept";
  EXPECT_TRUE(answer.body.ends_with("\x3B"));
  EXPECT_THAT(Delays(answer.body), ElementsAre(10, 10, 10, 10, 10));
  EXPECT_TRUE(Repeats(answer.body));
  for (const std::string path :
       {"/dicom-web/studies/1.2.1/rendered", "/dicom-web/studies/1.2.1/series/1.2.1.1/rendered"})
    EXPECT_EQ(Delays(Get(path, {"Accept: image/gif"}).body).size(), 5u) << path;
}

TEST_F(CineTest, FramesWithoutAWindowAreSeenThroughThatOfTheOneInTheMiddle) {
  PutDim({"", "", ""});
  const HttpAnswer moving = Gif("/rendered");
  EXPECT_EQ(Delays(moving.body).size(), 3u);
  EXPECT_TRUE(moving.body == Gif("/rendered?window=600,1000,linear-exact").body);
  EXPECT_FALSE(moving.body == Gif("/rendered?window=150,100,linear-exact").body);
  EXPECT_TRUE(Gif("/frames/1/rendered").body == Gif("/frames/1/rendered?window=150,100,linear-exact").body)
      << "a frame alone has its own";
}

TEST_F(CineTest, AFrameWithAWindowKeepsItWhereOthersHaveNone) {
  const std::string own = "200", middle = "600";
  PutDim({"", "", own}, "1.2.1.1.1");
  PutDim({middle, middle, own}, "1.2.1.1.2");
  PutDim({middle, middle, middle}, "1.2.1.1.3");
  const auto gif_of = [&](const std::string& sop) {
    return Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/" + sop + "/rendered", {"Accept: image/gif"}).body;
  };
  EXPECT_EQ(Delays(gif_of("1.2.1.1.1")).size(), 3u);
  EXPECT_TRUE(gif_of("1.2.1.1.1") == gif_of("1.2.1.1.2"));
  EXPECT_FALSE(gif_of("1.2.1.1.1") == gif_of("1.2.1.1.3"));
}

TEST_F(CineTest, OneFrameAndAThumbnailStandStill) {
  Put("abcde", 5);
  for (const std::string resource : {"/frames/2/rendered", "/thumbnail", "/frames/2/thumbnail"}) {
    const HttpAnswer answer = Gif(resource);
    EXPECT_EQ(answer.Header("Content-Type"), "image/gif") << resource;
    EXPECT_EQ(Delays(answer.body).size(), 1u) << resource;
    EXPECT_FALSE(Repeats(answer.body)) << resource;
  }
  const HttpAnswer parts =
      Get(std::string(kInstance) + "/frames/1,3/rendered", {"Accept: multipart/related; type=\"image/gif\""});
  EXPECT_EQ(Delays(parts.body).size(), 2u);
}

TEST_F(CineTest, AnyImageIsAStillJpeg) {
  Put("abcde", 5);
  EXPECT_EQ(Get(std::string(kInstance) + "/rendered", {"Accept: image/*"}).Header("Content-Type"), "image/jpeg");
  EXPECT_EQ(Get(std::string(kInstance) + "/rendered", {"Accept: image/gif;q=0.5, image/png"}).Header("Content-Type"),
            "image/png");
}

TEST_F(CineTest, OfVeryManyFramesTheFirstIsShown) {
  Put(std::string(2001, 'x'), 2001);
  const HttpAnswer answer = Gif("/rendered");
  EXPECT_EQ(Delays(answer.body).size(), 1u);
  EXPECT_THAT(answer.Header("Warning").value_or(""), HasSubstr("more than 2000 frames"));
}

TEST_F(CineTest, AnImageThatIsDeletedMeanwhileIsShownToItsEnd) {
  Put("abcde", 5);
  for (int i = 0; i < 8; ++i) {  // the segment of the image is sealed
    const std::string sop = "1.2.2.1." + std::to_string(i);
    ASSERT_TRUE(Ingest({.study = "1.2.2", .series = "1.2.2.1", .sop = sop, .pixel_bytes = 200'000}).stored());
  }
  const std::string whole = Gif("/rendered").body;
  uint64_t reclaimed = 0;
  const auto delete_it = [&] {
    EXPECT_TRUE(store_->Delete("1.2.1", std::nullopt, std::nullopt).ok());
    EXPECT_TRUE(store_->Delete("1.2.2", std::nullopt, std::nullopt).ok());
    clock_.Advance(storage::StoreOptions().keep_deleted);
    reclaimed += store_->CompactObjects().reclaimed_bytes;
  };
  int decoded = 0;
  testing::HookedCodec codec([&] {
    if (++decoded == 2) delete_it();
  });
  Start({}, codec);
  EXPECT_EQ(Gif("/rendered").body, whole);
  EXPECT_GT(reclaimed, 0u);
  EXPECT_EQ(Gif("/rendered").status, 404);
  server_->Stop(std::chrono::seconds(1));  // before its codec goes
}

TEST_F(CineTest, WhatHasNoPictureIsThePage) {
  ASSERT_TRUE(Ingest(testing::BeginImage({.patient_id = "P1", .frames = 3}).Take()).stored());
  const HttpAnswer answer = Gif("/rendered");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(Delays(answer.body).size(), 1u);
}

TEST_F(CineTest, HeadTellsTheType) {
  Put("ab", 2);
  const HttpAnswer head = testing::Fetch("HEAD", base_ + kInstance + "/rendered?accept=image/gif");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Header("Content-Type"), "image/gif");
}

TEST_F(CineTest, EachTypeIsAnEntityOfItsOwn) {
  Put("ab", 2);
  std::set<std::string> tags;
  for (const char* const type : {"image/jpeg", "image/png", "image/gif", "image/jp2"}) {
    const HttpAnswer answer = Get(std::string(kInstance) + "/rendered", {std::string("Accept: ") + type});
    EXPECT_EQ(answer.Header("Content-Type"), type);
    tags.insert(answer.Header("ETag").value_or(""));
    EXPECT_EQ(Get(std::string("/wado?requestType=WADO&studyUID=1.2.1&seriesUID=1.2.1.1&objectUID=1.2.1.1.1"
                              "&frameNumber=2&contentType=") +
                  type)
                  .body,
              Get(std::string(kInstance) + "/frames/2/rendered", {std::string("Accept: ") + type}).body);
  }
  EXPECT_EQ(tags.size(), 4u);
}

std::vector<int> Paces(const std::vector<testing::InstanceSpec::Element>& elements) {
  const auto pace = Pace::Of(testing::MakeInstance({.more = elements}), dicom::ReadLimits());
  EXPECT_TRUE(pace.ok());
  return {pace->Hundredths(0), pace->Hundredths(1), pace->Hundredths(2)};
}

TEST(PaceTest, IsThatOfTheDataSet) {
  const testing::InstanceSpec::Element recommended{{0x0008, 0x2144}, "IS", "20"}, rate{{0x0018, 0x0040}, "IS", "25"},
      time{{0x0018, 0x1063}, "DS", "200"}, vector{{0x0018, 0x1065}, "DS", "0\\300\\500"};
  EXPECT_THAT(Paces({recommended, rate, time}), ElementsAre(5, 5, 5));
  EXPECT_THAT(Paces({rate, time, vector}), ElementsAre(4, 4, 4));
  EXPECT_THAT(Paces({time, vector}), ElementsAre(20, 20, 20));
  EXPECT_THAT(Paces({vector}), ElementsAre(40, 40, 40));
  EXPECT_THAT(Paces({}), ElementsAre(10, 10, 10));
}

TEST(PaceTest, WhatIsRoundedOffOneFrameGoesToTheNext) {
  EXPECT_THAT(Paces({{{0x0018, 0x1063}, "DS", "33.333"}}), ElementsAre(3, 4, 3));
}

TEST(PaceTest, NonsenseIsBroughtIntoBounds) {
  EXPECT_THAT(Paces({{{0x0018, 0x0040}, "IS", "0"}}), ElementsAre(10, 10, 10));
  EXPECT_THAT(Paces({{{0x0018, 0x0040}, "IS", "5000"}}), ElementsAre(2, 2, 2));
  EXPECT_THAT(Paces({{{0x0018, 0x1063}, "DS", "1e300"}}), ElementsAre(6000, 6000, 6000));
  EXPECT_THAT(Paces({{{0x0018, 0x1063}, "DS", "-5"}}), ElementsAre(10, 10, 10));
}

}  // namespace
}  // namespace hilum::dicomweb
