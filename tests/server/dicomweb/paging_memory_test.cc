#include "server/dicomweb/paging_memory.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/server/dicomweb/service_fixture.h"

namespace hilum::dicomweb {
namespace {

using testing::InstanceSpec;

TEST(PagingMemoryTest, TheLastBeginningCounts) {
  FakeClock clock;
  PagingMemory memory(clock, 10);
  EXPECT_EQ(memory.Find("a"), std::nullopt);
  memory.Begin("a", 7);
  memory.Begin("b", 8);
  EXPECT_EQ(memory.Find("a"), 7u);
  memory.Begin("a", 9);
  EXPECT_EQ(memory.Find("a"), 9u);
  EXPECT_EQ(memory.Find("b"), 8u);
}

TEST(PagingMemoryTest, WhatIsNotPagedOnIsForgotten) {
  FakeClock clock;
  PagingMemory memory(clock, 10);
  memory.Begin("a", 7);
  memory.Begin("b", 8);
  clock.Advance(PagingMemory::kAge);
  EXPECT_EQ(memory.Find("a"), 7u);
  clock.Advance(std::chrono::seconds(1));
  EXPECT_EQ(memory.Find("a"), 7u) << "it was asked for a second ago";
  EXPECT_EQ(memory.Find("b"), std::nullopt);
}

TEST(PagingMemoryTest, ItsSizeIsBounded) {
  FakeClock clock;
  PagingMemory memory(clock, 2);
  memory.Begin("a", 1);
  memory.Begin("b", 2);
  EXPECT_EQ(memory.Find("a"), 1u);
  memory.Begin("c", 3);
  EXPECT_EQ(memory.Find("b"), std::nullopt) << "not used for longest";
  EXPECT_EQ(memory.Find("a"), 1u);
  const std::string long_key(PagingMemory::kMaxKeyBytes + 1, 'k');
  memory.Begin(long_key, 4);
  EXPECT_EQ(memory.Find(long_key), std::nullopt);
}

class PagingTest : public testing::ServiceFixture {
 protected:
  void Store(const std::string& study) {
    ASSERT_TRUE(Ingest(InstanceSpec{.study = study, .series = study + ".1", .sop = study + ".1.1", .patient_id = study})
                    .stored());
  }
  // What rows have at a tag, with blanks between them.
  std::string Rows(const std::string& path, const std::vector<std::string>& headers = {}) {
    const nlohmann::json rows = nlohmann::json::parse(Get(path, headers).body, nullptr, false);
    std::string text;
    for (const auto& row : rows)
      text += (text.empty() ? "" : " ") +
              row[path.find("/patients") == path.npos ? "0020000D" : "00100020"]["Value"][0].get<std::string>();
    return text;
  }
};

TEST_F(PagingTest, StudiesThatArriveMeanwhileRepeatNothing) {
  for (const char* const study : {"1.1", "1.2", "1.3", "1.4", "1.5"}) Store(study);
  const std::string search = "/dicom-web/studies?PatientSex=F&limit=2&offset=";
  EXPECT_EQ(Rows(search + "0"), "1.5 1.4");
  Store("1.6");
  EXPECT_EQ(Rows(search + "2"), "1.3 1.2");
  EXPECT_EQ(Rows(search + "4"), "1.1");
  EXPECT_EQ(Rows(search + "6"), "");
  EXPECT_EQ(Rows(search + "2", {"Authorization: Bearer somebody.else"}), "1.4 1.3") << "who did not begin";
  EXPECT_EQ(Rows("/dicom-web/studies?limit=2&offset=2"), "1.4 1.3") << "another search";
  EXPECT_EQ(Rows(search + "0"), "1.6 1.5") << "a beginning sees everything";
  EXPECT_EQ(Rows(search + "2"), "1.4 1.3");
}

TEST_F(PagingTest, SoDoPatients) {
  for (const char* const study : {"1.1", "1.2", "1.3"}) Store(study);
  EXPECT_EQ(Rows("/dicom-web/patients?limit=2"), "1.3 1.2");
  Store("1.4");
  EXPECT_EQ(Rows("/dicom-web/patients?limit=2&offset=2"), "1.1");
}

}  // namespace
}  // namespace hilum::dicomweb
