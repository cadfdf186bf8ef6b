// How requests of the URI service are put in terms of WADO-RS. What they answer is in tests/cases/dicomweb.
#include "server/dicomweb/wado_uri.h"

#include <gmock/gmock.h>

#include "tests/server/dicomweb/service_fixture.h"

namespace hilum::dicomweb {
namespace {

Result<UriRequest> Parse(QueryParameters more) {
  QueryParameters query = {{"requestType", "WADO"}, {"studyUID", "1"}, {"seriesUID", "1.1"}, {"objectUID", "1.1.1"}};
  query.insert(query.end(), more.begin(), more.end());
  return ParseUriRequest(query);
}

TEST(WadoUriTest, OneSideOfThePictureLeavesTheOtherToTheShape) {
  EXPECT_EQ(ViewportOf(*Parse({{"rows", "100"}}), 512, 256), "8192,100");
  EXPECT_EQ(ViewportOf(*Parse({{"columns", "100"}}), 512, 256), "100,8192");
  EXPECT_EQ(ViewportOf(*Parse({}), 512, 256), "");
}

TEST(WadoUriTest, ARegionIsAFractionOfTheImage) {
  EXPECT_EQ(ViewportOf(*Parse({{"region", "0.25,0.5,0.75,1"}}), 400, 200),
            "100,200,50.000000,200.000000,100.000000,200.000000");
  EXPECT_EQ(ViewportOf(*Parse({{"region", "0,0,0.5,0.5"}, {"rows", "10"}, {"columns", "20"}}), 400, 200),
            "20,10,0.000000,0.000000,100.000000,200.000000");
}

TEST(WadoUriTest, WhatIsNotANumberIsNamed) {
  for (const char* name : {"rows", "columns", "frameNumber"})
    for (const char* value : {"0", "-1", "x", "99999999999", "1.5"})
      EXPECT_THAT(Parse({{name, value}}).status().message(), ::testing::HasSubstr(name)) << value;
  for (const char* value : {"0,0,1", "0,0,1,1,", "0,0,2,1", "nan,0,1,1", "a,b,c,d", ""})
    EXPECT_EQ(Parse({{"region", value}}).ok(), *value == '\0') << value;
}

class WadoUriServiceTest : public testing::ServiceFixture {};

TEST_F(WadoUriServiceTest, GivesTheBytesThatWadoRsGives) {
  ASSERT_TRUE(Ingest(testing::InstanceSpec{}).stored());
  const std::string uri = "/wado?requestType=WADO&studyUID=1.2.1&seriesUID=1.2.1.1&objectUID=1.2.1.1.1";
  const std::string instance = "/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1";
  EXPECT_TRUE(Get(uri + "&contentType=application/dicom").body == testing::MakeInstance({}));
  EXPECT_TRUE(Get(uri + "&contentType=image/png&windowCenter=1800&windowWidth=20&region=0,0,0.5,0.5").body ==
              Get(instance + "/rendered?window=1800,20&viewport=8,8,0,0,8,8", {"Accept: image/png"}).body);
  EXPECT_FALSE(Get(uri + "&contentType=image/png&windowCenter=1800&windowWidth=20").body ==
               Get(uri + "&contentType=image/png&windowCenter=1800&windowWidth=200").body);
}

}  // namespace
}  // namespace hilum::dicomweb
