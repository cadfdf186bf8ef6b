// What studies, series and patients say is what the instances say that are stored now: of each attribute the first
// instance, in order of arrival, that has a value.
#include <gmock/gmock.h>

#include "storage/catalogue/catalogue.h"
#include "tests/support/instances.h"

namespace hilum::storage {
namespace {

using ::testing::ElementsAre;
using testing::InstanceSpec;
using ::testing::IsEmpty;
namespace t = dicom::tags;

class DescribeTest : public testing::StoreFixture {
 protected:
  InstanceOutcome Replace(const InstanceSpec& spec) {
    return Ingest(testing::MakeInstance(spec), {.duplicates = DuplicatePolicy::kReplace});
  }
  std::vector<std::string> Found(Level level, dicom::Tag tag, const std::string& value) {
    CatalogueQuery query{.level = level};
    query.filters.push_back({{tag}, value});
    std::vector<std::string> uids;
    for (const CatalogueMatch& match : Find(query).rows)
      uids.push_back(match.patient ? match.patient->patient_id : match.series ? match.series->uid : match.study.uid);
    return uids;
  }
  // "the study's patient / its description / the series' description / modalities"
  std::string Said(const std::string& study = "1.2.1") {
    const CatalogueReader reader = store_->Read();
    const StudyRow row = *reader.Study(**reader.FindStudy(study));
    const SeriesRow series = *reader.Series(reader.SeriesOfStudy(**reader.FindStudy(study))->front());
    std::string said(FirstValue(row.attributes, t::kPatientId));
    said.append(" / ").append(FirstValue(row.attributes, t::kStudyDescription));
    said.append(" / ").append(FirstValue(series.attributes, t::kSeriesDescription));
    for (const auto& [modality, count] : row.modalities) said += " / " + modality + " " + std::to_string(count);
    return said;
  }

  const InstanceSpec first_{.sop = "1.1",
                            .patient_name = "Wrong^Name",
                            .patient_id = "WRONG",
                            .study_description = "one",
                            .series_description = "head"};
  const InstanceSpec second_{.sop = "1.2",
                             .modality = "MR",
                             .patient_name = "Right^Name",
                             .patient_id = "RIGHT",
                             .study_description = "two",
                             .series_description = "chest"};
};

TEST_F(DescribeTest, AfterThePartialDeletionTheNextInstanceSpeaks) {
  ASSERT_TRUE(Ingest(first_).stored());
  ASSERT_TRUE(Ingest(second_).stored());
  ASSERT_EQ(Said(), "WRONG / one / head / CT 1");
  ASSERT_TRUE(store_->Delete("1.2.1", "1.2.1.1", "1.1").ok());
  EXPECT_EQ(Said(), "RIGHT / two / chest / MR 1");
  EXPECT_THAT(Found(Level::kStudy, t::kPatientId, "RIGHT"), ElementsAre("1.2.1"));
  EXPECT_THAT(Found(Level::kStudy, t::kPatientId, "WRONG"), IsEmpty());
  EXPECT_THAT(Found(Level::kSeries, t::kModality, "MR"), ElementsAre("1.2.1.1"));
  EXPECT_THAT(Found(Level::kPatient, t::kPatientName, "Right*"), ElementsAre("RIGHT"));
  EXPECT_THAT(Found(Level::kPatient, t::kPatientId, "WRONG"), IsEmpty());
  EXPECT_EQ(Findings(), "");
}

TEST_F(DescribeTest, StudiesOfOneRequestSpeakOfThePatientTogether) {
  InstanceSpec bare = first_, other = first_, last = first_;
  bare.birth_date = bare.study_description = last.birth_date = "";
  other.study = "1.2.2";
  other.series = "1.2.2.1";
  other.sop = "1.2.2.1.1";
  last.sop = "1.3";
  IngestBatch batch(*store_, {}, std::nullopt, Logger());
  for (const InstanceSpec& spec : {bare, other, last}) {
    batch.BeginInstance();
    batch.Append(testing::MakeInstance(spec));
    batch.EndInstance();
  }
  for (const InstanceOutcome& outcome : batch.Finish()) ASSERT_TRUE(outcome.stored());
  EXPECT_THAT(Found(Level::kPatient, t::kPatientBirthDate, other.birth_date), ElementsAre("WRONG"));
}

TEST_F(DescribeTest, AReplacedInstanceSpeaksAnew) {
  ASSERT_TRUE(Ingest(first_).stored());
  InstanceSpec again = second_;
  again.sop = first_.sop;
  ASSERT_EQ(Replace(again).kind, InstanceOutcome::Kind::kReplaced);
  EXPECT_EQ(Said(), "RIGHT / two / chest / MR 1");
  EXPECT_THAT(Found(Level::kStudy, t::kStudyDescription, "two"), ElementsAre("1.2.1"));
  EXPECT_THAT(Found(Level::kStudy, t::kStudyDescription, "one"), IsEmpty());
  EXPECT_THAT(Found(Level::kPatient, t::kPatientId, "*"), ElementsAre("RIGHT"));
  EXPECT_EQ(Findings(), "");
}

TEST_F(DescribeTest, OthersThanTheFirstChangeNothingButWhatTheyAloneSay) {
  InstanceSpec bare = first_;
  bare.study_description = "";
  ASSERT_TRUE(Ingest(bare).stored());
  ASSERT_TRUE(Ingest(second_).stored());
  InstanceSpec third = second_;
  third.sop = "1.3";
  third.study_description = "three";
  ASSERT_TRUE(Ingest(third).stored());
  EXPECT_EQ(Said(), "WRONG / two / head / CT 1") << "gaps are filled by the first that can";
  ASSERT_TRUE(store_->Delete("1.2.1", "1.2.1.1", "1.2").ok());
  EXPECT_EQ(Said(), "WRONG / three / head / CT 1");
  third.study_description = "";
  ASSERT_TRUE(Replace(third).stored());
  EXPECT_EQ(Said(), "WRONG /  / head / CT 1");
  InstanceSpec late = bare;
  late.study_description = "late";
  ASSERT_TRUE(Replace(late).stored());
  EXPECT_EQ(Said(), "WRONG / late / head / CT 1");
  EXPECT_EQ(Findings(), "");
}

TEST_F(DescribeTest, AnEarlierInstanceThatIsReplacedComesBeforeALaterOne) {
  InstanceSpec bare = first_, also_bare = second_, third = second_;
  bare.study_description = also_bare.study_description = "";
  third.sop = "1.3";
  for (const InstanceSpec& spec : {bare, also_bare, third}) ASSERT_TRUE(Ingest(spec).stored());
  ASSERT_EQ(Said(), "WRONG / two / head / CT 1");
  also_bare.study_description = "between";
  ASSERT_TRUE(Replace(also_bare).stored());
  EXPECT_EQ(Said(), "WRONG / between / head / CT 1");
  EXPECT_EQ(Findings(), "");
}

TEST_F(DescribeTest, ThePatientIsCalledAsTheFirstStudyThatIsLeftSays) {
  const InstanceSpec one{.study = "1.1", .series = "1.1.1", .sop = "1.1.1.1", .patient_name = "Old^Name"};
  const InstanceSpec two{.study = "1.2", .series = "1.2.1", .sop = "1.2.1.1", .patient_name = "New^Name"};
  ASSERT_TRUE(Ingest(one).stored());
  ASSERT_TRUE(Ingest(two).stored());
  EXPECT_THAT(Found(Level::kPatient, t::kPatientName, "Old*"), ElementsAre("P1"));
  ASSERT_TRUE(store_->Delete("1.1", std::nullopt, std::nullopt).ok());
  EXPECT_THAT(Found(Level::kPatient, t::kPatientName, "New*"), ElementsAre("P1"));
  InstanceSpec again = two;
  again.patient_name = "Newest^Name";
  ASSERT_TRUE(Replace(again).stored());
  EXPECT_THAT(Found(Level::kPatient, t::kPatientName, "Newest*"), ElementsAre("P1"));
  EXPECT_EQ(Findings(), "");
}

// Of several instances in one commit, none of which a snapshot has.
TEST_F(DescribeTest, HoldsWithinOneTransactionToo) {
  ASSERT_TRUE(Ingest(first_).stored());
  const auto objects = [&](const InstanceSpec& spec) {
    ObjectBuffer buffer(1 << 20);
    buffer.Append(testing::MakeInstance(spec));
    NewInstance instance;
    instance.table = store_->attributes().Current();
    instance.header = *dicom::ReadHeader(buffer.body(), instance.table->selection(), {});
    instance.object = *store_->objects().Put(spec.sop, buffer);
    return instance;
  };
  const NewInstance next = objects(second_);
  ASSERT_TRUE(store_->objects().Sync(std::vector<ObjectRef>{next.object}).ok());
  const auto change = [&](CatalogueTxn& catalogue) -> Status {
    HILUM_RETURN_IF_ERROR(catalogue.Put(next, std::nullopt).status());
    return catalogue.Delete({"1.2.1", "1.2.1.1", "1.1"});
  };
  ASSERT_TRUE(store_->ChangeCatalogue(change).ok());
  EXPECT_EQ(Said(), "RIGHT / two / chest / MR 1");
  EXPECT_EQ(Findings(), "");
}

// Rows as a release left them that did not know where their attributes came from.
class FormerRelease : public DescribeTest {
 protected:
  template <typename Row>
  void Rewrite(Level level, std::optional<Row> (*decode)(Bytes), const std::function<void(Row*)>& change) {
    const auto rewrite = [&](Txn& txn) -> Status {
      const std::string key = RowKey(Tenant::kDefault, level, 0);
      HILUM_ASSIGN_OR_RETURN(const auto bytes, txn.Get(Family::kCatalogue, key));
      const Row before = *decode(*bytes);
      Row after = before;
      change(&after);
      txn.Put(Family::kCatalogue, key, Encode(after));
      const DocumentValues old_values = IndexValues(*AttributeTable::BuiltIn(), before);
      const DocumentValues new_values = IndexValues(*AttributeTable::BuiltIn(), after);
      return IndexWriter(store_->schema(), Tenant::kDefault)
          .Update(txn, CollectionOf(level), 0, &old_values, &new_values);
    };
    ASSERT_TRUE(store_->writer().Run(rewrite).ok());
  }
  void ForgetSources() {
    Rewrite<StudyRow>(Level::kStudy, DecodeStudy, [](StudyRow* row) { row->sources.reset(); });
    Rewrite<SeriesRow>(Level::kSeries, DecodeSeries, [](SeriesRow* row) { row->sources.reset(); });
  }
};

TEST_F(FormerRelease, RowsAreReadAndDescribedAnew) {
  ASSERT_TRUE(Ingest(first_).stored());
  ForgetSources();
  ASSERT_TRUE(Ingest(second_).stored());
  EXPECT_EQ(Findings(), "");
  ASSERT_TRUE(store_->Delete("1.2.1", "1.2.1.1", "1.1").ok());
  EXPECT_EQ(Said(), "RIGHT / two / chest / MR 1");
  EXPECT_EQ(Findings(), "");
}

TEST_F(FormerRelease, VerifyFindsARowThatNoStoredInstanceBacks) {
  ASSERT_TRUE(Ingest(second_).stored());
  const auto say = [](auto* row, dicom::Tag tag) {
    const auto found = std::ranges::find(row->attributes, dicom::TagPath{tag}, &KeptAttribute::path);
    found->values = {"left behind"};
  };
  Rewrite<SeriesRow>(Level::kSeries, DecodeSeries, [&](SeriesRow* row) { say(row, t::kSeriesDescription); });
  EXPECT_THAT(Findings(), ::testing::HasSubstr("series 1.2.1.1 says something else than its instances"));
  ForgetSources();
  EXPECT_THAT(Findings(), ::testing::HasSubstr("series 1.2.1.1 says something else than its instances"));
  Rewrite<StudyRow>(Level::kStudy, DecodeStudy, [&](StudyRow* row) { row->sources = {7}; });
  EXPECT_THAT(Findings(), ::testing::HasSubstr("study 1.2.1 says what no instance does"));
}

}  // namespace
}  // namespace hilum::storage
