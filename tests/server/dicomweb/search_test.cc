// Search results of data sets that lack what others have. What all have is in tests/cases/dicomweb/qido.case.
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tests/server/dicomweb/service_fixture.h"

namespace hilum::dicomweb {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

using SearchTest = testing::ServiceFixture;

// PS3.18 tables 10.6.3-3 to -5, type R.
TEST_F(SearchTest, RequiredAttributesAreReturnedWhenTheImageLacksThem) {
  auto image = testing::BeginImage({});
  ASSERT_TRUE(Ingest(image.Take()).stored());
  const auto tags = [&](const std::string& path) {
    std::vector<std::string> found;
    const auto rows = nlohmann::json::parse(Get("/dicom-web/" + path).body);
    for (const auto& [tag, value] : rows.at(0).items()) {
      found.push_back(tag + (value.contains("Value") ? "" : " " + value.at("vr").get<std::string>()));
    }
    return found;
  };
  const std::vector<std::string> of_study = {"00080020 DA", "00080030 TM", "00080050 SH", "00080090 PN", "00100010 PN",
                                             "00100020 LO", "00100030 DA", "00100040 CS", "00200010 SH"};
  const std::vector<std::string> of_series = {"00080060 CS", "00200011 IS"};
  EXPECT_THAT(tags("studies"), IsSupersetOf(of_study));
  EXPECT_THAT(tags("studies/1.2.1/series"), IsSupersetOf(of_series));
  EXPECT_THAT(tags("studies/1.2.1/series"), Not(IsSupersetOf(of_study)));
  EXPECT_THAT(tags("series"), IsSupersetOf(of_study));
  EXPECT_THAT(tags("studies/1.2.1/instances"), IsSupersetOf({"00200013 IS"}));
  EXPECT_THAT(tags("instances"), IsSupersetOf(of_series));
}

TEST_F(SearchTest, TheTimeZoneIsToldAtEveryLevel) {
  ASSERT_TRUE(
      Ingest(testing::MakeInstance({.more = {{dicom::tags::kTimezoneOffsetFromUtc, "SH", "+0100 "}}})).stored());
  const std::string series = "studies/1.2.1/series";
  for (const std::string& path : {std::string("studies"), std::string("series"), series,
                                  std::string("studies/1.2.1/instances"), series + "/1.2.1.1/instances"}) {
    const auto row = nlohmann::json::parse(Get("/dicom-web/" + path).body).at(0);
    EXPECT_EQ(row.at("00080201").at("Value").at(0), "+0100") << path;
  }
}

TEST_F(SearchTest, BulkDataThatAreAskedForAreInlineOrCanBeFetched) {
  const std::string overlay(5000, '\x5A'), profile(16, 'p');
  const std::string icon = testing::OneItem({{dicom::tags::kPixelData, "OW", "pixels"}});
  ASSERT_TRUE(Ingest(testing::MakeInstance({.more = {{{0x0028, 0x2000}, "OB", profile},
                                                     {{0x0088, 0x0200}, "SQ", icon},
                                                     {{0x6000, 0x3000}, "OW", overlay}}}))
                  .stored());
  for (const std::string path : {"studies", "studies/1.2.1/series", "instances"}) {
    const std::string search = "/dicom-web/" + path + "?includefield=00282000,00880200,60003000,7FE00010";
    const auto row = nlohmann::json::parse(Get(search).body).at(0);
    const std::string uri = row.at("60003000").at("BulkDataURI");
    EXPECT_EQ(row.at("60003000").at("vr"), "OW");
    EXPECT_TRUE(testing::Fetch("GET", uri, {"Accept: application/octet-stream"}).body == overlay) << uri;
    EXPECT_EQ(row.at("00282000").at("InlineBinary"), "cHBwcHBwcHBwcHBwcHBwcA==");
    const std::string of_icon = row.at("00880200").at("Value").at(0).at("7FE00010").at("BulkDataURI");
    EXPECT_EQ(testing::Fetch("GET", of_icon, {"Accept: application/octet-stream"}).body, "pixels") << of_icon;
    EXPECT_FALSE(row.contains("7FE00010"));
    EXPECT_THAT(Get(search, {"Accept: text/csv"}).body, Not(HasSubstr("OverlayData")))
        << "there it would have no value";
    EXPECT_THAT(Get(search, {"Accept: multipart/related; type=\"application/dicom+xml\""}).body, HasSubstr(uri));
  }
}

TEST_F(SearchTest, PrivateAttributesComeWithTheirCreators) {  // PS3.18 10.6.3.3
  ASSERT_TRUE(Ingest(testing::MakeInstance({.more = {{{0x0029, 0x0010}, "LO", "ACME"},
                                                     {{0x0029, 0x0011}, "LO", "OTHER "},
                                                     {{0x0029, 0x1008}, "CS", "ONE "},
                                                     {{0x0029, 0x1009}, "CS", "TWO "}}}))
                  .stored());
  const auto row = nlohmann::json::parse(Get("/dicom-web/instances?includefield=00291008,00291009").body).at(0);
  EXPECT_EQ(row.at("00291008").at("Value").at(0), "ONE");
  EXPECT_EQ(row.at("00291009").at("Value").at(0), "TWO");
  EXPECT_EQ(row.at("00290010").at("Value").at(0), "ACME");
  EXPECT_FALSE(row.contains("00290011"));
}

TEST_F(SearchTest, CsvKeepsNumbersAndDisarmsFormulas) {
  ASSERT_TRUE(
      Ingest(
          testing::InstanceSpec{
              .study = "1.9.1", .series = "1.9.1.1", .sop = "1.9.1.1.1", .patient_name = "=1+1", .patient_id = "-5.5"})
          .stored());
  const std::string csv = Get("/dicom-web/studies?StudyInstanceUID=1.9.1", {"Accept: text/csv"}).body;
  EXPECT_THAT(csv, HasSubstr(",-5.5,"));
  EXPECT_THAT(csv, HasSubstr(",\"'=1+1\","));
}

TEST_F(SearchTest, StrictSearchesTakeACharsetThatNamesUtf8) {  // PS3.18 8.3.3.2
  Start({.search_strict = true});
  EXPECT_EQ(Get("/dicom-web/studies?charset=utf-8").status, 200);
  EXPECT_EQ(Get("/dicom-web/studies?charset=iso-8859-1").status, 400);
}

TEST_F(SearchTest, WarningsShareOneFieldAndEnd) {
  const auto fields = [&](int keys) {
    std::string path = "/dicom-web/studies?limit=1";
    for (int i = 0; i < keys; ++i) path += "&Unknown" + std::to_string(i) + "=1";
    std::vector<std::string> found;
    for (const auto& [name, value] : Get(path).headers)
      if (name == "Warning") found.push_back(value);
    return found;
  };
  EXPECT_THAT(fields(0), IsEmpty());
  EXPECT_THAT(fields(2), ElementsAre(AllOf(HasSubstr("Unknown0"), HasSubstr("Unknown1"), Not(HasSubstr("more")))));
  EXPECT_THAT(fields(300), ElementsAre(AllOf(HasSubstr("Unknown9"), Not(HasSubstr("Unknown10")),
                                             HasSubstr("299 hilum \"290 more"))));
}

}  // namespace
}  // namespace hilum::dicomweb
