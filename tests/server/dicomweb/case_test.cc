// Runs the text cases of tests/cases/dicomweb against the real service. The form of a case is told in
// tests/cases/README.md.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/server/dicomweb/service_fixture.h"

namespace hilum::dicomweb {
namespace {

using nlohmann::json;

struct Case {
  std::string place;  // file:line
  std::string title;
  std::string method, target;
  std::vector<std::string> headers;
  int status = 0;
  std::vector<std::string> expectations;
};

std::vector<Case> ReadCases(const std::filesystem::path& path) {
  std::vector<Case> cases;
  std::ifstream file(path);
  std::string line;
  enum { kNothing, kRequest, kHeaders, kExpectations } state = kNothing;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.starts_with("#") || (line.empty() && state != kHeaders)) continue;
    if (line.starts_with("== ")) {
      cases.push_back({path.filename().string() + ":" + std::to_string(number), line.substr(3)});
      state = kRequest;
    } else if (state == kRequest) {
      const size_t blank = line.find(' ');
      cases.back().method = line.substr(0, blank);
      cases.back().target = line.substr(blank + 1);
      state = kHeaders;
    } else if (line.starts_with("-- ")) {
      cases.back().status = std::stoi(line.substr(3));
      state = kExpectations;
    } else if (state == kHeaders && !line.empty()) {
      cases.back().headers.push_back(line);
    } else if (state == kExpectations) {
      cases.back().expectations.push_back(line);
    }
  }
  return cases;
}

// json POINTER = VALUE | json POINTER has N
void CheckJson(const std::string& expectation, const std::string& body) {
  std::istringstream in(expectation.substr(5));
  std::string pointer, relation, rest;
  in >> pointer >> relation;
  std::getline(in >> std::ws, rest);
  const json document = json::parse(body, nullptr, false);
  ASSERT_FALSE(document.is_discarded()) << "not JSON: " << body.substr(0, 200);
  const json::json_pointer at(pointer == "." ? "" : pointer);
  if (relation == "absent") {
    EXPECT_FALSE(document.contains(at)) << pointer;
    return;
  }
  ASSERT_TRUE(document.contains(at)) << pointer << " is missing in " << body.substr(0, 400);
  if (relation == "has")
    EXPECT_EQ(std::to_string(document.at(at).size()), rest) << pointer;
  else
    EXPECT_EQ(document.at(at), json::parse(rest)) << pointer;
}

void CheckExpectation(const std::string& expectation, const testing::HttpAnswer& answer) {
  if (expectation.starts_with("json ")) return CheckJson(expectation, answer.body);
  if (expectation.starts_with("body ~ ")) {
    EXPECT_NE(answer.body.find(expectation.substr(7)), std::string::npos) << answer.body.substr(0, 400);
    return;
  }
  if (expectation == "body is empty") {
    EXPECT_EQ(answer.body, "");
    return;
  }
  if (expectation.starts_with("no ")) {
    EXPECT_FALSE(answer.Header(expectation.substr(3))) << expectation;
    return;
  }
  const size_t colon = expectation.find(": ");
  ASSERT_NE(colon, std::string::npos) << "not understood: " << expectation;
  const std::string wanted = expectation.substr(colon + 2);
  const auto header = answer.Header(expectation.substr(0, colon));
  ASSERT_TRUE(header) << expectation;
  if (wanted.starts_with("~ "))
    EXPECT_NE(header->find(wanted.substr(2)), std::string::npos) << *header;
  else
    EXPECT_EQ(*header, wanted);
}

class CaseTest : public testing::ServiceFixture {
 protected:
  // The archive that the cases speak of.
  void FillArchive() {
    using testing::InstanceSpec;
    const auto put = [&](InstanceSpec spec) { ASSERT_TRUE(Ingest(spec).stored()); };
    for (int i = 1; i <= 3; ++i)
      put({.study = "1.1",
           .series = "1.1.1",
           .sop = "1.1.1." + std::to_string(i),
           .patient_name = "Müller^Jürgen",
           .patient_id = "MRN-1",
           .birth_date = "19610412",
           .study_date = "20240115",
           .accession = "ACC1",
           .study_description = "CT Head",
           .instance_number = std::to_string(i)});
    put({.study = "1.1",
         .series = "1.1.2",
         .sop = "1.1.2.1",
         .sop_class = "1.2.840.10008.5.1.4.1.1.88.22",
         .modality = "SR",
         .patient_name = "Müller^Jürgen",
         .patient_id = "MRN-1",
         .study_date = "20240115",
         .accession = "ACC1",
         .study_description = "CT Head",
         .series_number = "2",
         .series_description = "Report"});
    put({.study = "1.2",
         .series = "1.2.1",
         .sop = "1.2.1.1",
         .modality = "MR",
         .patient_name = "Doe^Jane",
         .patient_id = "MRN-2",
         .study_date = "20240220",
         .study_time = "235959",
         .accession = "ACC2",
         .study_description = "MR Knee"});
    put({.study = "1.3",
         .series = "1.3.1",
         .sop = "1.3.1.1",
         .patient_name = "山田^太郎",
         .patient_id = "MRN-3",
         .study_date = "20250101",
         .accession = "",
         .study_description = "CT Thorax"});
  }
};

TEST_F(CaseTest, EveryCaseOfTheFolderHolds) {
  FillArchive();
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HILUM_SOURCE_DIR "/tests/cases/dicomweb")) {
    for (const Case& one : ReadCases(entry.path())) {
      SCOPED_TRACE(one.place + " " + one.title);
      const testing::HttpAnswer answer = testing::Fetch(one.method, base_ + one.target, one.headers);
      EXPECT_EQ(answer.status, one.status) << answer.error << answer.body.substr(0, 400);
      for (const std::string& expectation : one.expectations) CheckExpectation(expectation, answer);
      ++count;
    }
  }
  EXPECT_GT(count, 40u) << "the cases were not found";
}

}  // namespace
}  // namespace hilum::dicomweb
