// How long requests take is told by transaction.
#include <map>

#include "tests/server/dicomweb/service_fixture.h"
#include "tests/support/eventually.h"

namespace hilum::dicomweb {
namespace {

class TransactionTimesTest : public testing::ServiceFixture {
 protected:
  // Once its answer has come a request is counted soon.
  bool Counted(const std::string& transaction, int requests) {
    const std::string line = "\nhilum_dicomweb_request_seconds_count{transaction=\"" + transaction + "\"} " +
                             std::to_string(requests) + "\n";
    return Eventually([&] { return metrics_.Expose().find(line) != std::string::npos; });
  }
};

TEST_F(TransactionTimesTest, EachRequestCountsForItsTransaction) {
  const std::string study = "/dicom-web/studies/1.2.1", instance = study + "/series/1.2.1.1/instances/1.2.1.1.1";
  ASSERT_EQ(Post("/dicom-web/studies", "application/dicom", testing::MakeInstance({.sop = "1.2.1.1.1"})).status, 200);
  EXPECT_TRUE(Counted("store", 1));
  const std::map<std::string, std::vector<std::string>> requests = {
      {"search", {"/dicom-web/studies", study + "/series", "/dicom-web/patients"}},
      {"retrieve", {study, instance}},
      {"metadata", {study + "/metadata", instance + "/metadata"}},
      {"frames", {instance + "/frames/1", instance + "/pixeldata"}},
      {"bulkdata", {study + "/bulkdata", study + "/pixeldata"}},
      {"rendered", {instance + "/rendered", instance + "/frames/1/rendered"}},
      {"thumbnail", {study + "/thumbnail"}},
      {"wado_uri", {"/wado?requestType=WADO&studyUID=1.2.1&seriesUID=1.2.1.1&objectUID=1.2.1.1.1"}},
      {"changefeed", {"/dicom-web/changefeed", "/dicom-web/changefeed/latest"}},
      {"other", {"/dicom-web"}},
  };
  for (const auto& [transaction, paths] : requests) {
    EXPECT_TRUE(Counted(transaction, 0)) << transaction;
    for (const std::string& path : paths) EXPECT_EQ(Get(path).status, 200) << path;
    EXPECT_TRUE(Counted(transaction, static_cast<int>(paths.size()))) << transaction;
  }
  EXPECT_EQ(testing::Fetch("DELETE", base_ + study, {}).status, 204);
  EXPECT_TRUE(Counted("delete", 1));
}

TEST_F(TransactionTimesTest, ARequestThatFailsCountsToo) {
  EXPECT_EQ(Get("/dicom-web/studies/1.2.9/metadata").status, 404);
  EXPECT_TRUE(Counted("metadata", 1));
}

}  // namespace
}  // namespace hilum::dicomweb
