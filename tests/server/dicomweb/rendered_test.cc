// Pictures with what was asked to be drawn into them (PS3.18 8.3.5.1).
#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <thread>

#include "tests/server/dicomweb/hooked_codec.h"
#include "tests/server/dicomweb/service_fixture.h"

namespace hilum::dicomweb {
namespace {

using ::testing::HasSubstr;
using testing::HttpAnswer;

constexpr const char* kRendered =
    "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1/rendered?viewport=256,256";

class AnnotationTest : public testing::ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    if (!pixel::TextPainter::Open(ServiceOptions().fonts).ok())
      GTEST_SKIP() << "no fonts here (apt-get install fonts-dejavu-core)";
    ASSERT_TRUE(Ingest(testing::InstanceSpec{.patient_name = "Müller^Jürgen=ミューラー"}).stored());
  }
  HttpAnswer Png(const std::string& more) { return Get(kRendered + more, {"Accept: image/png"}); }
};

TEST_F(AnnotationTest, PatientAndTechniqueAreBurnedIn) {
  const HttpAnswer plain = Png(""), patient = Png("&annotation=patient"), technique = Png("&annotation=technique"),
                   both = Png("&annotation=patient,technique");
  for (const HttpAnswer* answer : {&plain, &patient, &technique, &both}) {
    EXPECT_EQ(answer->status, 200);
    EXPECT_FALSE(answer->Header("Warning"));
  }
  EXPECT_TRUE(patient.body != plain.body && technique.body != plain.body && technique.body != patient.body);
  EXPECT_TRUE(both.body != patient.body && both.body != technique.body);
  EXPECT_TRUE(Png("&annotation=technique,patient").body == both.body);
}

TEST_F(AnnotationTest, TheyAreThoseOfTheInstance) {
  ASSERT_TRUE(Ingest(testing::InstanceSpec{.sop = "1.2.1.1.2", .patient_name = "Doe^Jane"}).stored());
  const std::string other = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2/rendered?viewport=256,256";
  EXPECT_TRUE(Get(other, {"Accept: image/png"}).body == Png("").body);
  EXPECT_TRUE(Get(other + "&annotation=patient", {"Accept: image/png"}).body != Png("&annotation=patient").body);
}

TEST_F(AnnotationTest, OtherValuesAreMissedAloud) {
  const HttpAnswer answer = Png("&annotation=patient,horoscope");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.Header("Warning").value_or(""), HasSubstr("annotation can be patient and technique"));
  EXPECT_TRUE(answer.body == Png("&annotation=patient").body);
}

TEST_F(AnnotationTest, WithoutAFontThePictureSaysWhatItLacks) {
  server_->Stop(std::chrono::seconds(1));
  Start({.fonts = {"/nowhere.ttf"}});
  const HttpAnswer answer = Png("&annotation=patient");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.Header("Warning").value_or(""), HasSubstr("render.fonts"));
  EXPECT_TRUE(answer.body == Png("").body);
}

TEST_F(AnnotationTest, ThumbnailsStayWithout) {
  const std::string thumbnail = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1/thumbnail";
  EXPECT_TRUE(Get(thumbnail + "?annotation=patient").body == Get(thumbnail).body);
}

class DepthTest : public testing::ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    ASSERT_TRUE(Ingest(testing::InstanceSpec{}).stored());
  }
  // Bits of a sample (PNG 11.2.2); 0: no PNG.
  static int DepthOf(const HttpAnswer& answer) {
    const size_t at = answer.body.find("\x89PNG");
    return at == std::string::npos || answer.body.size() < at + 25 ? 0 : answer.body[at + 24];
  }
  static constexpr const char* kInstance = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1";
};

TEST_F(DepthTest, PngComesWithSixteenBitsWhereTheyAreAskedFor) {
  const std::string rendered = std::string(kInstance) + "/rendered";
  const HttpAnswer deep = Get(rendered, {"Accept: image/png; depth=16"});
  EXPECT_EQ(deep.status, 200) << deep.body;
  EXPECT_EQ(deep.Header("Content-Type"), "image/png");
  EXPECT_EQ(DepthOf(deep), 16);
  EXPECT_EQ(DepthOf(Get(rendered, {"Accept: image/png"})), 8);
  EXPECT_EQ(DepthOf(Get(rendered, {"Accept: image/png; depth=8"})), 8);
  EXPECT_NE(deep.Header("ETag"), Get(rendered, {"Accept: image/png"}).Header("ETag"));
  EXPECT_EQ(DepthOf(Get(rendered + "?accept=image/png;%20depth=16&viewport=7,7&window=5,3")), 16);
  EXPECT_EQ(DepthOf(Get(std::string(kInstance) + "/frames/1/rendered",
                        {"Accept: multipart/related; type=\"image/png; depth=16\""})),
            16);
  EXPECT_EQ(DepthOf(Get("/wado?requestType=WADO&studyUID=1.2.1&seriesUID=1.2.1.1&objectUID=1.2.1.1.1"
                        "&contentType=image/png;%20depth=16")),
            16);
  EXPECT_EQ(Get(rendered, {"Accept: image/png; depth=12, image/jpeg"}).Header("Content-Type"), "image/jpeg");
  EXPECT_EQ(Get(rendered, {"Accept: image/png; depth=12"}).status, 406);
}

TEST_F(DepthTest, PagesHaveEightAndSaySo) {
  ASSERT_TRUE(Ingest(testing::BeginImage({.sop = "1.2.1.1.2"}).Take()).stored());
  const std::string page = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2/rendered";
  const HttpAnswer deep = Get(page, {"Accept: image/png; depth=16"});
  EXPECT_EQ(deep.status, 200);
  EXPECT_EQ(DepthOf(deep), 8);
  EXPECT_THAT(deep.Header("Warning").value_or(""), HasSubstr("depth: "));
  EXPECT_FALSE(Get(page, {"Accept: image/png"}).Header("Warning"));
}

TEST_F(DepthTest, ThumbnailsMayBePng) {
  for (const std::string path :
       {"/dicom-web/studies/1.2.1/thumbnail", "/dicom-web/studies/1.2.1/series/1.2.1.1/thumbnail",
        "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1/thumbnail"}) {
    const HttpAnswer png = Get(path, {"Accept: image/png"});
    EXPECT_EQ(png.Header("Content-Type"), "image/png") << path;
    EXPECT_EQ(DepthOf(png), 8) << path;
    EXPECT_EQ(DepthOf(Get(path + "?accept=image/png")), 8) << path;
    EXPECT_EQ(Get(path).Header("Content-Type"), "image/jpeg") << path;
    EXPECT_TRUE(Get(path, {"Accept: image/png"}).body == png.body) << path;
  }
}

class RenderedTest : public testing::ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    ASSERT_TRUE(Ingest(testing::InstanceSpec{}).stored());
  }
  HttpAnswer Rendered(const std::string& query) {
    return Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1/rendered?" + query);
  }
};

TEST_F(RenderedTest, APictureTakesMemoryFromOthersWhileItIsMade) {
  std::promise<void> begun, go_on;
  std::atomic<bool> is_first = true;
  testing::HookedCodec codec([&] {
    if (!is_first.exchange(false)) return;
    begun.set_value();
    go_on.get_future().wait();
  });
  const ServiceOptions options{.held_bytes = 20 << 20, .held_timeout = std::chrono::milliseconds(100)};
  Start(options, codec);
  std::jthread other([&] { EXPECT_EQ(Rendered("viewport=2048,2048").status, 200); });
  begun.get_future().wait();
  EXPECT_EQ(Rendered("viewport=2048,2048").status, 503) << "4 MiB, several times";
  EXPECT_EQ(Rendered("viewport=64,64").status, 200);
  go_on.set_value();
  other.join();
  EXPECT_EQ(Rendered("viewport=2048,2048").status, 200);
  server_->Stop(std::chrono::seconds(1));  // before its codec goes
}

TEST_F(RenderedTest, WhatTheRegionOfAViewportLeavesOutGoesToTheEdge) {  // PS3.18 8.3.5.1.3
  const std::string corner = Rendered("viewport=64,64,4,8,12,8").body;
  for (const char* const query : {"viewport=64,64,4,8", "viewport=64,64,4,8,12", "viewport=64,64,4,8,,8"})
    EXPECT_TRUE(Rendered(query).body == corner) << query;
  EXPECT_TRUE(Rendered("viewport=64,64,4").body == Rendered("viewport=64,64,4,0,12,16").body);
  EXPECT_FALSE(Rendered("viewport=64,64").body == corner);
  for (const char* const query : {"viewport=64", "viewport=64,64,4,8,12,8,1", "viewport=64,64,x"})
    EXPECT_EQ(Rendered(query).status, 400) << query;
}

TEST_F(RenderedTest, WhatIsAskedForWronglyIsNoFailureOfPixels) {
  for (const char* const query : {"viewport=10,10,-1,0,5,5", "viewport=10,10,1000,0,5,5", "window=40,0.5"})
    EXPECT_EQ(Rendered(query).status, 400) << query;
  EXPECT_THAT(metrics_.Expose(), HasSubstr("hilum_codec_failures_total 0\n"));
  auto damaged = testing::BeginImage({.sop = "1.2.1.1.2", .transfer_syntax = "1.2.840.10008.1.2.4.80"});
  const Bytes fragments[] = {"no codestream at all"};
  damaged.AddFragments(dicom::tags::kPixelData, fragments);
  ASSERT_TRUE(Ingest(damaged.Take()).stored());
  EXPECT_EQ(Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.2/rendered").status, 400);
  EXPECT_THAT(metrics_.Expose(), HasSubstr("hilum_codec_failures_total 1\n"));
}

// A state that turns the picture of 1.2.1.1.1 upside down.
class PresentationTest : public testing::ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    std::string pixels(512, '\0');
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<char>(i / 4);
    std::string image = testing::MakeInstance({});
    image.replace(image.size() - pixels.size(), pixels.size(), pixels);
    ASSERT_TRUE(Ingest(image).stored());
    ASSERT_TRUE(Ingest(State("1.2.1.2.1", "1.2.1.1.1")).stored());
  }

  static std::string State(const std::string& sop, const std::string& image) {
    using dicom::Tag, dicom::Vr;
    const auto element = [](Tag tag, const char(&vr)[3], Bytes value) {
      std::string out;
      dicom::DataSetWriter(&out).Add(tag, Vr(vr), value);
      return out;
    };
    const auto item = [](const std::string& content) {
      std::string out("\xFE\xFF\x00\xE0", 4);
      AppendLe(&out, static_cast<uint32_t>(content.size()));
      return out + content;
    };
    const char* const sop_class = "1.2.840.10008.5.1.4.1.1.11.1";
    const std::string images = element({0x0008, 0x1140}, "SQ", item(element({0x0008, 0x1155}, "UI", image)));
    return dicom::Part10Writer(sop_class, sop).Take() + element({0x0008, 0x0016}, "UI", sop_class) +
           element({0x0008, 0x0018}, "UI", sop) + element({0x0008, 0x0060}, "CS", "PR") +
           element({0x0008, 0x1115}, "SQ", item(images + element({0x0020, 0x000E}, "UI", "1.2.1.1"))) +
           element({0x0010, 0x0020}, "LO", "P1") + element({0x0020, 0x000D}, "UI", "1.2.1") +
           element({0x0020, 0x000E}, "UI", "1.2.1.2") + element({0x0070, 0x0042}, "US", Bytes("\xB4\0", 2));
  }
  HttpAnswer Png(const std::string& path) {
    return Get("/dicom-web/studies/1.2.1/series/" + path, {"Accept: image/png"});
  }
};

constexpr const char* kState = "presentationSeriesUID=1.2.1.2&presentationUID=1.2.1.2.1";

TEST_F(PresentationTest, AStateIsRenderedAsItsImage) {
  const HttpAnswer plain = Png("1.2.1.1/instances/1.2.1.1.1/rendered");
  const HttpAnswer state = Png("1.2.1.2/instances/1.2.1.2.1/rendered");
  ASSERT_EQ(state.status, 200) << state.body;
  EXPECT_EQ(state.Header("Content-Type"), "image/png");
  EXPECT_TRUE(state.body != plain.body);
  EXPECT_NE(state.Header("ETag"), plain.Header("ETag"));
}

TEST_F(PresentationTest, AStateIsAppliedOnRequest) {
  const std::string path = "1.2.1.1/instances/1.2.1.1.1/rendered";
  const HttpAnswer state = Png("1.2.1.2/instances/1.2.1.2.1/rendered");
  const HttpAnswer applied = Png(path + "?" + kState);
  EXPECT_TRUE(applied.body == state.body);
  EXPECT_NE(applied.Header("ETag"), Png(path).Header("ETag"));
  const std::string uri =
      "/wado?requestType=WADO&studyUID=1.2.1&seriesUID=1.2.1.1&objectUID=1.2.1.1.1&contentType=image/png&";
  EXPECT_TRUE(Get(uri + kState).body == state.body);
  EXPECT_EQ(Get(uri + kState + "&windowCenter=40&windowWidth=400").status, 400) << "which window?";
}

TEST_F(PresentationTest, OfASeriesOrStudyInPartsThereIsOneOfEveryInstance) {
  ASSERT_TRUE(Ingest(testing::InstanceSpec{.sop = "1.2.1.1.2"}).stored());
  const std::string image = "1.2.1.1/instances/1.2.1.1.1/rendered", other = "1.2.1.1/instances/1.2.1.1.2/rendered",
                    state = "1.2.1.2/instances/1.2.1.2.1/rendered";
  const std::string parts = "Accept: multipart/related; type=\"image/png\"";
  const auto part = [&](const std::string& path, const std::string& query = "") {
    return "Content-Type: image/png\r\nContent-Location: " + base_ + "/dicom-web/studies/1.2.1/series/" + path + query +
           "\r\n\r\n" + Png(path).body + "\r\n--";
  };
  const HttpAnswer series = Get("/dicom-web/studies/1.2.1/series/1.2.1.1/rendered", {parts});
  ASSERT_EQ(series.status, 200) << series.body;
  EXPECT_TRUE(series.body.find(part(image)) != std::string::npos);
  EXPECT_TRUE(series.body.find(part(other)) != std::string::npos);
  EXPECT_TRUE(series.body.find("1.2.1.2.1") == std::string::npos);
  const HttpAnswer study = Get("/dicom-web/studies/1.2.1/rendered", {parts});
  for (const std::string& path : {image, other, state}) EXPECT_TRUE(study.body.find(part(path)) != std::string::npos);

  const std::string query = "?" + std::string(kState);
  const HttpAnswer applied = Get("/dicom-web/studies/1.2.1/series/1.2.1.1/rendered" + query, {parts});
  EXPECT_TRUE(applied.body.find(Png(image + query).body) != std::string::npos);
  EXPECT_TRUE(applied.body.find(part(other, query)) != std::string::npos) << "the state is not about this one";
}

TEST_F(PresentationTest, WhatIsAskedForWronglyIsNoPageOfEveryInstance) {
  const std::string parts = "Accept: multipart/related; type=\"image/png\"";
  const std::string study = "/dicom-web/studies/1.2.1/rendered";
  EXPECT_EQ(Get(study + "?window=40,0.5,linear", {parts}).status, 400);
  EXPECT_EQ(Get(study + "?presentationSeriesUID=1.2.1.2&presentationUID=1.2.1.2.9", {parts}).status, 404);
}

TEST_F(PresentationTest, OfASeriesInPartsTheTagIsThatOfTheStudyThatItsStatesSpeakOf) {
  const std::string parts = "Accept: multipart/related; type=\"image/png\"";
  const std::string series = "/dicom-web/studies/1.2.1/series/1.2.1.2/rendered";
  const std::string tag(Get(series, {parts}).Header("ETag").value_or(""));
  EXPECT_EQ(Get(series, {parts, "If-None-Match: " + tag}).status, 304);
  ASSERT_TRUE(Ingest(testing::InstanceSpec{.sop = "1.2.1.1.2"}).stored());
  EXPECT_EQ(Get(series, {parts, "If-None-Match: " + tag}).status, 200);
}

TEST_F(PresentationTest, OneThatIsDamagedDoesNotHideTheOthersOfItsSeries) {
  auto out = testing::BeginImage({.sop = "1.2.1.1.2", .frames = 1, .bits = 16});
  out.Add(dicom::tags::kPixelData, "OW", "too short!");
  ASSERT_TRUE(Ingest(out.Take()).stored());
  const std::string damaged = "1.2.1.1/instances/1.2.1.1.2/rendered";
  EXPECT_EQ(Png(damaged).status, 400);
  const HttpAnswer series =
      Get("/dicom-web/studies/1.2.1/series/1.2.1.1/rendered", {"Accept: multipart/related; type=\"image/png\""});
  EXPECT_EQ(series.status, 200);
  EXPECT_THAT(series.body, HasSubstr(damaged));
  EXPECT_TRUE(series.body.find(Png("1.2.1.1/instances/1.2.1.1.1/rendered").body) != std::string::npos);
}

TEST_F(PresentationTest, WhatDoesNotFitIsSaid) {
  ASSERT_TRUE(Ingest(testing::InstanceSpec{.sop = "1.2.1.1.2"}).stored());
  ASSERT_TRUE(Ingest(State("1.2.1.2.2", "1.2.1.1.9")).stored());
  EXPECT_EQ(Png("1.2.1.1/instances/1.2.1.1.2/rendered?" + std::string(kState)).status, 400) << "another image";
  EXPECT_EQ(Png("1.2.1.2/instances/1.2.1.2.2/rendered").status, 200) << "its image is not here: a page";
  const std::string path = "1.2.1.1/instances/1.2.1.1.1/rendered?presentationUID=1.2.1.2.1";
  EXPECT_EQ(Png(path).status, 400) << "no series";
  EXPECT_EQ(Png(path + "&presentationSeriesUID=1.2.1.9").status, 404);
  EXPECT_EQ(Png("1.2.1.1/instances/1.2.1.1.1/rendered?presentationSeriesUID=1.2.1.1&presentationUID=1.2.1.1.2").status,
            400)
      << "no state";
}

// Colour profiles of pictures (PS3.18 8.3.5.1.5).
class ProfileTest : public testing::ServiceFixture {
 protected:
  static std::string Colours(const std::string& sop, const std::string& profile) {
    namespace t = dicom::tags;
    dicom::Part10Writer out("1.2.840.10008.5.1.4.1.1.7", sop);
    out.Add(t::kSopClassUid, "UI", "1.2.840.10008.5.1.4.1.1.7");
    out.Add(t::kSopInstanceUid, "UI", sop);
    out.Add(t::kStudyInstanceUid, "UI", "1.2.1");
    out.Add(t::kSeriesInstanceUid, "UI", "1.2.1.1");
    out.AddUint16(t::kSamplesPerPixel, 3);
    out.Add(t::kPhotometricInterpretation, "CS", "RGB");
    out.AddUint16({0x0028, 0x0006}, 0);
    out.AddUint16(t::kRows, 8);
    out.AddUint16(t::kColumns, 8);
    out.AddUint16(t::kBitsAllocated, 8);
    out.AddUint16({0x0028, 0x0101}, 8);
    out.AddUint16({0x0028, 0x0102}, 7);
    out.AddUint16({0x0028, 0x0103}, 0);
    if (!profile.empty()) out.Add({0x0028, 0x2000}, "OB", profile);
    out.Add(t::kPixelData, "OB", std::string(192, 'x'));
    return out.Take();
  }
  void SetUp() override {
    ServiceFixture::SetUp();
    profile_ = std::string(200, 'p').replace(0, 4, "\0\0\0\xC8", 4).replace(16, 4, "RGB ").replace(36, 4, "acsp");
    ASSERT_TRUE(Ingest(Colours("1.2.1.1.1", profile_)).stored());
    ASSERT_TRUE(Ingest(Colours("1.2.1.1.2", "")).stored());
  }
  HttpAnswer Picture(const std::string& sop, const std::string& query) {
    return Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/" + sop + "/rendered" + query);
  }

  std::string profile_;
};

TEST_F(ProfileTest, IsThatOfTheImageUnlessNoneIsWanted) {
  for (const char* const query : {"", "?iccprofile=yes"}) {
    const HttpAnswer answer = Picture("1.2.1.1.1", query);
    EXPECT_TRUE(answer.body.find(profile_) != std::string::npos) << query;
    EXPECT_EQ(answer.Header("Warning"), std::nullopt) << query;
  }
  EXPECT_TRUE(Picture("1.2.1.1.1", "?iccprofile=no").body.find("ICC_PROFILE") == std::string::npos);
  const HttpAnswer thumbnail = Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1/thumbnail");
  EXPECT_TRUE(thumbnail.body.find("ICC_PROFILE") == std::string::npos) << "thumbnails are small";
}

TEST_F(ProfileTest, IsSrgbWhereTheImageHasNoneAndOneIsWanted) {
  EXPECT_TRUE(Picture("1.2.1.1.2", "").body.find("ICC_PROFILE") == std::string::npos);
  for (const char* const query : {"?iccprofile=yes", "?iccprofile=srgb"}) {
    const HttpAnswer answer = Picture("1.2.1.1.2", query);
    EXPECT_TRUE(answer.body.find(pixel::ProfileOf(pixel::ColourSpace::kSrgb)) != std::string::npos) << query;
    EXPECT_EQ(answer.Header("Warning"), std::nullopt) << query;
  }
}

TEST_F(ProfileTest, IsThatOfTheSpaceThatColoursAreConvertedTo) {
  using pixel::ColourSpace;
  ASSERT_TRUE(Ingest(Colours("1.2.1.1.3", pixel::ProfileOf(ColourSpace::kDisplayP3))).stored());
  for (const auto& [name, space] : {std::pair("srgb", ColourSpace::kSrgb),
                                    {"adobergb", ColourSpace::kAdobeRgb},
                                    {"rommrgb", ColourSpace::kRommRgb},
                                    {"displayp3", ColourSpace::kDisplayP3}}) {
    for (const char* const sop : {"1.2.1.1.2", "1.2.1.1.3"}) {
      const HttpAnswer answer = Picture(sop, std::string("?iccprofile=") + name);
      EXPECT_EQ(answer.status, 200);
      EXPECT_EQ(answer.Header("Warning"), std::nullopt) << sop << name;
      EXPECT_TRUE(answer.body.find(pixel::ProfileOf(space)) != std::string::npos) << sop << name;
    }
  }
}

TEST_F(ProfileTest, ColoursThatCannotBeConvertedAreMissedAloud) {
  for (const char* const space : {"srgb", "displayp3"}) {
    const HttpAnswer answer = Picture("1.2.1.1.1", std::string("?iccprofile=") + space);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.Header("Warning").value_or(""), HasSubstr("could not be converted")) << space;
    EXPECT_TRUE(answer.body.find(profile_) != std::string::npos) << "it is no profile but in its header";
  }
  EXPECT_EQ(Picture("1.2.1.1.1", "?iccprofile=rainbow").status, 400);
}

}  // namespace
}  // namespace hilum::dicomweb
