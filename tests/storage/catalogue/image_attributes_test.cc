// Attributes of images may differ within a series: searches find each instance by its own, in whatever order they come.
#include <gmock/gmock.h>

#include <map>
#include <random>

#include "storage/catalogue/catalogue.h"
#include "storage/catalogue/extended_tags.h"
#include "tests/support/instances.h"

namespace hilum::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
constexpr dicom::Tag kSliceThickness{0x0018, 0x0050}, kKernel{0x0018, 0x1210};

class ImageAttributesTest : public testing::StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    // As a server notes at its first start, so that every instance is compared with its image.
    const auto note = [](Txn& txn) {
      PutAttributeGeneration(txn, Tenant::kDefault, kAttributeGeneration);
      return Status::Ok();
    };
    ASSERT_TRUE(store_->writer().Run(note).ok());
  }
  void TearDown() override { EXPECT_EQ(Findings(), ""); }

  // No value: the instance lacks the attribute.
  void Store(int number, const std::string& thickness, const std::string& kernel = "") {
    const std::string sop_class = "1.2.840.10008.5.1.4.1.1.2", sop = "1.2.1.1." + std::to_string(number);
    dicom::Part10Writer out(sop_class, sop);
    out.Add(dicom::tags::kSopClassUid, "UI", sop_class);
    out.Add(dicom::tags::kSopInstanceUid, "UI", sop);
    if (!thickness.empty()) out.Add(kSliceThickness, "DS", thickness);
    if (!kernel.empty()) out.Add(kKernel, "SH", kernel);
    out.Add(dicom::tags::kStudyInstanceUid, "UI", "1.2.1");
    out.Add(dicom::tags::kSeriesInstanceUid, "UI", "1.2.1.1");
    ASSERT_TRUE(Ingest(out.Take(), {.duplicates = DuplicatePolicy::kReplace}).stored());
  }
  void Delete(int number) { ASSERT_TRUE(store_->Delete("1.2.1", "1.2.1.1", "1.2.1.1." + std::to_string(number)).ok()); }
  // Last components of UIDs.
  std::vector<int> Found(const std::string& value, Level level = Level::kInstance, dicom::Tag tag = kSliceThickness) {
    CatalogueQuery query{.level = level};
    query.filters.push_back({{tag}, value});
    std::vector<int> found;
    for (const CatalogueMatch& match : Find(query).rows) {
      const std::string& uid = match.instance ? match.instance->uid : match.series->uid;
      found.push_back(std::stoi(uid.substr(uid.rfind('.') + 1)));
    }
    return found;
  }
  bool InSeries(const std::string& value) { return !Found(value, Level::kSeries).empty(); }
  size_t IndexValuesOf(int number) {
    const CatalogueReader reader = store_->Read();
    const auto doc = reader.FindInstance({"1.2.1", "1.2.1.1", "1.2.1.1." + std::to_string(number)});
    return IndexValues(reader.table(), *reader.Instance(**doc)).entries.size();
  }
};

TEST_F(ImageAttributesTest, TheOrderOfArrivalDoesNotMatter) {
  Store(1, "5");
  Store(2, "1");
  EXPECT_THAT(Found("1"), ElementsAre(2));
  EXPECT_THAT(Found("5"), ElementsAre(1));
  EXPECT_THAT(Found("0.5-6"), ElementsAre(1, 2));
  EXPECT_TRUE(InSeries("1") && InSeries("5") && InSeries("*-1.5"));
  EXPECT_FALSE(InSeries("2"));
}

TEST_F(ImageAttributesTest, InstancesAlikeCostTheIndexNothing) {
  Store(1, "1", "B30");
  Store(2, "1", "B30");
  Store(3, "1", "B70");
  EXPECT_EQ(IndexValuesOf(2), IndexValuesOf(1));
  EXPECT_EQ(IndexValuesOf(3), IndexValuesOf(1) + 1);
  EXPECT_THAT(Found("1"), ElementsAre(1, 2, 3));
  EXPECT_THAT(Found("b70", Level::kInstance, kKernel), ElementsAre(3));
  EXPECT_THAT(Found("B30", Level::kInstance, kKernel), ElementsAre(1, 2));
}

TEST_F(ImageAttributesTest, InstancesWithoutAValueAreFoundByNone) {
  Store(1, "");
  Store(2, "1");
  Store(3, "steep");
  EXPECT_THAT(Found("1"), ElementsAre(2));
  Delete(1);
  Delete(2);
  Delete(3);
  Store(4, "1");
  Store(5, "");
  Store(6, "steep");
  EXPECT_THAT(Found("1"), ElementsAre(4));
  EXPECT_THAT(Found("0-100"), ElementsAre(4));
}

TEST_F(ImageAttributesTest, ValuesGoWithTheLastInstanceThatHasThem) {
  Store(1, "5");
  Store(2, "1");
  Store(3, "1");
  Delete(1);
  EXPECT_FALSE(InSeries("5"));
  EXPECT_TRUE(InSeries("1"));
  Store(4, "3");
  EXPECT_THAT(Found("3"), ElementsAre(4));
  Store(2, "3");  // replaced
  EXPECT_THAT(Found("3"), ElementsAre(2, 4));
  EXPECT_THAT(Found("1"), ElementsAre(3));
  Store(3, "3");
  EXPECT_FALSE(InSeries("1"));
  EXPECT_THAT(Found("3"), ElementsAre(2, 3, 4));
}

TEST_F(ImageAttributesTest, AValueThatTheSeriesTakesOverIsSound) {
  Store(1, "1", "B30");
  Store(2, "2");
  Store(1, "2");  // replaced: now all are alike
  EXPECT_EQ(Findings(), "");
  EXPECT_THAT(Found("2"), ElementsAre(1, 2));
  EXPECT_FALSE(InSeries("1"));
}

TEST_F(ImageAttributesTest, AnInstanceThatSaysAnotherValueThanItsImageIsNot) {
  Store(1, "1");
  Store(2, "2");
  const CatalogueReader reader = store_->Read();
  const Doc doc = *reader.FindInstance({"1.2.1", "1.2.1.1", "1.2.1.1.2"}).value();
  const InstanceRow sound = reader.Instance(doc).value();
  const auto put = [&](const InstanceRow& row) {
    const auto run = [&](Txn& txn) {
      txn.Put(Family::kCatalogue, RowKey(Tenant::kDefault, Level::kInstance, doc), Encode(row));
      return Status::Ok();
    };
    EXPECT_TRUE(store_->writer().Run(run).ok());
  };
  for (const std::vector<std::string>& values : {std::vector<std::string>{"1"}, {"3"}, {}}) {
    InstanceRow row = sound;
    row.own.front().values = values;
    put(row);
    EXPECT_THAT(Findings(), HasSubstr("says something else of its image")) << values.size();
  }
  put(sound);
}

TEST_F(ImageAttributesTest, AnyInterleavingIsFoundAsBruteForceFindsIt) {
  std::map<int, std::string> stored;
  const std::vector<std::string> values = {"", "1", "5", "0.75"};
  std::mt19937 dice(17);
  const auto pick = [&](size_t below) { return dice() % below; };
  for (int step = 0; step < 120; ++step) {
    const int number = static_cast<int>(1 + pick(6));
    if (pick(3) == 0 && stored.contains(number)) {
      Delete(number);
      stored.erase(number);
    } else {
      stored[number] = values[pick(values.size())];
      Store(number, stored[number]);
    }
    for (const std::string value : {"1", "5", "0.75"}) {
      std::vector<int> expected;
      for (const auto& [other, thickness] : stored)
        if (thickness == value) expected.push_back(other);
      ASSERT_THAT(Found(value), ::testing::UnorderedElementsAreArray(expected)) << step;
      ASSERT_EQ(InSeries(value), !expected.empty()) << step;
    }
    if (step % 4 == 0) {
      ASSERT_EQ(Findings(), "");
    }
  }
}

}  // namespace
}  // namespace hilum::storage
