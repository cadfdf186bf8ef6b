#include "pipelines/fhir_import/import.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include <fstream>

#include "tests/fhir/support/interactions_fixture.h"

namespace hilum {
namespace {

using ::testing::HasSubstr;

std::string Patient(const std::string& id, const std::string& family) {
  return R"({"resourceType":"Patient","id":")" + id + R"(","name":[{"family":")" + family + "\"}]}";
}

class FhirImportTest : public fhir::InteractionsFixture {
 protected:
  // Writes the file and gives its path.
  std::string File(const std::string& name, const std::string& text) {
    const std::string path = directory_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string Compressed(const std::string& name, const std::string& text) {
    const std::string path = directory_.path() + "/" + name;
    const gzFile file = gzopen(path.c_str(), "wb");
    EXPECT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())), static_cast<int>(text.size()));
    EXPECT_EQ(gzclose(file), Z_OK);
    return path;
  }
  FhirImportReport Import(const std::vector<std::string>& paths, const FhirImportOptions& options = {}) {
    FhirImport import(*resources_, *interactions_, options);
    for (const std::string& path : paths) EXPECT_TRUE(import.Add(path).ok());
    EXPECT_TRUE(import.Finish().ok());
    return import.report();
  }
  std::string Family(const std::string& id) { return At(Run("GET", "Patient/" + id).body, "name.0.family"); }
  std::string VersionOf(const std::string& id) { return At(Run("GET", "Patient/" + id).body, "meta.versionId"); }
};

std::string ManyPatients(size_t count) {
  std::string lines;
  for (size_t i = 0; i < count; ++i) lines += Patient("p" + std::to_string(i), "Family") + "\n";
  return lines;
}

TEST_F(FhirImportTest, KnowsItsFilesByName) {
  for (const char* name : {"a.ndjson", "b/A.NDJSON.GZ", "a.json", "a.jsonl", "a.json.gz"}) {
    EXPECT_TRUE(FhirImport::Takes(name)) << name;
  }
  for (const char* name : {"a.dcm", "json", "a.gz", "ndjson.dcm"}) EXPECT_FALSE(FhirImport::Takes(name)) << name;
}

TEST_F(FhirImportTest, LinesKeepTheirIdsAndThoseWithoutGetOne) {
  const auto report = Import({File("a.ndjson", Patient("one", "First") + "\r\n\n" + Patient("two", "Second") + "\n" +
                                                   R"({"resourceType":"Patient","gender":"other"})")});
  EXPECT_EQ(report.written, 3u);
  EXPECT_EQ(report.refused, 0u);
  EXPECT_EQ(Family("one"), "First");
  EXPECT_EQ(Family("two"), "Second");
  EXPECT_EQ(Total("Patient?gender=other"), 1);
}

TEST_F(FhirImportTest, BadLinesAreNamedAndTheRestGoesOn) {
  const std::string path = File("a.ndjson", Patient("one", "First") + "\n{\"resourceType\":\n" +
                                                R"({"resourceType":"Patient","gender":"secret-value"})" + "\n" +
                                                R"({"resourceType":"Nothing"})" + "\n" + Patient("two", "Second"));
  const auto report = Import({path}, {.threads = 1, .max_refusals = 2});
  EXPECT_EQ(report.written, 2u);
  EXPECT_EQ(report.refused, 3u);
  ASSERT_EQ(report.refusals.size(), 2u);
  EXPECT_EQ(report.refusals[0].file, path);
  EXPECT_EQ(report.refusals[0].place, "line 2");
  EXPECT_EQ(report.refusals[1].place, "line 3");
  EXPECT_THAT(report.refusals[1].reason, HasSubstr("Patient.gender"));
  EXPECT_THAT(report.refusals[1].reason, Not(HasSubstr("secret-value")));
  EXPECT_EQ(Family("two"), "Second");
}

TEST_F(FhirImportTest, LongLinesAreRefusedWithoutBeingHeld) {
  const std::string lines = Patient("long", std::string(1 << 20, 'x')) + "\n" + Patient("short", "Second") + "\n";
  const auto report = Import({File("a.ndjson", lines)}, {.max_line_bytes = 100'000});
  EXPECT_EQ(report.written, 1u);
  ASSERT_EQ(report.refusals.size(), 1u);
  EXPECT_EQ(report.refusals[0].place, "line 1");
  EXPECT_EQ(Family("short"), "Second");
}

TEST_F(FhirImportTest, ARepeatWritesNothing) {
  const std::string path = Compressed("a.ndjson.gz", ManyPatients(300));
  EXPECT_EQ(Import({path}, {.commit_resources = 7}).written, 300u);
  const auto again = Import({path}, {.commit_resources = 7});
  EXPECT_EQ(again.written, 0u);
  EXPECT_EQ(again.unchanged, 300u);
  EXPECT_EQ(Total("Patient"), 300);
  EXPECT_EQ(VersionOf("p299"), "1");
}

TEST_F(FhirImportTest, WhatIsThereIsFoundAlsoAfterCommitsOfNewResources) {
  const std::string all = ManyPatients(400);
  const size_t half = all.find(Patient("p200", "Family"));
  Import({File("there.ndjson", all.substr(half))});
  ASSERT_EQ(Run("PUT", "Patient/p300", Patient("p300", "Other")).status, 200);

  const auto report = Import({File("all.ndjson", all)}, {.commit_resources = 50});
  EXPECT_EQ(report.written, 201u);
  EXPECT_EQ(report.unchanged, 199u);
  EXPECT_EQ(report.refused, 0u);
  EXPECT_EQ(Family("p300"), "Family");
  EXPECT_EQ(VersionOf("p300"), "3");
  EXPECT_EQ(VersionOf("p399"), "1");
}

TEST_F(FhirImportTest, OtherContentIsANewVersion) {
  Import({File("a.ndjson", ManyPatients(3))});
  const auto report = Import({File("b.json", Patient("p1", "Changed"))});
  EXPECT_EQ(report.written, 1u);
  EXPECT_EQ(Family("p1"), "Changed");
  EXPECT_EQ(VersionOf("p1"), "2");
  EXPECT_EQ(Total("Patient?family=Changed"), 1);
  EXPECT_EQ(Total("Patient?family=Family"), 2);
}

TEST_F(FhirImportTest, TheLaterOfTheSameResourceWinsInOneCommitAndAcrossThem) {
  std::string lines;
  for (int i = 0; i < 60; ++i) lines += Patient("same", i % 2 == 0 ? "Even" : "Odd") + "\n";
  for (const size_t per_commit : {1, 3, 500}) {
    const auto report = Import({File("a.ndjson", lines)}, {.threads = 4, .commit_resources = per_commit});
    EXPECT_EQ(report.written + report.unchanged, 60u);
    EXPECT_EQ(report.refused, 0u);
    EXPECT_EQ(Family("same"), "Odd");
  }
  EXPECT_EQ(VersionOf("same"), "180");
}

TEST_F(FhirImportTest, LargeCommitsThatOverlapKeepTheOrder) {
  Import({File("there.json", Patient("same", "Even"))});
  std::string lines;
  for (int i = 0; i < 12; ++i) {
    // The first looks unchanged until the others are committed.
    lines += Patient("same", i % 2 == 0 ? "Even" : "Odd") + "\n";
    for (int k = 0; k < 30; ++k) {
      lines += Patient("p" + std::to_string(i) + "-" + std::to_string(k), std::string(50'000, 'x')) + "\n";
    }
  }
  const auto report = Import({File("a.ndjson", lines)}, {.threads = 4, .commit_resources = 31});
  EXPECT_EQ(report.written, 12u * 30 + 11);
  EXPECT_EQ(report.unchanged, 1u);
  EXPECT_EQ(report.refused, 0u);
  EXPECT_EQ(Family("same"), "Odd");
  EXPECT_EQ(VersionOf("same"), "12");
}

TEST_F(FhirImportTest, TransactionsAreRunAndCollectionsAreTakenApart) {
  const std::string transaction = R"({"resourceType":"Bundle","type":"transaction","entry":[
    {"fullUrl":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a","resource":{"resourceType":"Patient","gender":"female"},
     "request":{"method":"POST","url":"Patient"}},
    {"resource":{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},
                 "subject":{"reference":"urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"}},
     "request":{"method":"PUT","url":"Observation/o1"}}]})";
  const std::string collection = R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":)" +
                                 Patient("c1", "Collected") + R"(},{"fullUrl":"http://x/y"}]})";
  const auto report =
      Import({File("a.json", transaction), File("b.json", collection), File("c.json", Patient("single", "Single"))});
  EXPECT_EQ(report.written, 4u);
  EXPECT_EQ(Total("Observation?subject:Patient.gender=female"), 1);
  EXPECT_EQ(Family("c1"), "Collected");
  EXPECT_EQ(Family("single"), "Single");
  ASSERT_EQ(report.refusals.size(), 1u);
  EXPECT_EQ(report.refusals[0].place, "Bundle.entry[1]");
}

TEST_F(FhirImportTest, ATransactionThatFailsIsOneRefusal) {
  const std::string transaction = R"({"resourceType":"Bundle","type":"transaction","entry":[
    {"resource":)" + Patient("t1", "T") +
                                  R"(,"request":{"method":"PUT","url":"Patient/t1"}},
    {"request":{"method":"DELETE","url":"Nothing/t2"}}]})";
  const auto report = Import({File("a.json", transaction)});
  EXPECT_EQ(report.written, 0u);
  EXPECT_EQ(report.refused, 1u);
  EXPECT_EQ(Run("GET", "Patient/t1").status, 404);
}

TEST_F(FhirImportTest, BrokenFilesAreRefusedAfterTheirGoodLines) {
  const std::string path = Compressed("a.ndjson.gz", ManyPatients(20'000));
  std::string bytes;
  {
    std::ifstream in(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  const auto report =
      Import({File("b.ndjson.gz", bytes.substr(0, bytes.size() / 2)), directory_.path() + "/none.json"});
  EXPECT_GT(report.written, 0u);
  ASSERT_EQ(report.refusals.size(), 2u);
  EXPECT_THAT(report.refusals[0].reason, HasSubstr("ends in the middle"));
  EXPECT_THAT(report.refusals[1].file, HasSubstr("none.json"));
}

TEST_F(FhirImportTest, OneUnresolvedReferenceDoesNotRefuseItsCommit) {
  resource_options_.references = fhir::ReferencePolicy::kEnforce;
  Reopen();
  const std::string bad =
      R"({"resourceType":"Patient","id":"bad","managingOrganization":{"reference":"Organization/nowhere"}})";
  const auto report =
      Import({File("a.ndjson", Patient("one", "First") + "\n" + bad + "\n" + Patient("two", "Second"))});
  EXPECT_EQ(report.written, 2u);
  ASSERT_EQ(report.refusals.size(), 1u);
  EXPECT_EQ(report.refusals[0].place, "line 2");
}

}  // namespace
}  // namespace hilum
