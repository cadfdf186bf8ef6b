// Zip archives of studies, read by a foreign reader.
#include <cstdlib>
#include <fstream>

#include "tests/server/dicomweb/service_fixture.h"

namespace hilum::dicomweb {
namespace {

using testing::HttpAnswer;
using testing::MakeInstance;

class ZipTest : public testing::ServiceFixture {
 protected:
  void SetUp() override {
    ServiceFixture::SetUp();
    ASSERT_TRUE(Ingest(testing::InstanceSpec{.sop = "1.2.1.1.1", .pixel_fill = 3}).stored());
    ASSERT_TRUE(Ingest(testing::InstanceSpec{.sop = "1.2.1.1.2", .pixel_fill = 4}).stored());
    ASSERT_TRUE(Ingest(testing::InstanceSpec{.series = "1.2.1.2", .sop = "1.2.1.2.1", .pixel_fill = 5}).stored());
  }

  // The bytes of file `name`; all checksums are checked.
  std::string Extract(const std::string& archive, const std::string& name) {
    const std::string path = directory_.path() + "/study.zip", out = directory_.path() + "/one.dcm";
    std::ofstream(path, std::ios::binary) << archive;
    const std::string command = "python3 -c \"import zipfile,sys; z=zipfile.ZipFile('" + path +
                                "'); assert z.testzip() is None; open('" + out + "','wb').write(z.read('" + name +
                                "'))\"";
    if (std::system(command.c_str()) != 0) return "(not readable)";
    std::ifstream file(out, std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(file)), {});
  }
};

TEST_F(ZipTest, AStudyIsOneFileAnInstanceAsItWasStored) {
  const HttpAnswer answer = Get("/dicom-web/studies/1.2.1", {"Accept: application/zip"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Header("Content-Type"), "application/zip");
  EXPECT_EQ(answer.Header("Content-Length"), std::to_string(answer.body.size()));
  EXPECT_TRUE(Extract(answer.body, "1.2.1/1.2.1.1/1.2.1.1.2.dcm") ==
              MakeInstance({.sop = "1.2.1.1.2", .pixel_fill = 4}));
  EXPECT_TRUE(Extract(answer.body, "1.2.1/1.2.1.2/1.2.1.2.1.dcm") ==
              MakeInstance({.series = "1.2.1.2", .sop = "1.2.1.2.1", .pixel_fill = 5}));
}

TEST_F(ZipTest, AnotherTransferSyntaxIsTheOneOfThePlainAnswer) {
  const std::string syntax = "; transfer-syntax=1.2.840.10008.1.2.5";
  const HttpAnswer answer = Get("/dicom-web/studies/1.2.1", {"Accept: application/zip" + syntax});
  EXPECT_EQ(answer.status, 200);
  const HttpAnswer plain =
      Get("/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1", {"Accept: application/dicom" + syntax});
  ASSERT_EQ(plain.status, 200);
  EXPECT_TRUE(Extract(answer.body, "1.2.1/1.2.1.1/1.2.1.1.1.dcm") == plain.body);
}

TEST_F(ZipTest, SeriesAndInstanceKeepTheFolders) {
  const std::string series = "/dicom-web/studies/1.2.1/series/1.2.1.2";
  for (const std::string& path : {series, series + "/instances/1.2.1.2.1"}) {
    const HttpAnswer answer = Get(path, {"Accept: application/zip"});
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_TRUE(Extract(answer.body, "1.2.1/1.2.1.2/1.2.1.2.1.dcm") ==
                MakeInstance({.series = "1.2.1.2", .sop = "1.2.1.2.1", .pixel_fill = 5}));
  }
}

TEST_F(ZipTest, TheArchiveHasATagOfItsOwn) {
  const auto etag = Get("/dicom-web/studies/1.2.1", {"Accept: application/zip"}).Header("ETag");
  ASSERT_TRUE(etag);
  EXPECT_NE(etag, Get("/dicom-web/studies/1.2.1").Header("ETag"));
  EXPECT_EQ(Get("/dicom-web/studies/1.2.1", {"Accept: application/zip", "If-None-Match: " + *etag}).status, 304);
}

TEST_F(ZipTest, ASyntaxThatCannotBeIsRefused) {
  EXPECT_EQ(Get("/dicom-web/studies/1.2.1", {"Accept: application/zip; transfer-syntax=1.2.3"}).status, 406);
}

}  // namespace
}  // namespace hilum::dicomweb
