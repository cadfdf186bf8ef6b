// Every example of the specification and of US Core that is valid comes back byte for byte, but for what the server
// sets and the white space around it.
#include "tests/fhir/support/examples.h"
#include "fhir/json/edits.h"
#include "fhir/json/subset.h"
#include "tests/fhir/support/interactions_fixture.h"

namespace hilum::fhir {
namespace {

using ExamplesTest = InteractionsFixture;

// Without id, version and time.
std::string Content(const std::string& text) {
  const auto document = json::Document::Parse(text);
  if (!document.ok()) return "(no JSON)";
  json::Edits edits;
  json::ClearIdentity(document->root(), &edits);
  return json::Compact(edits.Apply(document->root()));  // the server's elements stand among the white space
}

TEST_F(ExamplesTest, ComeBackAsTheyWere) {
  size_t stored = 0, refused = 0;
  for (const char* folder : {"r4-examples", "us-core-examples"}) {
    for (const auto& file : FilesBelow(FhirData() / folder)) {
      const std::string text = ReadAll(file);
      const auto document = json::Document::Parse(text);
      if (!document.ok()) continue;
      const auto type = ResourceTypeOf(document->root());
      if (!type) continue;
      const std::string name(TypeOf(*type).name);
      const Answer created = Run("POST", name, text);
      if (created.status == 400) {  // which and why: tests/fhir/validate
        ++refused;
        continue;
      }
      ASSERT_EQ(created.status, 201) << file << ": " << created.body.substr(0, 500);
      const Answer read = Run("GET", name + "/" + IdOf(created));
      EXPECT_TRUE(Content(read.body) == Content(text)) << file << " came back changed";
      EXPECT_EQ(Total(name + "?_id=" + IdOf(created)), 1) << file;
      ++stored;
    }
  }
  if (stored == 0) GTEST_SKIP() << "the external test data is not there";
  EXPECT_GT(stored, 600u);
  EXPECT_LE(refused, 4u);
}

}  // namespace
}  // namespace hilum::fhir
