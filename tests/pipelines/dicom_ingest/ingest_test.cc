#include "pipelines/dicom_ingest/ingest.h"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "tests/support/instances.h"
#include "tests/support/sync_disk.h"

namespace hilum {
namespace {

using ::testing::HasSubstr;
using testing::InstanceSpec;
using testing::MakeInstance;
using Kind = InstanceOutcome::Kind;

class IngestTest : public testing::StoreFixture {};

TEST_F(IngestTest, KeepsBytesExactlyAsReceived) {
  const std::string bytes = MakeInstance({});
  const InstanceOutcome outcome = Ingest(bytes);
  EXPECT_EQ(outcome.kind, Kind::kStored) << outcome.explanation;
  EXPECT_EQ(outcome.name.sop_uid, "1.2.1.1.1");
  EXPECT_EQ(outcome.sop_class_uid, "1.2.840.10008.5.1.4.1.1.2");
  EXPECT_TRUE(StoredBytes(outcome.name) == bytes);
  Reopen();
  EXPECT_TRUE(StoredBytes(outcome.name) == bytes);
}

TEST_F(IngestTest, NothingIsStoredBeforeItsBytesAreSynced) {
  for (const size_t pixel_bytes : {size_t{1000}, size_t{300'000}}) {
    store_.reset();
    SyncDisk disk("/objects/");
    auto options = testing::SmallStore(directory_.path() + "/" + std::to_string(pixel_bytes));
    options.room_ahead_bytes = 0;
    auto store = storage::Store::Open(options, disk, clock_, random_, Logger());
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
    ASSERT_EQ(Ingest(MakeInstance({.sop = "1.2.1.1.1"})).kind, Kind::kStored);  // begins the segment
    const int before = disk.syncs;
    EXPECT_EQ(Ingest(MakeInstance({.sop = "1.2.1.1.2", .pixel_bytes = pixel_bytes})).kind, Kind::kStored);
    EXPECT_EQ(disk.syncs, before + 1);
    disk.fail = true;
    const InstanceOutcome refused = Ingest(MakeInstance({.sop = "1.2.1.1.3", .pixel_bytes = pixel_bytes}));
    EXPECT_EQ(refused.kind, Kind::kFailed);
    EXPECT_EQ(StoredBytes(refused.name), "(not found)");
    store_.reset();
  }
}

TEST_F(IngestTest, LargeInstancesStreamThroughASegment) {
  const std::string bytes = MakeInstance({.pixel_bytes = 6 << 20});
  IngestBatch batch(*store_, {.memory_bytes = 64 << 10}, std::nullopt, Logger());
  batch.BeginInstance();
  for (size_t at = 0; at < bytes.size(); at += 100'001) batch.Append(Bytes(bytes).substr(at, 100'001));
  batch.EndInstance();
  const auto outcomes = batch.Finish();
  ASSERT_EQ(outcomes.at(0).kind, Kind::kStored) << outcomes[0].explanation;
  EXPECT_TRUE(StoredBytes(outcomes[0].name) == bytes);
  EXPECT_EQ(Findings(), "");
}

TEST_F(IngestTest, WhatIsCutOffBetweenTwoFragmentsIsRefused) {
  auto out = testing::BeginImage({.transfer_syntax = "1.2.840.10008.1.2.4.80", .frames = 2});
  const Bytes fragments[] = {"first frame.", "second frame"};
  out.AddFragments(dicom::tags::kPixelData, fragments);
  const std::string whole = out.Take();
  const size_t delimiter = 8, fragment = 8 + 12;
  for (const size_t missing : {delimiter, delimiter + fragment, delimiter + 2 * fragment}) {
    const InstanceOutcome outcome = Ingest(whole.substr(0, whole.size() - missing));
    EXPECT_EQ(outcome.reason, FailureReason::kCannotUnderstand) << missing;
    EXPECT_THAT(outcome.explanation, HasSubstr("the file ends inside the pixel data")) << missing;
  }
  EXPECT_EQ(Ingest(whole).kind, Kind::kStored);
  EXPECT_EQ(Findings(), "");
}

TEST_F(IngestTest, ARepeatIsHarmless) {
  const std::string small = MakeInstance({});
  const std::string large = MakeInstance({.sop = "1.2.1.1.2", .pixel_bytes = 3 << 20});
  for (const std::string& bytes : {small, large}) {
    EXPECT_EQ(Ingest(bytes).kind, Kind::kStored);
    EXPECT_EQ(Ingest(bytes).kind, Kind::kIdentical);
  }
  EXPECT_EQ(Findings(), "");
}

// Releases before this one took files without the delimiter.
TEST_F(IngestTest, ARepeatIsHarmlessAlsoOfWhatWouldNotBeTakenToday) {
  auto out = testing::BeginImage({.transfer_syntax = "1.2.840.10008.1.2.4.80", .frames = 1});
  const Bytes fragments[] = {"single frame"};
  out.AddFragments(dicom::tags::kPixelData, fragments);
  std::string bytes = out.Take();
  bytes.resize(bytes.size() - 8);
  storage::ObjectBuffer buffer(bytes.size());
  buffer.Append(bytes);
  storage::NewInstance instance{.table = store_->attributes().Current()};
  instance.header = *dicom::ReadHeader(bytes, instance.table->selection(), {});
  instance.object = *store_->objects().Put(instance.header.sop_uid, buffer);
  ASSERT_TRUE(store_->objects().Sync({&instance.object, 1}).ok());
  const auto put = [&](storage::CatalogueTxn& catalogue) { return catalogue.Put(instance, std::nullopt).status(); };
  ASSERT_TRUE(store_->ChangeCatalogue(put).ok());

  EXPECT_EQ(Ingest(bytes).kind, Kind::kIdentical);
  bytes.back() ^= 1;
  for (const auto policy : {DuplicatePolicy::kReject, DuplicatePolicy::kReplace})
    EXPECT_THAT(Ingest(bytes, {.duplicates = policy}).explanation, HasSubstr("the file ends inside the pixel data"));
  EXPECT_EQ(Findings(), "");
}

TEST_F(IngestTest, OtherBytesUnderAStoredNameAreDecidedByPolicy) {
  const std::string first = MakeInstance({.pixel_fill = 1});
  const std::string second = MakeInstance({.pixel_fill = 2});
  ASSERT_TRUE(Ingest(first).stored());
  const InstanceOutcome refused = Ingest(second);
  EXPECT_EQ(refused.reason, FailureReason::kDuplicate);
  EXPECT_EQ(StoredBytes(refused.name), first);
  const InstanceOutcome replaced = Ingest(second, {.duplicates = DuplicatePolicy::kReplace});
  EXPECT_EQ(replaced.kind, Kind::kReplaced);
  EXPECT_EQ(StoredBytes(replaced.name), second);
  EXPECT_EQ(Findings(), "");
}

TEST_F(IngestTest, TwiceInOneRequest) {
  IngestBatch batch(*store_, {}, std::nullopt, Logger());
  for (const char fill : {1, 1, 2}) {
    batch.BeginInstance();
    batch.Append(MakeInstance({.pixel_fill = fill}));
    batch.EndInstance();
  }
  const auto outcomes = batch.Finish();
  EXPECT_EQ(outcomes[0].kind, Kind::kStored);
  EXPECT_EQ(outcomes[1].kind, Kind::kIdentical);
  EXPECT_EQ(outcomes[2].reason, FailureReason::kDuplicate);
}

TEST_F(IngestTest, AnswersForEachInstanceInOrder) {
  IngestBatch batch(*store_, {}, "1.2.1", Logger());
  const auto add = [&](Bytes bytes) {
    batch.BeginInstance();
    batch.Append(bytes);
    batch.EndInstance();
  };
  add("this is not DICOM");
  add(MakeInstance({}));
  add(MakeInstance({.study = "1.9"}));
  batch.Refuse(FailureReason::kCannotUnderstand, "not of type application/dicom");
  add(MakeInstance({.sop = ""}));
  add(MakeInstance({.sop = "1.2.1.1.2"}));
  const auto outcomes = batch.Finish();
  ASSERT_EQ(outcomes.size(), 6u);
  EXPECT_EQ(outcomes[0].reason, FailureReason::kCannotUnderstand);
  EXPECT_TRUE(outcomes[1].stored());
  EXPECT_EQ(outcomes[2].reason, FailureReason::kStudyMismatch);
  EXPECT_EQ(outcomes[3].reason, FailureReason::kCannotUnderstand);
  EXPECT_EQ(outcomes[4].reason, FailureReason::kDataSetMismatch);
  EXPECT_THAT(outcomes[4].explanation, HasSubstr("SOP Instance UID"));
  EXPECT_TRUE(outcomes[5].stored());
}

// What a logger wrote.
class LogText {
 public:
  LogText() : descriptor_(memfd_create("log", 0)) {}
  ~LogText() { close(descriptor_); }
  Logger logger(LogLevel threshold = LogLevel::kDebug) const { return Logger(descriptor_, threshold); }
  std::string text() const {
    std::string text(static_cast<size_t>(lseek(descriptor_, 0, SEEK_END)), '\0');
    EXPECT_EQ(pread(descriptor_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    return text;
  }

 private:
  int descriptor_;
};

TEST_F(IngestTest, ARequestLogsItsRefusalsInOneLineWithoutTextOfItsInstances) {
  const LogText log;
  IngestBatch batch(*store_, {}, std::nullopt, log.logger());
  const auto add = [&](const std::string& bytes) {
    batch.BeginInstance();
    batch.Append(bytes);
    batch.EndInstance();
  };
  for (int i = 0; i < 1000; ++i) add("Doe^Jane is not DICOM");
  add(MakeInstance({.sop = "Doe^Jane"}));
  add(MakeInstance({}));
  EXPECT_EQ(batch.Finish().size(), 1002u);
  const std::string text = log.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
  EXPECT_THAT(text, HasSubstr("\"refused\":1001"));
  EXPECT_THAT(text, HasSubstr("A900: 1, C000: 1000"));
  EXPECT_THAT(text, HasSubstr("\"info\""));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("Doe")));
}

TEST_F(IngestTest, AFullDiskIsAWarning) {
  store_.reset();
  storage::StoreOptions options = testing::SmallStore(directory_.path() + "/data");
  options.low_water_bytes = uint64_t{1} << 60;
  auto full = storage::Store::Open(options, disk_, clock_, random_, Logger());
  ASSERT_TRUE(full.ok()) << full.status().ToString();
  const LogText log;
  IngestBatch batch(**full, {}, std::nullopt, log.logger(LogLevel::kWarning));
  batch.BeginInstance();
  batch.Append(MakeInstance({}));
  batch.EndInstance();
  EXPECT_EQ(batch.Finish().at(0).reason, FailureReason::kOutOfResources);
  EXPECT_THAT(log.text(), HasSubstr("A700: 1"));
}

TEST_F(IngestTest, WhatTheStoreCannotKeepIsNotTheFaultOfTheInstance) {
  struct : storage::CatalogueObserver {
    Status OnChanges(storage::Txn& txn, const storage::CatalogueChanges&) override {
      txn.Put(storage::Family::kResource, "large", std::string((64 << 10) + 1, 'x'));
      return Status::Ok();
    }
  } observer;
  store_->Observe(&observer);
  const InstanceOutcome outcome = Ingest(MakeInstance({}));
  EXPECT_EQ(outcome.reason, FailureReason::kProcessingFailure);
  EXPECT_THAT(outcome.explanation, HasSubstr("more than the store keeps in one piece"));
  store_->Observe(nullptr);
  EXPECT_EQ(Ingest(MakeInstance({})).kind, Kind::kStored);
}

TEST_F(IngestTest, RefusesNamesThatAreNoUids) {
  for (const std::string& uid : {std::string("../../etc/passwd"), std::string(65, '1'), std::string("1.2.\0.3", 7),
                                 std::string("1.2/3"), std::string("1 2")}) {
    const InstanceOutcome outcome = Ingest(InstanceSpec{.sop = uid});
    EXPECT_FALSE(outcome.stored()) << uid;
    EXPECT_TRUE(outcome.reason == FailureReason::kDataSetMismatch ||
                outcome.reason == FailureReason::kCannotUnderstand);
  }
  EXPECT_EQ(Findings(), "");
}

TEST_F(IngestTest, TakesUidsThatOnlyBreakTheFinerRulesWithAWarning) {
  const InstanceOutcome outcome = Ingest(InstanceSpec{.study = "1.02.3"});
  EXPECT_TRUE(outcome.stored());
  EXPECT_THAT(outcome.warnings, ::testing::Contains(HasSubstr("9.1")));
}

TEST_F(IngestTest, WarnsOfMoreFramesThanThereCanBe) {
  auto out = testing::BeginImage({.frames = INT32_MAX});
  out.Add(dicom::tags::kPixelData, "OB", testing::LetterFrames("a"));
  const InstanceOutcome outcome = Ingest(out.Take());
  EXPECT_EQ(outcome.kind, Kind::kStored) << outcome.explanation;
  EXPECT_THAT(outcome.warnings, ::testing::ElementsAre(HasSubstr("frames cannot be told apart: more than")));
}

TEST_F(IngestTest, RemarksWhatCannotBeRightAndStoresItAllTheSame) {
  const auto remarks = [&](const std::string& part10) {
    const InstanceOutcome outcome = Ingest(part10, {.duplicates = DuplicatePolicy::kReplace});
    EXPECT_TRUE(outcome.stored()) << outcome.explanation;
    return outcome.warnings;
  };
  EXPECT_THAT(remarks(MakeInstance({})), ::testing::IsEmpty());
  EXPECT_THAT(remarks(MakeInstance({.birth_date = "", .study_date = "2024.01.15"})), ::testing::IsEmpty());
  EXPECT_THAT(remarks(MakeInstance({.birth_date = "19701331"})),
              ::testing::ElementsAre("Patient's Birth Date is not a date"));
  EXPECT_THAT(remarks(MakeInstance({.study_date = "yesterday"})), ::testing::ElementsAre("Study Date is not a date"));
  InstanceSpec spec;
  spec.with_character_set = false;
  spec.more = {{dicom::tags::kSpecificCharacterSet, dicom::Vr("CS"), "ISO 2022 IR 6\\ISO 2022 IR 87"}};
  EXPECT_THAT(remarks(MakeInstance(spec)), ::testing::IsEmpty());
  spec.more[0].value = "ISO_IR 999";
  EXPECT_THAT(remarks(MakeInstance(spec)), ::testing::ElementsAre(HasSubstr("Specific Character Set is unknown")));

  const auto with = [](std::string_view from, std::string_view to) {
    std::string bytes = MakeInstance({});
    bytes.replace(bytes.find(from), to.size(), to);  // the first one is in the File Meta Information
    return bytes;
  };
  EXPECT_THAT(remarks(with("1.2.1.1.1", "1.2.1.1.7")),
              ::testing::ElementsAre(HasSubstr("Media Storage SOP Instance UID is not")));
  EXPECT_THAT(remarks(with("1.2.840.10008.1.2.1", "1.2.840.10008.1.2.9")),
              ::testing::ElementsAre("the transfer syntax 1.2.840.10008.1.2.9 is unknown"));
}

TEST_F(IngestTest, NothingIsKeptOfAnAbandonedRequest) {
  IngestBatch batch(*store_, {}, std::nullopt, Logger());
  batch.BeginInstance();
  batch.Append(MakeInstance({}));
  batch.EndInstance();
  batch.BeginInstance();
  batch.Append(Bytes(MakeInstance({.sop = "1.2.1.1.2"})).substr(0, 300));
  batch.EndInstance(/*received_whole=*/false);
  EXPECT_EQ(batch.Abandon(), 0u);
  EXPECT_EQ(StoredBytes({"1.2.1", "1.2.1.1", "1.2.1.1.1"}), "(not found)");
}

TEST_F(IngestTest, AnAbandonedRequestTellsHowMuchOfItIsStored) {
  IngestBatch batch(*store_, {}, std::nullopt, Logger());
  for (const char* sop : {"1.2.1.1.1", "1.2.1.1.1", "1.2.1.1.2"}) {  // twice the same: the first is stored at once
    batch.BeginInstance();
    batch.Append(MakeInstance({.sop = sop}));
    batch.EndInstance();
  }
  EXPECT_EQ(batch.Abandon(), 2u);
  EXPECT_NE(StoredBytes({"1.2.1", "1.2.1.1", "1.2.1.1.1"}), "(not found)");
  EXPECT_EQ(StoredBytes({"1.2.1", "1.2.1.1", "1.2.1.1.2"}), "(not found)");
}

TEST_F(IngestTest, APrefixIsRefusedWithAReasonUnlessItEndsWithAnElement) {
  const std::string bytes = MakeInstance({});
  int refused = 0;
  for (size_t length = 0; length < bytes.size(); length += 7) {
    const InstanceOutcome outcome = Ingest(bytes.substr(0, length));
    if (outcome.stored()) {  // a whole instance that happens to have less in it
      EXPECT_EQ(StoredBytes(outcome.name), bytes.substr(0, length));
      ASSERT_TRUE(store_->Delete(outcome.name.study_uid, std::nullopt, std::nullopt).ok());
      continue;
    }
    ++refused;
    EXPECT_FALSE(outcome.explanation.empty());
  }
  EXPECT_GT(refused, 150);
  EXPECT_FALSE(Ingest(bytes.substr(0, bytes.size() - 1)).stored()) << "pixel data that lacks a byte";
}

TEST_F(IngestTest, ManyRequestsForOneNameStoreItOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> stored{0}, identical{0}, refused{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < 20; ++turn) {
        const auto outcome =
            Ingest(InstanceSpec{.sop = "1.2.1.1." + std::to_string(turn), .pixel_fill = static_cast<char>(i % 2)});
        (outcome.kind == Kind::kStored ? stored : outcome.kind == Kind::kIdentical ? identical : refused)++;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stored, 20);
  EXPECT_EQ(identical + refused, 140);
  EXPECT_EQ(Findings(), "");
}

TEST_F(IngestTest, ManyInstancesInOneRequest) {
  IngestBatch batch(*store_, {}, std::nullopt, Logger());
  for (int i = 0; i < 500; ++i) {
    batch.BeginInstance();
    batch.Append(MakeInstance({.sop = "1.2.1.1." + std::to_string(i)}));
    batch.EndInstance();
  }
  const auto outcomes = batch.Finish();
  EXPECT_EQ(std::count_if(outcomes.begin(), outcomes.end(), [](const auto& o) { return o.kind == Kind::kStored; }),
            500);
  EXPECT_EQ(Findings(), "");
}

}  // namespace
}  // namespace hilum
