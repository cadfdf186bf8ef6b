// Every example of the specification and of US Core is valid, but for those listed with their reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "fhir/validate/validate.h"
#include "tests/fhir/support/examples.h"

namespace hilum::fhir {
namespace {

// File stem -> part of the diagnostics.
const std::map<std::string, std::string> kRefused = {
    // References to types that R4 does not allow there; the examples are older than the definitions.
    {"DeviceMetric-example", "must not refer to a DeviceDefinition"},
    {"DeviceUseStatement-example", "must not refer to a Procedure"},
    {"Observation-clinical-gender", "must not refer to a Encounter"},
    // Source of a publication: the narrative is generated later.
    {"diagnosticreport-cbc", "Narrative.div is required"},
};

void ExpectValid(const std::filesystem::path& folder) {
  const auto files = FilesBelow(folder);
  if (files.empty()) GTEST_SKIP() << "no examples in " << folder;
  for (const auto& file : files) {
    const auto document = json::Document::Parse(ReadAll(file));
    const auto refused = kRefused.find(file.stem());
    if (!document.ok()) {
      EXPECT_TRUE(refused != kRefused.end()) << file.filename() << ": " << document.status().message();
      continue;
    }
    const Validation validation = Validate(document->root());
    if (refused == kRefused.end()) {
      if (!validation.ok()) ADD_FAILURE() << file.filename() << ": " << OperationOutcome(validation.issues);
    } else {
      ASSERT_FALSE(validation.ok()) << file.filename();
      EXPECT_THAT(OperationOutcome(validation.issues), testing::HasSubstr(refused->second)) << file.filename();
    }
  }
}

TEST(Examples, OfTheSpecificationAreValid) {
  ExpectValid(FhirData() / "r4-examples");
}
TEST(Examples, OfUsCoreAreValid) {
  ExpectValid(FhirData() / "us-core-examples");
}
TEST(Examples, OfSyntheaAreValid) {
  ExpectValid(FhirData() / "synthea");
}

}  // namespace
}  // namespace hilum::fhir
