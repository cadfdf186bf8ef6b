// Every count of synthea-expected-counts.tsv, through transactions and searches as clients send them: all of it with
// HILUM_LONG_TESTS, else a few of the bundles, of which the counts are known by type.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include "tests/fhir/interactions/store_fixture.h"
#include "tests/fhir/support/examples.h"

namespace hilum::fhir {
namespace {

bool Whole() {
  return std::getenv("HILUM_LONG_TESTS") != nullptr;
}

class SyntheaTest : public StoreFixture {
 protected:
  // How many resources of each type a Bundle creates.
  void CountTypes(const std::string& bundle, std::map<std::string, long>* counts) {
    const auto document = json::Document::Parse(bundle);
    ASSERT_TRUE(document.ok());
    for (const json::Value entry : json::Find(document->root(), "entry")->children()) {
      ++(*counts)[std::string(json::Find(entry, "resource")["resourceType"].TextOr(""))];
    }
  }
};

TEST_F(SyntheaTest, EveryExpectedCountIsFound) {
  auto files = FilesBelow(FhirData() / "synthea");
  if (files.empty()) GTEST_SKIP() << "no bundles in " << FhirData();
  if (!Whole()) files.resize(std::min<size_t>(files.size(), 6));
  std::map<std::string, long> types;
  // In order of name: hospitals and practitioners, which the others refer to by condition, come first.
  for (const auto& file : files) {
    const std::string bundle = ReadAll(file);
    CountTypes(bundle, &types);
    const Answer answer = Run("", {.method = "POST", .body = bundle});
    ASSERT_EQ(answer.status, 200) << file << ": " << answer.body.substr(0, 500);
  }
  EXPECT_GT(types.size(), 10u);
  for (const auto& [type, count] : types) EXPECT_EQ(BundleView(Get(type + "?_summary=count")).total, count) << type;

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
    if (Whole()) {
      EXPECT_EQ(found.total, std::stol(total)) << type << "?" << query;
    } else {
      EXPECT_LE(found.total, std::stol(total)) << type << "?" << query;
    }
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
