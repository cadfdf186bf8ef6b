#include "server/fhir_rest/refusal.h"

#include <gmock/gmock.h>

#include "fhir/validate/validate.h"

namespace hilum::fhir_rest {
namespace {

using ::testing::HasSubstr;

TEST(RefusalTest, IsAnOutcomeBelowTheRoot) {
  for (const int status : {400, 408, 414, 431, 500, 503, 505, 507}) {
    for (const char* path : {"/fhir", "/fhir/", "/fhir/Patient"}) {
      const auto body = RefusalBody("/fhir", path, status, "a \"reason\"");
      ASSERT_TRUE(body) << path;
      EXPECT_EQ(body->content_type, "application/fhir+json; charset=utf-8");
      const auto document = fhir::json::Document::Parse(body->text);
      ASSERT_TRUE(document.ok()) << body->text;
      EXPECT_TRUE(fhir::Validate(document->root()).ok()) << body->text;
      EXPECT_THAT(body->text, HasSubstr("a \\\"reason\\\""));
    }
  }
  EXPECT_THAT(RefusalBody("/fhir", "/fhir/Patient", 503, "busy")->text, HasSubstr(R"("code":"throttled")"));
  EXPECT_THAT(RefusalBody("/fhir", "/fhir/Patient", 507, "full")->text, HasSubstr(R"("code":"no-store")"));
  EXPECT_THAT(RefusalBody("/fhir", "/fhir/Patient", 414, "too long")->text, HasSubstr("POST to _search"));
}

TEST(RefusalTest, IsNothingElsewhere) {
  for (const char* path : {"", "/", "/fhirs", "/dicom-web/studies"})
    EXPECT_FALSE(RefusalBody("/fhir", path, 414, "too long")) << path;
}

}  // namespace
}  // namespace hilum::fhir_rest
