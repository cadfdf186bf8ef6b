// Extended query tags over a real store: what is stored already and what arrives is found by them, whatever happens in
// between.
#include "storage/store/extended_tags.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>
#include <thread>

#include "storage/catalogue/attribute_values.h"
#include "tests/support/instances.h"

namespace hilum::storage {
namespace {

using dicom::Tag;
using dicom::TagPath;
using dicom::Vr;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
namespace t = dicom::tags;

constexpr Tag kGantryTilt{0x0018, 0x1120}, kAcquisitionDateTime{0x0008, 0x002A}, kOperators{0x0008, 0x1070};
constexpr Tag kPrivate{0x0029, 0x1008};

// An instance with further elements, in ascending order of tags.
std::string Instance(const std::string& study, const std::string& series, const std::string& sop,
                     const std::vector<std::tuple<Tag, Vr, std::string>>& elements) {
  dicom::Part10Writer out("1.2.840.10008.5.1.4.1.1.2", sop);
  std::map<Tag, std::pair<Vr, std::string>> all = {{t::kSopClassUid, {"UI", "1.2.840.10008.5.1.4.1.1.2"}},
                                                   {t::kSopInstanceUid, {"UI", sop}},
                                                   {t::kModality, {"CS", "CT"}},
                                                   {t::kPatientId, {"LO", "P1"}},
                                                   {t::kStudyInstanceUid, {"UI", study}},
                                                   {t::kSeriesInstanceUid, {"UI", series}}};
  for (const auto& [tag, vr, value] : elements) all[tag] = {vr, value};
  for (const auto& [tag, element] : all) out.Add(tag, element.first, element.second);
  return out.Take();
}

class ExtendedTagsTest : public testing::StoreFixture {
 protected:
  void SetUp() override {
    StoreFixture::SetUp();
    Start();
  }
  void TearDown() override { tags_.reset(); }
  void Start() { tags_ = std::make_unique<ExtendedTags>(*store_, clock_, random_, metrics_, Logger()); }

  void Store(const std::string& part10) { ASSERT_TRUE(Ingest(part10).stored()); }
  // One instance in a series and study of its own: study 1.<n>, series 1.<n>.1, instance 1.<n>.1.1.
  void StoreOne(int n, const std::vector<std::tuple<Tag, Vr, std::string>>& elements) {
    const std::string study = "1." + std::to_string(n);
    Store(Instance(study, study + ".1", study + ".1.1", elements));
  }
  void Add(const std::vector<NewTag>& tags) {
    const auto operation = tags_->Add(tags);
    ASSERT_TRUE(operation.ok()) << operation.status().ToString();
    ASSERT_TRUE(tags_->WaitUntilIdle(std::chrono::seconds(20)));
    const auto done = tags_->Operation(operation->id);
    ASSERT_TRUE(done.ok());
    EXPECT_EQ(done->status, OperationStatus::kCompleted);
    EXPECT_EQ(done->percent(), 100u);
  }
  std::vector<std::string> Find(const TagPath& path, const std::string& value, Level level = Level::kInstance) {
    if (!store_->Read().table().FindSearchable(level, path)) return {"(not searchable)"};
    CatalogueQuery query;
    query.level = level;
    query.limit = 1000;
    query.filters.push_back({path, value});
    std::vector<std::string> uids;
    for (const CatalogueMatch& match : StoreFixture::Find(query).rows)
      uids.push_back(match.instance ? match.instance->uid : match.series ? match.series->uid : match.study.uid);
    return uids;
  }
  Bitmap Present(Level level, FieldId field) {
    CatalogueReader reader = store_->Read();
    auto found = reader.index().Evaluate(CollectionOf(level), Query{storage::Present{field}});
    EXPECT_TRUE(found.ok());
    return found.ok() ? *std::move(found) : Bitmap();
  }

  Registry metrics_;
  std::unique_ptr<ExtendedTags> tags_;
};

TEST_F(ExtendedTagsTest, StoredInstancesAndThoseThatArriveAreFound) {
  StoreOne(1, {{kGantryTilt, "DS", "-7.5"}});
  StoreOne(2, {});
  EXPECT_THAT(Find({kGantryTilt}, "-7.5"), ElementsAre("(not searchable)"));
  Add({{.path = {kGantryTilt}}});
  StoreOne(3, {{kGantryTilt, "DS", "-07.50"}});
  StoreOne(4, {{kGantryTilt, "DS", "12"}});
  EXPECT_THAT(Find({kGantryTilt}, "-7.5"), ElementsAre("1.1.1.1", "1.3.1.1"));
  EXPECT_THAT(Find({kGantryTilt}, "*-0"), ElementsAre("1.1.1.1", "1.3.1.1"));
  EXPECT_THAT(Find({kGantryTilt}, "-8-20"), ElementsAre("1.1.1.1", "1.3.1.1", "1.4.1.1"));
  EXPECT_THAT(Find({kGantryTilt}, "0-"), ElementsAre("1.4.1.1"));
  EXPECT_THAT(Find({kGantryTilt}, "12\\-7.5"), ElementsAre("1.1.1.1", "1.3.1.1", "1.4.1.1"));
  EXPECT_EQ(Findings(), "");
}

TEST_F(ExtendedTagsTest, ValuesOfSeriesAndStudyAreThoseOfTheFirstInstanceThatHasOne) {
  Store(Instance("1.1", "1.1.1", "1.1.1.1", {}));
  Store(Instance("1.1", "1.1.1", "1.1.1.2", {{kOperators, "PN", "Roe^Richard"}}));
  Store(Instance("1.1", "1.1.1", "1.1.1.3", {{kOperators, "PN", "Doe^Jane"}}));
  Add({{.path = {kOperators}, .level = Level::kSeries}, {.path = {kAcquisitionDateTime}, .level = Level::kStudy}});
  EXPECT_THAT(Find({kOperators}, "roe*", Level::kSeries), ElementsAre("1.1.1"));
  EXPECT_THAT(Find({kOperators}, "doe*", Level::kSeries), IsEmpty());
  Store(Instance("1.1", "1.1.2", "1.1.2.1", {{kAcquisitionDateTime, "DT", "20260301120000+0100"}}));
  EXPECT_THAT(Find({kAcquisitionDateTime}, "20260301-20260302", Level::kStudy), ElementsAre("1.1"));
  EXPECT_THAT(Find({kAcquisitionDateTime}, "2026030111-2026030111", Level::kStudy), ElementsAre("1.1"));
  EXPECT_THAT(Find({kAcquisitionDateTime}, "20260301120000+0100", Level::kStudy), ElementsAre("1.1"));
  EXPECT_THAT(Find({kAcquisitionDateTime}, "20260301120000-0500", Level::kStudy), IsEmpty());
  EXPECT_THAT(Find({kAcquisitionDateTime}, "-2025", Level::kStudy), IsEmpty());
}

TEST_F(ExtendedTagsTest, FindsBySequencePathAndByPrivateCreator) {
  StoreOne(1, {{Tag(0x0029, 0x0011), "LO", "ACME 1.1"}, {Tag(0x0029, 0x1108), "CS", "Axial"}});
  StoreOne(2, {{Tag(0x0029, 0x0010), "LO", "OTHER"}, {kPrivate, "CS", "Axial"}});
  Add({{.path = {kPrivate}, .vr = Vr("CS"), .private_creator = "ACME 1.1"},
       {.path = {t::kRequestAttributesSequence, Tag(0x0032, 0x1060)}, .level = Level::kSeries}});
  EXPECT_THAT(Find({kPrivate}, "AXIAL"), ElementsAre("1.1.1.1"));
  EXPECT_THAT(Find({t::kRequestAttributesSequence, Tag(0x0032, 0x1060)}, "x", Level::kSeries), IsEmpty());
}

TEST_F(ExtendedTagsTest, RefusesWhatCannotBeATag) {
  const auto refusal = [&](const NewTag& tag) { return tags_->Add({tag}).status().ToString(); };
  EXPECT_THAT(refusal({.path = {}}), ::testing::HasSubstr("invalid"));
  EXPECT_THAT(refusal({.path = {t::kPixelData}}), ::testing::HasSubstr("invalid"));
  EXPECT_THAT(refusal({.path = {t::kRequestAttributesSequence}}), ::testing::HasSubstr("cannot be indexed"));
  EXPECT_THAT(refusal({.path = {t::kModality, kGantryTilt}}), ::testing::HasSubstr("no sequence"));
  EXPECT_THAT(refusal({.path = {kPrivate}, .vr = Vr("CS")}), ::testing::HasSubstr("private creator"));
  EXPECT_THAT(refusal({.path = {kPrivate}, .private_creator = "ACME"}), ::testing::HasSubstr("name its VR"));
  EXPECT_THAT(refusal({.path = {kGantryTilt}, .private_creator = "ACME"}), ::testing::HasSubstr("private creator"));
  EXPECT_THAT(refusal({.path = {kGantryTilt}, .vr = Vr("LO")}), ::testing::HasSubstr("has the VR DS"));
  EXPECT_THAT(refusal({.path = {t::kModality}, .level = Level::kSeries}), ::testing::HasSubstr("conflict"));
  Add({{.path = {kGantryTilt}}});
  EXPECT_THAT(refusal({.path = {kGantryTilt}, .level = Level::kStudy}), ::testing::HasSubstr("conflict"));
  EXPECT_EQ(tags_->Get({kOperators}).status().code(), Code::kNotFound);
  EXPECT_EQ(tags_->Remove({kOperators}).code(), Code::kNotFound);
}

TEST_F(ExtendedTagsTest, ListsInstancesThatCannotBeIndexedAndDisablesTheTagUntilSomebodySaysOtherwise) {
  StoreOne(1, {{kGantryTilt, "DS", "steep"}});
  StoreOne(2, {{kGantryTilt, "DS", "3"}});
  Add({{.path = {kGantryTilt}}});
  const auto tag = tags_->Get({kGantryTilt});
  ASSERT_TRUE(tag.ok());
  EXPECT_EQ(tag->status, TagStatus::kReady);
  EXPECT_FALSE(tag->enabled);
  EXPECT_EQ(tag->errors, 1u);
  const auto errors = tags_->Errors({kGantryTilt}, 0, 10);
  ASSERT_TRUE(errors.ok());
  ASSERT_EQ(errors->size(), 1u);
  EXPECT_EQ(errors->front().name.sop_uid, "1.1.1.1");
  EXPECT_EQ(errors->front().message, "the value is none of VR DS") << "and not the value itself";
  EXPECT_THAT(Find({kGantryTilt}, "3"), ElementsAre("(not searchable)"));
  ASSERT_TRUE(tags_->SetEnabled({kGantryTilt}, true).ok());
  EXPECT_THAT(Find({kGantryTilt}, "3"), ElementsAre("1.2.1.1"));
}

TEST_F(ExtendedTagsTest, AnInstanceThatIsDeletedOrReplacedIsNoErrorAnyMore) {
  const auto errors = [&] {
    std::vector<std::string> uids;
    const auto listed = tags_->Errors({kGantryTilt}, 0, 10);
    EXPECT_TRUE(listed.ok());
    for (const TagError& error : *listed) uids.push_back(error.name.sop_uid);
    EXPECT_EQ(tags_->Get({kGantryTilt})->errors, uids.size());
    return uids;
  };
  const auto with = [](const std::string& sop, const std::string& value) {
    return Instance("1.1", "1.1.1", sop, {{kGantryTilt, "DS", value}});
  };
  for (const char* sop : {"1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"}) Store(with(sop, "steep"));
  Store(with("1.1.1.5", "3"));
  Add({{.path = {kGantryTilt}}});
  EXPECT_THAT(errors(), ElementsAre("1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"));
  ASSERT_TRUE(store_->Delete("1.1", "1.1.1", "1.1.1.1").ok());
  EXPECT_THAT(errors(), ElementsAre("1.1.1.2", "1.1.1.3", "1.1.1.4"));
  ASSERT_TRUE(Ingest(with("1.1.1.2", "77"), {.duplicates = DuplicatePolicy::kReplace}).stored());
  ASSERT_TRUE(store_->Delete("1.1", "1.1.1", "1.1.1.5").ok()) << "which was good";
  EXPECT_THAT(errors(), ElementsAre("1.1.1.3", "1.1.1.4"));
  EXPECT_FALSE(tags_->Get({kGantryTilt})->enabled) << "somebody looks at it first";
  ASSERT_TRUE(tags_->SetEnabled({kGantryTilt}, true).ok());
  EXPECT_THAT(Find({kGantryTilt}, "77"), ElementsAre("1.1.1.2"));
  ASSERT_TRUE(store_->Delete("1.1", std::nullopt, std::nullopt).ok());
  EXPECT_THAT(errors(), IsEmpty());
  Store(with("1.1.1.1", "5"));
  ASSERT_TRUE(store_->Delete("1.1", std::nullopt, std::nullopt).ok());
  EXPECT_THAT(errors(), IsEmpty());
}

// Deletions while the tag is being added, in whatever order the two come.
TEST_F(ExtendedTagsTest, OnlyWhatIsThereIsAnErrorWhenItIsDeletedMeanwhile) {
  constexpr int kStudies = 120;
  for (int n = 1; n <= kStudies; ++n) StoreOne(n, {{kGantryTilt, "DS", "steep"}});
  const auto added = tags_->Add({{.path = {kGantryTilt}}});
  ASSERT_TRUE(added.ok());
  for (int n = kStudies; n > kStudies / 2; --n)
    ASSERT_TRUE(store_->Delete("1." + std::to_string(n), std::nullopt, std::nullopt).ok());
  ASSERT_TRUE(tags_->WaitUntilIdle(std::chrono::seconds(20)));
  EXPECT_EQ(tags_->Get({kGantryTilt})->errors, kStudies / 2u);
  EXPECT_EQ(tags_->Errors({kGantryTilt}, 0, kStudies)->size(), kStudies / 2u);
}

TEST_F(ExtendedTagsTest, RemovingTakesEveryValueOutAndTheTagCanComeAgainAtAnotherLevel) {
  StoreOne(1, {{kGantryTilt, "DS", "3"}});
  Add({{.path = {kGantryTilt}}});
  const FieldId field = store_->attributes().Current()->Find(Level::kInstance, {kGantryTilt})->field;
  EXPECT_EQ(Present(Level::kInstance, field).Count(), 1u);
  ASSERT_TRUE(tags_->Remove({kGantryTilt}).ok());
  ASSERT_TRUE(tags_->WaitUntilIdle(std::chrono::seconds(20)));
  EXPECT_EQ(tags_->Get({kGantryTilt}).status().code(), Code::kNotFound);
  EXPECT_EQ(Present(Level::kInstance, field).Count(), 0u);
  StoreOne(2, {{kGantryTilt, "DS", "3"}});
  EXPECT_EQ(Present(Level::kInstance, field).Count(), 0u);
  Add({{.path = {kGantryTilt}, .level = Level::kSeries}});
  EXPECT_THAT(Find({kGantryTilt}, "3", Level::kSeries), ElementsAre("1.1.1", "1.2.1"));
  EXPECT_EQ(Findings(), "");
}

TEST_F(ExtendedTagsTest, GoesOnAfterARestart) {
  for (int i = 1; i <= 300; ++i) StoreOne(i, {{kGantryTilt, "DS", std::to_string(i % 7)}});
  const auto operation = tags_->Add({{.path = {kGantryTilt}}});
  ASSERT_TRUE(operation.ok());
  tags_.reset();  // wherever it is
  Reopen();
  StoreOne(301, {{kGantryTilt, "DS", "3"}});
  Start();
  ASSERT_TRUE(tags_->WaitUntilIdle(std::chrono::seconds(20)));
  EXPECT_EQ(tags_->Operation(operation->id)->status, OperationStatus::kCompleted);
  const FieldId field = store_->attributes().Current()->Find(Level::kInstance, {kGantryTilt})->field;
  EXPECT_EQ(Present(Level::kInstance, field).Count(), 301u);
}

TEST_F(ExtendedTagsTest, MissesNothingThatArrivesWhileATagIsAdded) {
  std::atomic<bool> stop = false;
  std::atomic<int> next = 1;
  std::vector<std::thread> clients;
  for (int c = 0; c < 3; ++c)
    clients.emplace_back([&] {
      while (!stop) {
        const std::string study = "1." + std::to_string(next++);
        EXPECT_TRUE(Ingest(Instance(study, study + ".1", study + ".1.1", {{kGantryTilt, "DS", "5"}})).stored());
      }
    });
  while (next < 30) std::this_thread::yield();
  const auto added = tags_->Add({{.path = {kGantryTilt}}});
  while (next < 90) std::this_thread::yield();
  stop = true;
  for (std::thread& client : clients) client.join();
  ASSERT_TRUE(added.ok());
  ASSERT_TRUE(tags_->WaitUntilIdle(std::chrono::seconds(20)));
  const FieldId field = store_->attributes().Current()->Find(Level::kInstance, {kGantryTilt})->field;
  EXPECT_EQ(Present(Level::kInstance, field).Count(), static_cast<uint64_t>(next - 1));
}

TEST_F(ExtendedTagsTest, AStoreOfAnOlderVersionGetsWhatIsBuiltInNow) {
  StoreOne(1, {{Tag(0x0018, 0x0050), "DS", "1.25"}});
  ASSERT_TRUE(tags_->WaitUntilIdle(std::chrono::seconds(20)));
  // As an older version would have left it.
  const auto forget = [&](Txn& txn) -> Status {
    HILUM_RETURN_IF_ERROR(CatalogueWriter(store_->schema(), store_->attributes(), Tenant::kDefault, clock_,
                                          store_->kv(), store_->objects())
                              .Strip(txn, Level::kSeries, 0, {{Tag(0x0018, 0x0050)}}));
    PutAttributeGeneration(txn, Tenant::kDefault, 1);
    return Status::Ok();
  };
  ASSERT_TRUE(store_->writer().Run(forget).ok());
  EXPECT_THAT(Find({Tag(0x0018, 0x0050)}, "1-1.3", Level::kSeries), IsEmpty());
  tags_.reset();
  Start();
  ASSERT_TRUE(tags_->WaitUntilIdle(std::chrono::seconds(20)));
  EXPECT_THAT(Find({Tag(0x0018, 0x0050)}, "1-1.3", Level::kSeries), ElementsAre("1.1.1"));
  EXPECT_EQ(ReadOperations(store_->kv(), Tenant::kDefault)->size(), 1u);
}

// Against plain comparison of the values.
TEST_F(ExtendedTagsTest, RangesOfNumbersAndPointsInTimeEqualBruteForce) {
  std::mt19937 dice(7);
  std::vector<std::pair<std::string, std::string>> values;  // number, point in time
  for (int i = 1; i <= 120; ++i) {
    const double number = static_cast<int>(dice() % 4001) / 100.0 - 20;
    char text[32], time[32];
    std::snprintf(text, sizeof(text), "%.2f", number);
    std::snprintf(time, sizeof(time), "2026%02d%02d%02d30", static_cast<int>(dice() % 12 + 1),
                  static_cast<int>(dice() % 28 + 1), static_cast<int>(dice() % 24));
    values.emplace_back(text, time);
    StoreOne(i, {{kGantryTilt, "DS", text}, {kAcquisitionDateTime, "DT", time}});
  }
  Add({{.path = {kGantryTilt}}, {.path = {kAcquisitionDateTime}}});
  for (int round = 0; round < 60; ++round) {
    const auto& [a, when] = values[dice() % values.size()];
    const auto& [b, then] = values[dice() % values.size()];
    const double low = std::min(*ParseNumber(a), *ParseNumber(b)), high = std::max(*ParseNumber(a), *ParseNumber(b));
    const std::string first = std::min(when, then), last = std::max(when, then).substr(0, 8);
    std::vector<std::string> by_number, by_time;
    for (size_t i = 0; i < values.size(); ++i) {
      const std::string uid = "1." + std::to_string(i + 1) + ".1.1";
      if (const double value = *ParseNumber(values[i].first); value >= low && value <= high) by_number.push_back(uid);
      if (values[i].second >= first && values[i].second.substr(0, 8) <= last) by_time.push_back(uid);
    }
    EXPECT_EQ(Find({kGantryTilt}, *ParseNumber(a) <= *ParseNumber(b) ? a + "-" + b : b + "-" + a), by_number);
    EXPECT_EQ(Find({kAcquisitionDateTime}, first + "-" + last), by_time);
  }
}

}  // namespace
}  // namespace hilum::storage
