// The catalogue over a real store: what is put is found, counted, matched and deleted.
#include "storage/catalogue/catalogue.h"

#include <gmock/gmock.h>

#include <chrono>
#include <future>
#include <set>

#include "storage/log/change_log.h"
#include "storage/object/format.h"
#include "tests/support/instances.h"

namespace hilum::storage {
namespace {

using ::testing::ElementsAre;
using testing::InstanceSpec;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
namespace t = dicom::tags;

class CatalogueTest : public testing::StoreFixture {
 protected:
  std::vector<std::string> Studies(dicom::TagPath path, const std::string& value, bool fuzzy = false) {
    CatalogueQuery query;
    query.filters.push_back({std::move(path), value});
    query.fuzzy_names = fuzzy;
    std::vector<std::string> uids;
    for (const CatalogueMatch& match : Find(query).rows) uids.push_back(match.study.uid);
    return uids;
  }
  ObjectRef RefOf(const InstanceName& name) {
    const CatalogueReader reader = store_->Read();
    const auto doc = reader.FindInstance(name);
    EXPECT_TRUE(doc.ok() && *doc);
    const auto row = reader.Instance(doc.value().value_or(0));
    EXPECT_TRUE(row.ok()) << row.status().ToString();
    return row.ok() ? row->object : ObjectRef();
  }
  void DamageBody(const ObjectRef& ref) {
    const auto location = store_->objects().Locate(ref);
    ASSERT_TRUE(location.ok()) << location.status().ToString();
    const std::string name = "00000" + std::to_string(ref.segment) + ".seg";
    const auto file = disk_.Open(directory_.path() + "/data/objects/" + name, OpenMode::kReadWrite);
    ASSERT_TRUE(file.ok()) << file.status().ToString();
    ASSERT_TRUE((*file)->WriteAt(location->offset + ref.length / 2, "damage").ok());
  }
  void IngestThreeStudies() {
    InstanceSpec a{.study = "1.1",
                   .series = "1.1.1",
                   .sop = "1.1.1.1",
                   .patient_name = "Müller^Jürgen",
                   .patient_id = "MRN-1",
                   .study_date = "20240115",
                   .accession = "ACC1",
                   .study_description = "CT Head"};
    InstanceSpec b{.study = "1.2",
                   .series = "1.2.1",
                   .sop = "1.2.1.1",
                   .modality = "MR",
                   .patient_name = "Doe^Jane",
                   .patient_id = "MRN-2",
                   .study_date = "20240220",
                   .study_time = "235959.5",
                   .accession = "ACC2",
                   .study_description = "MR Knee"};
    InstanceSpec c{.study = "1.3",
                   .series = "1.3.1",
                   .sop = "1.3.1.1",
                   .patient_name = "Doe^John",
                   .patient_id = "mrn-3",
                   .study_date = "20250101",
                   .accession = "",
                   .study_description = "CT Thorax"};
    for (const InstanceSpec& spec : {a, b, c}) ASSERT_TRUE(Ingest(spec).stored());
  }
};

TEST_F(CatalogueTest, CountsSeriesAndInstancesAsTheyArrive) {
  for (int series = 1; series <= 2; ++series)
    for (int i = 1; i <= 3; ++i)
      ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.5",
                                      .series = "1.5." + std::to_string(series),
                                      .sop = "1.5." + std::to_string(series) + "." + std::to_string(i),
                                      .modality = series == 1 ? "CT" : "SR"})
                      .stored());
  const auto studies = Find({});
  ASSERT_EQ(studies.rows.size(), 1u);
  EXPECT_EQ(studies.rows[0].study.series, 2u);
  EXPECT_EQ(studies.rows[0].study.instances, 6u);
  EXPECT_THAT(studies.rows[0].study.modalities, UnorderedElementsAre(std::pair("CT", 1u), std::pair("SR", 1u)));
  const auto instances = Find({.level = Level::kInstance, .study_uid = "1.5", .series_uid = "1.5.2"});
  EXPECT_EQ(instances.total, 3u);
  EXPECT_EQ(instances.rows[0].series->instances, 3u);
  EXPECT_EQ(Findings(), "");
}

TEST_F(CatalogueTest, ANameWithoutGivenNameIsFoundByItsFamilyAndAnything) {
  ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.1", .patient_name = "DOE^"}).stored());
  ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.2", .sop = "1.2.1", .patient_name = "DOE^JANE"}).stored());
  ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.3", .sop = "1.3.1", .patient_name = "DOERING"}).stored());
  EXPECT_THAT(Studies({t::kPatientName}, "doe^*"), ElementsAre("1.2", "1.1"));
  EXPECT_THAT(Studies({t::kPatientName}, "d?e^*^*"), ElementsAre("1.2", "1.1"));
  EXPECT_THAT(Studies({t::kPatientName}, "doe^j*"), ElementsAre("1.2"));
}

TEST_F(CatalogueTest, IntegersMatchHoweverTheyAreWritten) {
  const char* const numbers[] = {"1", "01", "+1", "-1", "10", "000000000001"};
  for (int i = 0; i < 6; ++i) {
    const std::string sop = "1.2.1.1." + std::to_string(i + 1);
    ASSERT_TRUE(Ingest(InstanceSpec{.sop = sop, .instance_number = numbers[i]}).stored());
  }
  const auto count = [&](const std::string& number) {
    return Find({.level = Level::kInstance, .filters = {{{t::kInstanceNumber}, number}}}).total;
  };
  EXPECT_EQ(count("1"), 4u);
  EXPECT_EQ(count("001"), 4u);
  EXPECT_EQ(count("-1"), 1u);
  EXPECT_EQ(count("10"), 1u);
  EXPECT_EQ(count("0"), 0u);
  EXPECT_EQ(count("1*"), 2u) << "a wildcard asks for what was written";
}

TEST_F(CatalogueTest, ARangeOfPointsInTimeHoldsNoStudyWithoutATime) {
  ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.1", .study_date = "20240105", .study_time = "130000"}).stored());
  ASSERT_TRUE(
      Ingest(InstanceSpec{.study = "1.2", .sop = "1.2.1", .study_date = "20240105", .study_time = ""}).stored());
  const CatalogueQuery query = {.filters = {{{t::kStudyDate}, "20240105-20240106"}, {{t::kStudyTime}, "1200-0600"}}};
  EXPECT_EQ(Find(query).total, 1u);
}

TEST_F(CatalogueTest, FuzzySearchFindsNamesByTheirParts) {
  ASSERT_TRUE(Ingest({.study = "1.1", .sop = "1.1.1", .patient_name = "Meyer-Mueller^Anna"}).stored());
  ASSERT_TRUE(Ingest({.study = "1.2", .sop = "1.2.1", .patient_name = "O'Brien^Pat"}).stored());
  ASSERT_TRUE(Ingest({.study = "1.3", .sop = "1.3.1", .patient_name = "Al Hassan^Omar"}).stored());
  const auto fuzzy = [&](const std::string& value) { return Studies({t::kPatientName}, value, /*fuzzy=*/true); };
  for (const char* const value : {"mueller", "miller anna", "meyer", "maier", "meyer-mueller", "mue"})
    EXPECT_THAT(fuzzy(value), ElementsAre("1.1")) << value;
  for (const char* const value : {"brien", "obrien", "o'brien", "bryan pat"})
    EXPECT_THAT(fuzzy(value), ElementsAre("1.2")) << value;
  EXPECT_THAT(fuzzy("hassan"), ElementsAre("1.3"));
  EXPECT_THAT(Studies({t::kPatientName}, "mueller*"), IsEmpty()) << "not without it";
}

// PS3.4 C.2.2.2.6.
TEST_F(CatalogueTest, OneItemOfASequenceMeetsAllKeysOfIt) {
  const auto request = [](const std::string& step, const std::string& procedure) {
    return testing::OneItem({{t::kScheduledProcedureStepId, "SH", step}, {t::kRequestedProcedureId, "SH", procedure}});
  };
  const auto put = [&](const std::string& study, const std::string& items) {
    ASSERT_TRUE(Ingest({.study = study,
                        .series = study + ".1",
                        .sop = study + ".1.1",
                        .more = {{t::kRequestAttributesSequence, "SQ", items}}})
                    .stored());
  };
  put("1.1", request("S1", "P1") + request("S2", "P2"));
  put("1.2", request("S1", "P2"));
  put("1.3", request("S3", "P3") + request("S1", "P2"));
  put("1.4", testing::OneItem({{t::kScheduledProcedureStepId, "SH", "S1"}}) +
                 testing::OneItem({{t::kRequestedProcedureId, "SH", "P2"}}));
  CatalogueQuery query{.level = Level::kSeries,
                       .filters = {{{t::kRequestAttributesSequence, t::kScheduledProcedureStepId}, "S1"},
                                   {{t::kRequestAttributesSequence, t::kRequestedProcedureId}, "p2\\p9"}},
                       .limit = 1};
  const auto studies = [&] {
    std::vector<std::string> uids;
    for (const CatalogueMatch& match : Find(query).rows) uids.push_back(match.study.uid);
    return uids;
  };
  EXPECT_THAT(studies(), ElementsAre("1.2"));
  EXPECT_EQ(Find(query).total, 2u) << "whatever the limit";
  query.offset = 1;
  EXPECT_THAT(studies(), ElementsAre("1.3"));
  query.level = Level::kInstance;
  EXPECT_EQ(Find(query).total, 2u);
  query.filters.push_back({{t::kStudyInstanceUid}, "1.3"});
  EXPECT_EQ(Find(query).total, 1u);
  query.filters.erase(query.filters.begin());
  EXPECT_EQ(Find(query).total, 1u) << "one key alone";
  query.filters = {{{t::kRequestAttributesSequence, t::kScheduledProcedureStepId}, "*"},
                   {{t::kRequestAttributesSequence, t::kRequestedProcedureId}, "P*"}};
  EXPECT_EQ(Find(query).total, 4u) << "what asks for nothing is no key";
}

TEST_F(CatalogueTest, MatchesAsTheStandardSays) {
  IngestThreeStudies();
  EXPECT_THAT(Studies({t::kPatientId}, "MRN-1"), ElementsAre("1.1"));
  EXPECT_THAT(Studies({t::kPatientId}, "MRN-3"), ElementsAre("1.3")) << "codes match without regard to case";
  EXPECT_THAT(Studies({t::kPatientId}, "MRN*"), ElementsAre("1.3", "1.2", "1.1")) << "newest first";
  EXPECT_THAT(Studies({t::kPatientId}, "MRN-?"), ElementsAre("1.3", "1.2", "1.1"));
  EXPECT_THAT(Studies({t::kPatientId}, "RN-1"), IsEmpty());
  EXPECT_THAT(Studies({t::kPatientName}, "doe^jane"), ElementsAre("1.2"));
  EXPECT_THAT(Studies({t::kPatientName}, "muller*"), ElementsAre("1.1")) << "accents fold";
  EXPECT_THAT(Studies({t::kPatientName}, "MÜLLER^JÜRGEN^^"), ElementsAre("1.1"))
      << "empty trailing components do not count";
  EXPECT_THAT(Studies({t::kPatientName}, "*jan*"), ElementsAre("1.2"));
  EXPECT_THAT(Studies({t::kPatientName}, "john do", /*fuzzy=*/true), ElementsAre("1.3", "1.2"))
      << "Jane sounds like John";
  EXPECT_THAT(Studies({t::kPatientName}, "*ane*", /*fuzzy=*/true), ElementsAre("1.2")) << "and wildcards still match";
  EXPECT_THAT(Studies({t::kPatientName}, "joh do", /*fuzzy=*/true), ElementsAre("1.3")) << "and Joh like neither";
  EXPECT_THAT(Studies({t::kPatientName}, "moeler", /*fuzzy=*/true), ElementsAre("1.1"));
  EXPECT_THAT(Studies({t::kStudyDate}, "20240115"), ElementsAre("1.1"));
  EXPECT_THAT(Studies({t::kStudyDate}, "20240101-20241231"), ElementsAre("1.2", "1.1"));
  EXPECT_THAT(Studies({t::kStudyDate}, "20240220-"), ElementsAre("1.3", "1.2"));
  EXPECT_THAT(Studies({t::kStudyDate}, "-20240219"), ElementsAre("1.1"));
  EXPECT_THAT(Studies({t::kStudyDate}, "20250101-20240101"), IsEmpty()) << "nothing lies between the two";
  EXPECT_THAT(Studies({t::kStudyDate}, "20240115-20240115"), ElementsAre("1.1"));
  EXPECT_THAT(Studies({t::kStudyTime}, "2300-"), ElementsAre("1.2"));
  EXPECT_THAT(Studies({t::kStudyTime}, "2300-1000"), IsEmpty());
  EXPECT_THAT(Studies({t::kModalitiesInStudy}, "MR"), ElementsAre("1.2"));
  EXPECT_THAT(Studies({t::kModalitiesInStudy}, "MR\\CT"), ElementsAre("1.3", "1.2", "1.1"));
  EXPECT_THAT(Studies({t::kModalitiesInStudy}, "MR,CT"), ElementsAre("1.3", "1.2", "1.1")) << "no CS has a comma";
  EXPECT_THAT(Studies({t::kModalitiesInStudy}, "mr,P?"), ElementsAre("1.2"));
  EXPECT_THAT(Studies({t::kAccessionNumber}, "ACC1,ACC2"), IsEmpty()) << "an SH may have one";
  EXPECT_THAT(Studies({t::kStudyInstanceUid}, "1.1\\1.3"), ElementsAre("1.3", "1.1"));
  EXPECT_THAT(Studies({t::kStudyInstanceUid}, "1.1,1.3"), ElementsAre("1.3", "1.1"));
  EXPECT_THAT(Studies({t::kStudyDescription}, "ct*"), ElementsAre("1.3", "1.1"));
  EXPECT_THAT(Studies({t::kAccessionNumber}, ""), ElementsAre("1.3", "1.2", "1.1"))
      << "an empty value is universal matching";
  ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.4", .series = "1.4.1", .sop = "1.4.1.1", .accession = ""}).stored());
  for (const char* const anything : {"*", "**", "***"})
    EXPECT_THAT(Studies({t::kAccessionNumber}, anything), ElementsAre("1.4", "1.3", "1.2", "1.1")) << anything;
}

TEST_F(CatalogueTest, RangesOfDateAndTimeTogetherAreOneRange) {
  IngestThreeStudies();  // 2024-01-15 10:15:00, 2024-02-20 23:59:59.5, 2025-01-01 10:15:00
  const auto between = [&](const char* dates, const char* times) {
    std::vector<std::string> uids;
    for (const auto& match : Find({.filters = {{{t::kStudyDate}, dates}, {{t::kStudyTime}, times}}}).rows)
      uids.push_back(match.study.uid);
    return uids;
  };
  EXPECT_THAT(between("20240115-20240220", "1100-2300"), IsEmpty())
      << "from 11:00 on the first day to 23:00 on the last";
  EXPECT_THAT(between("20240115-20240220", "1000-2300"), ElementsAre("1.1"));
  EXPECT_THAT(between("20240115-20250101", "1100-1000"), ElementsAre("1.2"));
  EXPECT_THAT(between("20240220-", "2359-"), ElementsAre("1.3", "1.2"));
  EXPECT_THAT(between("20250101-20240115", "0000-2359"), IsEmpty());
  EXPECT_THAT(between("20240115-20240115", "1100-1000"), IsEmpty());
}

TEST_F(CatalogueTest, TheGroupsOfANameMatchTogether) {
  ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.1", .patient_name = "Yamada^Tarou=山田^太郎=やまだ^たろう"}).stored());
  ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.2", .patient_name = "Yamada^Tarou=山田^大郎"}).stored());
  for (const char* const both : {"Yamada^Tarou", "yamada*=*", "Yamada^Tarou^^^="})
    EXPECT_THAT(Studies({t::kPatientName}, both), ElementsAre("1.2", "1.1")) << both;
  for (const char* const first : {"Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada^Tarou=山田^太郎", "*=山田^太郎",
                                  "=山田^太郎", "yamada*=*太郎^=やまだ*"})
    EXPECT_THAT(Studies({t::kPatientName}, first), ElementsAre("1.1")) << first;
  EXPECT_THAT(Studies({t::kPatientName}, "Tanaka*=山田^太郎"), IsEmpty());
}

TEST_F(CatalogueTest, PatientsAreFoundByThemselves) {
  IngestThreeStudies();
  ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.4", .patient_name = "Doe^Jane", .patient_id = "MRN-2"}).stored());
  const auto found = Find({.level = Level::kPatient, .filters = {{{t::kPatientName}, "doe*"}}});
  ASSERT_EQ(found.total, 2u);
  EXPECT_EQ(found.rows[1].patient->patient_id, "MRN-2");
  EXPECT_EQ(found.rows[1].patient->studies, 2u);
  ASSERT_TRUE(store_->Delete("1.3", std::nullopt, std::nullopt).ok());
  EXPECT_EQ(Find({.level = Level::kPatient}).total, 2u) << "the last study takes the patient with it";
}

TEST_F(CatalogueTest, JoinsLevels) {
  IngestThreeStudies();
  const auto found = Find(
      {.level = Level::kInstance,
       .filters = {
           {{t::kPatientName}, "Doe*"}, {{t::kModality}, "CT"}, {{t::kSopClassUid}, "1.2.840.10008.5.1.4.1.1.2"}}});
  ASSERT_EQ(found.rows.size(), 1u);
  EXPECT_EQ(found.rows[0].instance->uid, "1.3.1.1");
  EXPECT_EQ(found.rows[0].series->uid, "1.3.1");
  EXPECT_EQ(found.rows[0].study.uid, "1.3");
}

TEST_F(CatalogueTest, NamesTheAttributeWhoseValueMakesNoSense) {
  CatalogueReader reader = store_->Read();
  for (const char* value : {"2024-01-15", "yesterday", "-"}) {
    const auto matches = reader.Find({.filters = {{{t::kStudyDate}, value}}});
    ASSERT_EQ(matches.status().code(), Code::kInvalid) << value;
    EXPECT_THAT(matches.status().message(), ::testing::HasSubstr("(0008,0020)"));
  }
}

TEST_F(CatalogueTest, ADamagedNameIsNoMissingOne) {
  ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.2", .series = "1.2.1", .sop = "1.2.1.1"}).stored());
  const auto damage = [](Txn& txn) {
    txn.Put(Family::kCatalogue, StudyKey(Tenant::kDefault, "1.2"), "xyz");
    return Status::Ok();
  };
  ASSERT_TRUE(store_->writer().Run(damage).status().ok());
  EXPECT_EQ(store_->Read().FindStudy("1.2").status().code(), Code::kCorruption);
  EXPECT_EQ(store_->Read().FindInstance({"1.2", "1.2.1", "1.2.1.1"}).status().code(), Code::kCorruption);
}

TEST_F(CatalogueTest, PagesWithoutLossOrRepeat) {
  for (int i = 0; i < 25; ++i)
    ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.7." + std::to_string(i),
                                    .series = "1.8." + std::to_string(i),
                                    .sop = "1.9." + std::to_string(i)})
                    .stored());
  std::vector<std::string> seen;
  for (uint64_t offset = 0; offset < 30; offset += 7) {
    const auto page = Find({.offset = offset, .limit = 7});
    EXPECT_EQ(page.total, 25u);
    for (const auto& row : page.rows) seen.push_back(row.study.uid);
  }
  ASSERT_EQ(seen.size(), 25u);
  for (int i = 0; i < 25; ++i) EXPECT_EQ(seen[i], "1.7." + std::to_string(24 - i));
}

TEST_F(CatalogueTest, KeepsFirstAttributesAndFillsGaps) {
  ASSERT_TRUE(Ingest(InstanceSpec{.sop = "1.1", .patient_name = "First^Name", .accession = ""}).stored());
  ASSERT_TRUE(Ingest(InstanceSpec{.sop = "1.2", .patient_name = "Second^Name", .accession = "LATE"}).stored());
  EXPECT_THAT(Studies({t::kPatientName}, "First*"), ElementsAre("1.2.1"));
  EXPECT_THAT(Studies({t::kPatientName}, "Second*"), IsEmpty());
  EXPECT_THAT(Studies({t::kAccessionNumber}, "LATE"), ElementsAre("1.2.1"));
}

TEST_F(CatalogueTest, DeletingLeavesNothingBehindAndPutsEveryCounterBack) {
  IngestThreeStudies();
  ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.1", .series = "1.1.2", .sop = "1.1.2.1", .modality = "SR"}).stored());
  ASSERT_TRUE(store_->Delete("1.1", "1.1.1", "1.1.1.1").ok());
  EXPECT_THAT(Studies({t::kModalitiesInStudy}, "CT"), ElementsAre("1.3"));
  EXPECT_THAT(Studies({t::kModalitiesInStudy}, "SR"), ElementsAre("1.1"));
  EXPECT_EQ(Findings(), "");
  ASSERT_TRUE(store_->Delete("1.1", std::nullopt, std::nullopt).ok());
  EXPECT_THAT(Studies({t::kPatientId}, "MRN-1"), IsEmpty());
  EXPECT_EQ(Find({.level = Level::kInstance}).total, 2u);
  EXPECT_EQ(store_->Delete("1.1", std::nullopt, std::nullopt).code(), Code::kNotFound);
  EXPECT_EQ(store_->Delete("1.2", "1.2.1", "9.9").code(), Code::kNotFound);
  EXPECT_EQ(Findings(), "");
  Reopen();
  EXPECT_EQ(Find({}).total, 2u);
  EXPECT_EQ(Findings(), "");
}

TEST_F(CatalogueTest, CompactionForgetsTheNamesOfPatientsWhoAreGone) {
  const auto keys_with = [&](std::string_view text) {
    size_t count = 0;
    const auto it = store_->kv().NewIterator(Family::kIndex, "", "");
    for (it->SeekToFirst(); it->Valid(); it->Next()) count += it->key().find(text) != Bytes::npos;
    return count;
  };
  ASSERT_TRUE(Ingest(InstanceSpec{.patient_name = "VANISHING^VERA"}).stored());
  ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.9", .series = "1.9.1", .sop = "1.9.1.1"}).stored());
  ASSERT_TRUE(store_->kv().CompactAll().ok());
  ASSERT_GT(keys_with("vanishing"), 0u);
  ASSERT_TRUE(store_->Delete("1.2.1", std::nullopt, std::nullopt).ok());
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(store_->kv().CompactAll().ok());  // folded, then looked at
  EXPECT_EQ(keys_with("vanishing"), 0u);
  EXPECT_GT(keys_with("doe"), 0u);
  EXPECT_EQ(Findings(), "");
}

TEST_F(CatalogueTest, OnlyTheVersionThatIsMeantIsDeletedWhateverIsStoredMeanwhile) {
  const InstanceSpec spec{.study = "1.1", .series = "1.1.1", .sop = "1.1.1.1"};
  ASSERT_TRUE(Ingest(spec).stored());
  // What another client stores between the look at the version and the deletion.
  const auto replace = [&](char fill) {
    InstanceSpec other = spec;
    other.pixel_fill = fill;
    return Ingest(testing::MakeInstance(other), {.duplicates = DuplicatePolicy::kReplace}).stored();
  };
  const std::optional<std::string> none, series = "1.1.1", sop = "1.1.1.1";
  char fill = 10;
  for (const auto& [of_series, of_sop, level] :
       {std::tuple(none, none, Level::kStudy), {series, none, Level::kSeries}, {series, sop, Level::kInstance}}) {
    const Status status = store_->Delete("1.1", of_series, of_sop, [&, level = level](const Version& version) {
      EXPECT_EQ(version.level, level);
      return replace(++fill);
    });
    EXPECT_EQ(status.code(), Code::kConflict);
    EXPECT_EQ(Find({.level = Level::kInstance}).total, 1u);
  }
  EXPECT_EQ(store_->Delete("1.1", none, none, [](const Version&) { return false; }).code(), Code::kConflict);
  EXPECT_TRUE(store_->Delete("1.1", series, sop, [](const Version&) { return true; }).ok());
  EXPECT_EQ(Find({.level = Level::kInstance}).total, 0u);
  EXPECT_EQ(Findings(), "");
}

TEST_F(CatalogueTest, WritesTheChangeLogInTheSameCommit) {
  IngestThreeStudies();
  ASSERT_TRUE(store_->Delete("1.2", std::nullopt, std::nullopt).ok());
  const auto changes = ReadChanges(store_->kv(), Tenant::kDefault, 0, 100);
  ASSERT_TRUE(changes.ok());
  ASSERT_EQ(changes->size(), 4u);
  EXPECT_EQ(changes->at(0).operation, ChangeOperation::kCreate);
  EXPECT_THAT(changes->at(3).path, ElementsAre("1.2", "1.2.1", "1.2.1.1"));
  EXPECT_EQ(changes->at(3).operation, ChangeOperation::kDelete);
  EXPECT_EQ(changes->at(3).sequence, 4u);
}

TEST_F(CatalogueTest, LongAttributesAreCutNotRefused) {
  ASSERT_TRUE(Ingest(InstanceSpec{.study_description = std::string(20'000, 'x')}).stored());
  EXPECT_EQ(FirstValue(Find({}).rows.at(0).study.attributes, t::kStudyDescription).size(), kMaxKeptValueBytes);
}

TEST_F(CatalogueTest, CompactionGivesSpaceBackAndMovesWhatLives) {
  std::vector<std::string> bytes;
  for (int i = 0; i < 12; ++i) {
    bytes.push_back(MakeInstance(InstanceSpec{.study = "1.4",
                                              .series = "1.4.1",
                                              .sop = "1.4.1." + std::to_string(i),
                                              .pixel_bytes = 200'000,
                                              .pixel_fill = static_cast<char>(i)}));
    ASSERT_TRUE(Ingest(bytes.back()).stored());
  }
  for (int i = 0; i < 12; ++i) {
    if (i % 4 == 0) continue;
    ASSERT_TRUE(store_->Delete("1.4", "1.4.1", "1.4.1." + std::to_string(i)).ok());
  }
  EXPECT_EQ(store_->CompactObjects().reclaimed_bytes, 0u) << "deleted bytes are kept for a time";
  Reopen();
  EXPECT_EQ(store_->CompactObjects().reclaimed_bytes, 0u) << "also over a restart";
  clock_.Advance(storage::StoreOptions().keep_deleted);
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_EQ(store_->CompactObjects(stopped.get_token()).reclaimed_bytes, 0u) << "who is to stop begins nothing";
  const CompactionOutcome outcome = store_->CompactObjects();
  ASSERT_TRUE(outcome.first_error.ok()) << outcome.first_error.ToString();
  EXPECT_GT(outcome.reclaimed_bytes, 500'000u);
  for (int i = 0; i < 12; i += 4) EXPECT_EQ(StoredBytes({"1.4", "1.4.1", "1.4.1." + std::to_string(i)}), bytes[i]) << i;
  EXPECT_EQ(Findings(), "");
  Reopen();
  EXPECT_EQ(Findings(), "");
}

// Otherwise the space of segments that never become full would not come back.
TEST_F(CatalogueTest, CompactionGivesBackTheSpaceOfASegmentThatIsNotFull) {
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(Ingest(InstanceSpec{.sop = "1.1." + std::to_string(i), .pixel_bytes = 250'000}).stored());
  const InstanceName left{"1.2.1", "1.2.1.1", "1.1.2"};
  const std::string expected = StoredBytes(left);
  const uint32_t segment = RefOf(left).segment;
  ASSERT_FALSE(store_->objects().Segments().front().sealed);
  for (const char* sop : {"1.1.0", "1.1.1"}) ASSERT_TRUE(store_->Delete("1.2.1", "1.2.1.1", sop).ok());
  EXPECT_EQ(store_->CompactObjects().reclaimed_bytes, 0u);
  EXPECT_FALSE(store_->objects().Segments().front().sealed) << "it may become full meanwhile";
  for (const bool reopened : {false, true}) {
    if (reopened) Reopen();
    clock_.Advance(storage::StoreOptions().keep_deleted);
    EXPECT_EQ(store_->CompactObjects().reclaimed_bytes > 400'000, !reopened);
    EXPECT_NE(RefOf(left).segment, segment);
    EXPECT_EQ(StoredBytes(left), expected);
    EXPECT_EQ(Findings(), "");
  }
}

TEST_F(CatalogueTest, CompactionCopiesNothingThatItHasNoRoomFor) {
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(Ingest(InstanceSpec{.sop = "1.1." + std::to_string(i), .pixel_bytes = 250'000}).stored());
  for (const char* sop : {"1.1.0", "1.1.1"}) ASSERT_TRUE(store_->Delete("1.2.1", "1.2.1.1", sop).ok());
  clock_.Advance(storage::StoreOptions().keep_deleted);
  disk_.full = true;
  const CompactionOutcome full = store_->CompactObjects();
  EXPECT_EQ(full.first_error.code(), Code::kDiskFull) << full.first_error.ToString();
  EXPECT_EQ(full.reclaimed_bytes, 0u);
  EXPECT_EQ(store_->objects().Segments().size(), 1u);
  EXPECT_TRUE(store_->health().ok());
  disk_.full = false;
  EXPECT_GT(store_->CompactObjects().reclaimed_bytes, 400'000u);
}

TEST_F(CatalogueTest, CompactionGivesBackASegmentOfNothingOnADiskThatIsFull) {
  for (int i = 0; i < 8; ++i)
    ASSERT_TRUE(Ingest(InstanceSpec{.sop = "1.1." + std::to_string(i), .pixel_bytes = 300'000}).stored());
  ASSERT_TRUE(store_->objects().Segments().front().sealed);
  ASSERT_TRUE(store_->Delete("1.2.1", std::nullopt, std::nullopt).ok());
  clock_.Advance(storage::StoreOptions().keep_deleted);
  disk_.full = true;
  store_->CompactObjects();  // the disk that seems full stays so, hence its account is forgotten later
  EXPECT_NE(store_->objects().Segments().front().segment, 1u);
  disk_.full = false;
  clock_.Advance(std::chrono::minutes(1));  // the free space is not asked for all the time
  const CompactionOutcome later = store_->CompactObjects();
  EXPECT_TRUE(later.first_error.ok()) << later.first_error.ToString();
  EXPECT_EQ(Findings(), "");
}

TEST_F(CatalogueTest, WhatWasDeletedWhileTheClockWasAheadIsKeptNoLongerThanOtherThings) {
  for (int i = 0; i < 8; ++i)
    ASSERT_TRUE(Ingest(InstanceSpec{.sop = "1.1." + std::to_string(i), .pixel_bytes = 300'000}).stored());
  constexpr auto kAhead = std::chrono::hours(400 * 24);
  clock_.Advance(kAhead);
  ASSERT_TRUE(store_->Delete("1.2.1", std::nullopt, std::nullopt).ok());
  clock_.Advance(-kAhead);
  EXPECT_EQ(store_->CompactObjects().reclaimed_bytes, 0u);
  clock_.Advance(storage::StoreOptions().keep_deleted);
  EXPECT_GT(store_->CompactObjects().reclaimed_bytes, 0u);
}

// Given two segments of which little is alive, the first with damage in what is.
TEST_F(CatalogueTest, CompactionGoesOnPastASegmentWithDamage) {
  const auto name = [](int i) { return InstanceName{"1.4", "1.4.1", "1.4.1." + std::to_string(i)}; };
  for (int i = 0; i < 16; ++i)
    ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.4", .series = "1.4.1", .sop = name(i).sop_uid, .pixel_bytes = 200'000})
                    .stored());
  std::set<uint32_t> segments;
  std::vector<int> alive;
  for (int i = 0; i < 16; ++i) {
    if (segments.insert(RefOf(name(i)).segment).second)
      alive.push_back(i);
    else
      ASSERT_TRUE(store_->Delete("1.4", "1.4.1", name(i).sop_uid).ok());
  }
  ASSERT_GE(segments.size(), 3u) << "two of them sealed";
  DamageBody(RefOf(name(alive[0])));
  clock_.Advance(storage::StoreOptions().keep_deleted);

  const uint32_t other = RefOf(name(alive[1])).segment;
  const uint32_t damaged = RefOf(name(alive[0])).segment;
  const CompactionOutcome outcome = store_->CompactObjects();
  EXPECT_EQ(outcome.first_error.code(), Code::kCorruption);
  EXPECT_GT(outcome.reclaimed_bytes, 0u) << "of the segment after it";
  EXPECT_NE(RefOf(name(alive[1])).segment, other);
  EXPECT_EQ(RefOf(name(alive[0])).segment, damaged) << "what is left of it stays";

  const CompactionOutcome again = store_->CompactObjects();
  EXPECT_TRUE(again.first_error.ok()) << "told once: " << again.first_error.ToString();
  EXPECT_EQ(again.reclaimed_bytes, 0u);

  ASSERT_TRUE(store_->Delete("1.4", "1.4.1", name(alive[0]).sop_uid).ok());
  clock_.Advance(storage::StoreOptions().keep_deleted);
  const CompactionOutcome without = store_->CompactObjects();
  EXPECT_TRUE(without.first_error.ok()) << without.first_error.ToString();
  EXPECT_GT(without.reclaimed_bytes, 0u) << "once the damaged object is deleted, its segment goes like any other";
  EXPECT_EQ(Findings(), "");
}

// Bytes of an upload that was given up, and of the pixels behind it, that together look like a record.
TEST_F(CatalogueTest, CompactionTakesNoForgedRecordForOne) {
  ASSERT_TRUE(Ingest(InstanceSpec{.sop = "1.1.1", .pixel_bytes = 300'000}).stored());
  const ObjectRef deleted = RefOf({"1.2.1", "1.2.1.1", "1.1.1"});
  Reopen();
  segment::Frame forged{.ref = {.segment = deleted.segment}};
  const uint64_t given_up = deleted.offset + ObjectStore::RecordBytes(deleted.length);
  const uint64_t stored = given_up + segment::RoundUpToPage(segment::kFrameBytes + segment::kChunkBytes);
  forged.ref.offset = given_up + segment::kPageBytes;
  const uint64_t end = stored + 2 * segment::kPageBytes;
  forged.ref.length = end - forged.ref.offset - 2 * segment::kFrameBytes - 2 * sizeof(uint64_t);
  ASSERT_EQ(segment::Layout(forged.ref).end, end);
  const auto forge = [&](segment::FrameKind kind, uint64_t at, std::string* bytes) {
    const segment::FrameBytes frame = EncodeFrame(kind, forged);
    bytes->replace(at, frame.size(), frame.data(), frame.size());
  };
  {
    std::string bytes(segment::kChunkBytes, 'x');
    forge(segment::FrameKind::kHeader, forged.ref.offset - given_up - segment::kFrameBytes, &bytes);
    const auto writer = store_->objects().NewWriter("");
    ASSERT_TRUE(writer.ok() && (*writer)->Append(bytes).ok());
  }
  const InstanceSpec spec{.sop = "1.1.2", .pixel_bytes = 20'000};
  std::string file = MakeInstance(spec);
  forge(segment::FrameKind::kFooter, segment::Layout(forged.ref).footer - stored - segment::kFrameBytes, &file);
  ASSERT_TRUE(Ingest(file).stored());
  const InstanceName name{"1.2.1", "1.2.1.1", "1.1.2"};
  ASSERT_EQ(RefOf(name), (ObjectRef{deleted.segment, stored, file.size()}));

  ASSERT_TRUE(store_->Delete("1.2.1", "1.2.1.1", "1.1.1").ok());
  clock_.Advance(storage::StoreOptions().keep_deleted);
  const CompactionOutcome outcome = store_->CompactObjects();
  EXPECT_TRUE(outcome.first_error.ok()) << outcome.first_error.ToString();
  EXPECT_GT(outcome.reclaimed_bytes, 0u);
  EXPECT_NE(RefOf(name).segment, deleted.segment);
  EXPECT_TRUE(StoredBytes(name) == file);
  EXPECT_EQ(Findings(), "");
}

TEST_F(CatalogueTest, CompactionLeavesSegmentsAloneThatRunningUploadsWroteTo) {
  const UploadTicket slow = store_->BeginUpload();  // and has written nothing yet
  for (int i = 0; i < 8; ++i)
    ASSERT_TRUE(Ingest(InstanceSpec{.sop = "1.1." + std::to_string(i), .pixel_bytes = 300'000}).stored());
  const ObjectRef first = RefOf({"1.2.1", "1.2.1.1", "1.1.0"});
  ASSERT_NE(first.segment, RefOf({"1.2.1", "1.2.1.1", "1.1.5"}).segment);
  const auto is_there = [&] {
    return std::ranges::any_of(store_->objects().Segments(),
                               [&](const auto& segment) { return segment.segment == first.segment; });
  };
  ASSERT_TRUE(store_->Delete("1.2.1", std::nullopt, std::nullopt).ok());
  clock_.Advance(storage::StoreOptions().keep_deleted);
  {
    UploadTicket holder = store_->BeginUpload();
    std::future<uint64_t> reclaimed;
    const auto write = [&]() -> Result<ObjectRef> {
      reclaimed = std::async(std::launch::async, [&] { return store_->CompactObjects().reclaimed_bytes; });
      EXPECT_EQ(reclaimed.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout)
          << "it may be anywhere, which is waited for";
      return first;
    };
    ASSERT_TRUE(holder.Place(write).ok());
    EXPECT_GT(reclaimed.get(), 0u) << "of the others";
    EXPECT_TRUE(is_there());
  }
  EXPECT_GT(store_->CompactObjects().reclaimed_bytes, 0u);
  EXPECT_FALSE(is_there());
}

TEST_F(CatalogueTest, BackupOpensAsAStoreOfItsOwn) {
  IngestThreeStudies();
  const std::string expected = StoredBytes({"1.1", "1.1.1", "1.1.1.1"});
  ASSERT_TRUE(store_->Backup(directory_.path() + "/backup").ok());
  ASSERT_TRUE(Ingest(InstanceSpec{.study = "1.99"}).stored());
  EXPECT_EQ(store_->Backup(directory_.path() + "/backup").code(), Code::kConflict);
  store_.reset();
  StoreOptions options;
  options.directory = directory_.path() + "/backup";
  auto copy = Store::Open(options, disk_, clock_, random_, Logger());
  ASSERT_TRUE(copy.ok()) << copy.status().ToString();
  store_ = *std::move(copy);
  EXPECT_EQ(Find({}).total, 3u) << "what came after the backup is not in it";
  EXPECT_EQ(StoredBytes({"1.1", "1.1.1", "1.1.1.1"}), expected);
  EXPECT_EQ(Findings(), "");
}

TEST_F(CatalogueTest, ABackupThatFailsSaysWhatToDelete) {
  IngestThreeStudies();
  store_.reset();
  StoreOptions options = testing::SmallStore(directory_.path() + "/data");
  options.low_water_bytes = uint64_t{1} << 60;
  auto store = Store::Open(options, disk_, clock_, random_, Logger());
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  const Status status = (*store)->Backup(directory_.path() + "/backup");
  EXPECT_EQ(status.code(), Code::kDiskFull);
  EXPECT_NE(status.message().find("delete " + directory_.path() + "/backup"), std::string::npos) << status.message();
}

TEST_F(CatalogueTest, OneProcessAtATime) {
  StoreOptions options;
  options.directory = directory_.path() + "/data";
  const auto second = Store::Open(options, disk_, clock_, random_, Logger());
  EXPECT_EQ(second.status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace hilum::storage
