// Every count of synthea-expected-counts.tsv, through transactions and searches as clients send them.
#include <algorithm>
#include <set>
#include <sstream>

#include "tests/fhir/interactions/store_fixture.h"
#include "tests/fhir/support/examples.h"

namespace hilum::fhir {
namespace {

class SyntheaTest : public StoreFixture {};

TEST_F(SyntheaTest, EveryExpectedCountIsFound) {
  const auto files = FilesBelow(FhirData() / "synthea");
  if (files.empty()) GTEST_SKIP() << "no bundles in " << FhirData();
  // In order of name: hospitals and practitioners, which the others refer to by condition, come first.
  for (const auto& file : files) {
    const Answer answer = Run("", {.method = "POST", .body = ReadAll(file)});
    ASSERT_EQ(answer.status, 200) << file << ": " << answer.body.substr(0, 500);
  }

  std::istringstream lines(ReadAll(FhirData() / "synthea-expected-counts.tsv"));
  size_t checked = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    std::istringstream columns(line);
    std::string type, query, total;
    std::getline(columns, type, '\t');
    std::getline(columns, query, '\t');
    std::getline(columns, total, '\t');
    const BundleView found(Get(type + "?_count=3&" + query, {.prefer_handling = Handling::kStrict}));
    EXPECT_EQ(found.total, std::stol(total)) << type << "?" << query;
    ++checked;
  }
  EXPECT_GT(checked, 50u);
}

TEST_F(SyntheaTest, EverythingOfAPatientHasItsWholeCompartment) {
  const auto files = FilesBelow(FhirData() / "synthea");
  if (files.size() < 3) GTEST_SKIP() << "no bundles in " << FhirData();
  for (size_t i = 0; i < 3; ++i) {
    const Answer answer = Run("", {.method = "POST", .body = ReadAll(files[i])});
    ASSERT_EQ(answer.status, 200) << files[i] << ": " << answer.body.substr(0, 500);
  }
  // Records of the third bundle, but for its Locations and the like, which are in the first two.
  const BundleView patients(Get("Patient"));
  ASSERT_EQ(patients.matches.size(), 1u);
  const BundleView counts(Get(patients.matches[0] + "/*?_summary=count"));
  std::set<std::string> seen;
  size_t matches = 0;
  std::string url = patients.matches[0] + "/$everything?_count=100";
  while (!url.empty()) {
    const BundleView page(Get(url));
    EXPECT_EQ(page.total, counts.total);
    matches += page.matches.size();
    seen.insert(page.matches.begin(), page.matches.end());
    seen.insert(page.included.begin(), page.included.end());
    EXPECT_LE(page.resources.size(), 100u);
    url = page.Link("next");
  }
  EXPECT_EQ(static_cast<long>(matches), counts.total);
  for (const char* type : {"Encounter", "Observation", "Claim", "Practitioner", "Organization"})
    EXPECT_TRUE(std::ranges::any_of(seen, [&](const std::string& name) { return name.starts_with(type); })) << type;
}

}  // namespace
}  // namespace hilum::fhir
