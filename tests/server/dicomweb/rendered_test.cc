// Pictures with what was asked to be drawn into them (PS3.18 8.3.5.1).
#include <gmock/gmock.h>

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

}  // namespace
}  // namespace hilum::dicomweb
