// The ImagingStudy of stored images: there in the commit that stores them, whole wherever it is read.
#include <gmock/gmock.h>

#include "fhir/store/keys.h"
#include "tests/fhir/imaging/imaging_fixture.h"

namespace hilum::fhir::imaging {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DerivedTest : public ImagingFixture {};

TEST_F(DerivedTest, IsThereWhenTheImagesAre) {
  Stow({{}});
  const std::string study = Read("ImagingStudy/1.2.1");
  EXPECT_EQ(At(study, "identifier.0.system"), "urn:dicom:uid");
  EXPECT_EQ(At(study, "identifier.0.value"), "urn:oid:1.2.1");
  EXPECT_EQ(At(study, "identifier.1.type.coding.0.code"), "ACSN");
  EXPECT_EQ(At(study, "identifier.1.value"), "A1");
  EXPECT_EQ(At(study, "status"), "available");
  EXPECT_EQ(At(study, "modality.0.code"), "CT");
  EXPECT_EQ(At(study, "subject.identifier.system"), "http://hospital.test/mrn");
  EXPECT_EQ(At(study, "subject.identifier.value"), "P1");
  EXPECT_EQ(At(study, "started"), "2024-01-15T10:15:00+00:00");
  EXPECT_EQ(At(study, "endpoint.0.reference"), "Endpoint/hilum-dicomweb");
  EXPECT_EQ(At(study, "numberOfSeries"), "1");
  EXPECT_EQ(At(study, "numberOfInstances"), "1");
  EXPECT_EQ(At(study, "description"), "Head");
  EXPECT_EQ(At(study, "series.0.uid"), "1.2.1.1");
  EXPECT_EQ(At(study, "series.0.number"), "1");
  EXPECT_EQ(At(study, "series.0.modality.code"), "CT");
  EXPECT_EQ(At(study, "series.0.description"), "Axial");
  EXPECT_EQ(At(study, "series.0.numberOfInstances"), "1");
  EXPECT_EQ(At(study, "series.0.instance.0.uid"), "1.2.1.1.1");
  EXPECT_EQ(At(study, "series.0.instance.0.number"), "1");
  EXPECT_EQ(At(study, "series.0.instance.0.sopClass.code"), "urn:oid:1.2.840.10008.5.1.4.1.1.2");
  EXPECT_EQ(At(study, "meta.versionId"), "1");
}

TEST_F(DerivedTest, ASeriesSaysWhenItBeganAndOfWhichSideItIs) {
  using dicom::Vr;
  const InstanceSpec::Element performed{dicom::tags::kPerformedProcedureStepStartDate, Vr("DA"), "20240114"};
  Stow({{.more = {{{0x0008, 0x0021}, Vr("DA"), "20240115"},
                  {{0x0008, 0x0031}, Vr("TM"), "103000"},
                  {{0x0020, 0x0060}, Vr("CS"), "L"},
                  performed}},
        {.series = "1.2.1.2", .sop = "1.2.1.2.1", .series_number = "2", .more = {performed}},
        {.series = "1.2.1.3", .sop = "1.2.1.3.1", .series_number = "3", .more = {{{0x0020, 0x0060}, Vr("CS"), "B"}}}});
  const std::string study = Read("ImagingStudy/1.2.1");
  EXPECT_EQ(At(study, "series.0.started"), "2024-01-15T10:30:00+00:00");
  EXPECT_EQ(At(study, "series.0.laterality.system"), "http://snomed.info/sct");
  EXPECT_EQ(At(study, "series.0.laterality.code"), "419161000");
  EXPECT_EQ(At(study, "series.1.started"), "2024-01-14");
  EXPECT_EQ(At(study, "series.1.laterality"), "(nothing)");
  EXPECT_EQ(At(study, "series.2.started"), "(nothing)");
  EXPECT_EQ(At(study, "series.2.laterality.code"), "51440002");
  Stow({{.sop = "1.2.1.1.2"}});
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1/_history/1"), "series.0.laterality.code"), "419161000");
}

// The row that says what all studies are linked with begins with the derivation.
TEST_F(DerivedTest, StudiesOfAnotherReleaseAreDerivedAnew) {
  Stow({{.more = {{{0x0020, 0x0060}, dicom::Vr("CS"), "R"}}}});
  linker_.reset();
  const auto head = resources_->Read()->FindHead(*FindResourceType("ImagingStudy"), "1.2.1");
  ASSERT_TRUE(head.ok() && *head);
  const auto to_older = [&](storage::Txn& txn) -> Status {
    HILUM_ASSIGN_OR_RETURN(auto synced, txn.Get(storage::Family::kResource, SyncedKey()));
    (*synced)[0] = 3;
    txn.Put(storage::Family::kResource, SyncedKey(), *synced);
    StudyImages images;  // which knew nothing of sides
    images.series["1.2.1.1"] = {.number = "1", .modality = "CT", .description = "Axial"};
    images.series["1.2.1.1"].instances["1.2.1.1.1"] = {.sop_class = "1.2.840.10008.5.1.4.1.1.2", .number = "1"};
    PutDelta(txn, resources_->schema().CollectionOf(*FindResourceType("ImagingStudy")), (*head)->doc, 1,
             Encode(DeltaOf(images)));
    return Status::Ok();
  };
  ASSERT_TRUE(store_->writer().Run(to_older).status().ok());
  Link();
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1").version, 2u);
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1/_history/2"), "series.0.laterality.code"), "419465000");
  const auto links = VerifyLinks(*resources_, LinkDepth::kDeep);
  ASSERT_TRUE(links.ok());
  EXPECT_THAT(links->findings.texts, ::testing::IsEmpty());
}

TEST_F(DerivedTest, VerifyKnowsThePublicUrlByWhichItIsDerived) {
  resource_options_.base_url = "https://pacs.test/fhir";
  Reopen();
  EXPECT_EQ(Run("PUT", "Patient/jane", R"({"resourceType":"Patient","id":"jane"})").status, 201);
  EXPECT_EQ(Run("PUT", "ImagingStudy/mine",
                R"({"resourceType":"ImagingStudy","id":"mine","status":"available","identifier":[)"
                R"({"system":"urn:dicom:uid","value":"urn:oid:1.2.1"}],)"
                R"("subject":{"reference":"https://pacs.test/fhir/Patient/jane"}})")
                .status,
            201);
  Stow({{}});
  EXPECT_EQ(At(Read("ImagingStudy/mine"), "numberOfInstances"), "1");
  linker_.reset();
  const auto bound = ResourceStore::OpenAsBound(*store_, {}, clock_, random_);
  ASSERT_TRUE(bound.ok()) << bound.status().ToString();
  const auto links = VerifyLinks(**bound, LinkDepth::kDeep);
  ASSERT_TRUE(links.ok()) << links.status().ToString();
  EXPECT_THAT(links->findings.texts, ::testing::IsEmpty());
}

// Another release took or made it.
TEST_F(DerivedTest, WhatIsNotValidHoldsUpNeitherImagesNorRecords) {
  const TypeId type = *FindResourceType("ImagingStudy");
  Stow({{}});
  const auto stored_with = [&](const std::string& more) {
    Delete("1.2.1");
    Stow({{.study_description = ""}});
    const auto put = [&](storage::Txn& txn) -> Status {
      ResourceTxn resources(*resources_, txn);
      HILUM_ASSIGN_OR_RETURN(const auto newest, resources.Newest(type, "1.2.1"));
      HILUM_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(newest->bytes));
      json::Edits edits;
      edits.Insert(document.root().end() - 1, "," + more);
      std::vector<Write> writes;
      writes.push_back({.method = Method::kUpdate, .type = type, .id = "1.2.1", .seen_version = newest->number});
      std::tie(writes[0].after.emplace(), writes[0].before.emplace()) =
          resources_->PrepareUnindexed(document.root(), std::move(edits), *newest);
      writes[0].after->partial = true;
      return resources.WriteAll(std::move(writes), {}).status();
    };
    ASSERT_TRUE(store_->writer().Run(put).status().ok());
  };
  const std::string note = R"("note":[{"text":"x"}])";
  for (const std::string invalid :
       {R"("_description":{"id":"x"})", R"("reasonCode":[{"no":"such"}])", R"("no":"such")"}) {
    stored_with(note + "," + invalid);
    const Answer jane = Run("PUT", "Patient/jane",
                            R"({"resourceType":"Patient","id":"jane","identifier":[)"
                            R"({"system":"http://hospital.test/mrn","value":"P1"}]})");
    EXPECT_LT(jane.status, 300) << jane.body;
    std::string study = Read("ImagingStudy/1.2.1");
    EXPECT_EQ(At(study, "subject.reference"), "Patient/jane");
    EXPECT_EQ(At(study, "note.0.text"), invalid.starts_with("\"no\"") ? "(nothing)" : "x") << invalid;
    ExpectAllAgrees();
    EXPECT_EQ(Run("DELETE", "Patient/jane").status, 204);

    stored_with(note + "," + invalid);
    Stow({{.series = "1.2.1.2", .sop = "1.2.1.2.1", .accession = "A2", .study_description = ""}});
    options_.resolver.accession_system += "x";
    Link();
    study = Read("ImagingStudy/1.2.1");
    EXPECT_EQ(At(study, "identifier.1.system"), options_.resolver.accession_system);
    ExpectAllAgrees();
  }
}

TEST_F(DerivedTest, ARequestMakesOneVersion) {
  Stow({{}, {.sop = "1.2.1.1.2", .instance_number = "2"}});
  Stow({{.series = "1.2.1.2", .sop = "1.2.1.2.1", .modality = "MR"}});
  const Answer answer = Run("GET", "ImagingStudy/1.2.1");
  EXPECT_EQ(answer.version, 2u);
  EXPECT_EQ(Images(answer.body), "1.2.1.1:1.2.1.1.1,1.2.1.1.2 1.2.1.2:1.2.1.2.1");
  EXPECT_EQ(At(answer.body, "modality.1.code"), "MR");
  EXPECT_EQ(At(answer.body, "numberOfInstances"), "3");
}

TEST_F(DerivedTest, ARepeatMakesNone) {
  Stow({{}});
  Stow({{}});
  Stow({{.pixel_fill = 3}}, DuplicatePolicy::kReplace);
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1").version, 1u);
}

TEST_F(DerivedTest, SeriesAndInstancesComeByNumber) {
  Stow({{.series = "1.2.1.9", .sop = "1.2.1.9.1", .series_number = "2", .instance_number = "10"},
        {.series = "1.2.1.9", .sop = "1.2.1.9.2", .series_number = "2", .instance_number = "9"},
        {.series = "1.2.1.8", .sop = "1.2.1.8.1", .series_number = "10"},
        {.series = "1.2.1.7", .sop = "1.2.1.7.1", .series_number = ""}});
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1")), "1.2.1.9:1.2.1.9.2,1.2.1.9.1 1.2.1.8:1.2.1.8.1 1.2.1.7:1.2.1.7.1");
}

TEST_F(DerivedTest, OldVersionsAreAsTheyWere) {
  Stow({{}});
  Stow({{.sop = "1.2.1.1.2"}});
  Delete("1.2.1", "1.2.1.1", "1.2.1.1.1");
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1/_history/1")), "1.2.1.1:1.2.1.1.1");
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1/_history/2")), "1.2.1.1:1.2.1.1.1,1.2.1.1.2");
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1/_history/3")), "1.2.1.1:1.2.1.1.2");
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1")), "1.2.1.1:1.2.1.1.2");
  const std::string history = Run("GET", "ImagingStudy/1.2.1/_history").body;
  EXPECT_EQ(At(history, "total"), "3");
  EXPECT_EQ(Images(At(history, "entry.0.resource")), "1.2.1.1:1.2.1.1.2");
  EXPECT_EQ(Images(At(history, "entry.2.resource")), "1.2.1.1:1.2.1.1.1");
  // Its id is not the server's to choose: a replay has to PUT it.
  EXPECT_EQ(At(history, "entry.2.request.method"), "PUT");
}

// What the images say is what those say that are stored now.
class ChangedImagesTest : public DerivedTest {
 protected:
  // "version: patient / description / body site"
  std::string Said() {
    const std::string study = Read("ImagingStudy/1.2.1");
    return At(study, "meta.versionId") + ": " + At(study, "subject.identifier.value") + " / " +
           At(study, "description") + " / " + At(study, "series.0.description");
  }
  void TearDown() override {
    ExpectAllAgrees();
    DerivedTest::TearDown();
  }
  const InstanceSpec wrong_{.patient_id = "WRONG", .study_description = "one", .series_description = "head"};
  const InstanceSpec right_{
      .sop = "1.2.1.1.2", .patient_id = "RIGHT", .study_description = "two", .series_description = "chest"};
};

TEST_F(ChangedImagesTest, AReplacementIsANewVersion) {
  Stow({wrong_});
  InstanceSpec again = right_;
  again.sop = wrong_.sop;
  Stow({again}, DuplicatePolicy::kReplace);
  EXPECT_EQ(Said(), "2: RIGHT / two / chest");
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1/_history/1"), "series.0.description"), "head");
  EXPECT_EQ(Total("ImagingStudy?dicom-StudyDescription=two"), 1);
  EXPECT_EQ(Total("ImagingStudy?dicom-StudyDescription=one"), 0);
}

TEST_F(ChangedImagesTest, SoIsTheDeletionOfTheFirstInstance) {
  Stow({wrong_, right_});
  ASSERT_EQ(Said(), "1: WRONG / one / head");
  Delete("1.2.1", "1.2.1.1", wrong_.sop);
  EXPECT_EQ(Said(), "2: RIGHT / two / chest");
  Delete("1.2.1", "1.2.1.1", right_.sop);
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1").status, 410);
}

// How a study grows that a modality sends image by image.
class GrowingStudyTest : public DerivedTest {
 protected:
  static std::string Sop(int number) { return "1.2.1.1." + std::to_string(number); }
  void StowOne(int number) { Stow({{.sop = Sop(number), .instance_number = std::to_string(number)}}); }
  static std::string FirstImages(int count) {
    std::string images;
    for (int i = 1; i <= count; ++i) images += (i == 1 ? "1.2.1.1:" : ",") + Sop(i);
    return images;
  }
  void ExpectVersion(int version, int images) {
    const std::string text = Read("ImagingStudy/1.2.1/_history/" + std::to_string(version));
    EXPECT_EQ(Images(text), FirstImages(images)) << version;
    EXPECT_EQ(At(text, "numberOfInstances"), std::to_string(images)) << version;
    EXPECT_EQ(At(text, "meta.versionId"), std::to_string(version));
  }
  // Bytes of the row of a version.
  size_t Stored(uint64_t version, const std::string& id = "1.2.1") {
    const auto reader = resources_->Read();
    const TypeId type = *FindResourceType("ImagingStudy");
    const auto collection = reader->CollectionOf(type);
    const storage::Doc doc = *reader->FindDoc(type, id).value();
    const auto row = reader->kv().Get(storage::Family::kResource,
                                      VersionKey(storage::Tenant::kDefault, collection, doc, version, 0));
    return (*row)->size();
  }
  void PutNote(const std::string& text) {
    const std::string body = Read("ImagingStudy/1.2.1");
    const std::string noted = body.substr(0, body.size() - 1) + R"(,"note":[{"text":")" + text + "\"}]}";
    ASSERT_EQ(Run("PUT", "ImagingStudy/1.2.1", noted).status, 200);
  }
};

TEST_F(GrowingStudyTest, EveryVersionIsWholeAndMostAreStoredAsEdits) {
  for (int i = 1; i <= 12; ++i) StowOne(i);
  for (int i = 1; i <= 12; ++i) ExpectVersion(i, i);
  for (int i = 2; i <= 12; ++i) EXPECT_LT(Stored(i), 128u) << i;
  EXPECT_EQ(Total("ImagingStudy?_lastUpdated=gt2000"), 1);
  ExpectAllAgrees();
}

TEST_F(GrowingStudyTest, WhatElseChangesIsStoredWholeAndCountedOnFrom) {
  for (int i = 1; i <= 3; ++i) StowOne(i);
  Stow({{.series = "1.2.1.2", .sop = "1.2.1.2.1", .modality = "MR"}});
  EXPECT_GT(Stored(4), 400u);
  for (int i = 4; i <= 5; ++i) StowOne(i);
  EXPECT_LT(Stored(6), 128u);
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "numberOfInstances"), "6");
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "numberOfSeries"), "2");
  Delete("1.2.1", "1.2.1.2");
  Delete("1.2.1", "1.2.1.1", Sop(5));
  ExpectVersion(8, 4);
  ExpectAllAgrees();
}

TEST_F(GrowingStudyTest, WhatUsersWriteInBetweenStays) {
  for (int i = 1; i <= 3; ++i) StowOne(i);
  PutNote("seen");
  for (int i = 4; i <= 6; ++i) StowOne(i);
  ExpectVersion(4, 3);
  ExpectVersion(7, 6);
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "note.0.text"), "seen");
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1/_history/3"), "note.0.text"), "(nothing)");
  EXPECT_LT(Stored(7), 128u);
  ExpectAllAgrees();
}

TEST_F(GrowingStudyTest, WhatUsersMadeForItGrowsUnderItsOwnId) {
  ASSERT_EQ(Run("PUT", "ImagingStudy/mine",
                R"({"resourceType":"ImagingStudy","id":"mine","status":"registered","subject":{"display":"x"},)"
                R"("identifier":[{"system":"urn:dicom:uid","value":"urn:oid:1.2.1"}]})")
                .status,
            201);
  for (int i = 1; i <= 4; ++i) StowOne(i);
  EXPECT_EQ(Images(Read("ImagingStudy/mine/_history/5")), FirstImages(4));
  EXPECT_LT(Stored(5, "mine"), 128u);
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1").status, 404);
  ExpectAllAgrees();
}

TEST_F(GrowingStudyTest, BeginsAnewWhenTheStudyDoes) {
  for (int i = 1; i <= 3; ++i) StowOne(i);
  Delete("1.2.1");
  for (int i = 1; i <= 3; ++i) StowOne(i);
  ExpectVersion(7, 3);
  EXPECT_GT(Stored(5), 400u);
  EXPECT_LT(Stored(6), 128u);
  ExpectAllAgrees();
}

TEST_F(GrowingStudyTest, GrowsOnAfterARestartWithoutANewBeginning) {
  for (int i = 1; i <= 3; ++i) StowOne(i);
  Reopen();
  StowOne(4);
  EXPECT_LT(Stored(4), 128u);
  PutNote("seen");
  options_.enabled = false;
  Link();
  options_.enabled = true;
  Link();
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1").version, 5u);
  options_.enabled = false;
  Link();
  StowOne(5);
  options_.enabled = true;
  Link();
  ExpectVersion(6, 5);
  StowOne(6);
  ExpectVersion(7, 6);
  ExpectAllAgrees();
}

TEST_F(DerivedTest, AZoneThatThereIsNotIsThatOfTheSettings) {
  Stow({{.study_date = "20240115", .more = {{dicom::tags::kTimezoneOffsetFromUtc, dicom::Vr("SH"), "+1430"}}}});
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "started"), "2024-01-15T10:15:00+00:00");
  ExpectAllAgrees();
}

TEST_F(DerivedTest, GoesWithTheLastImageAndComesBackWithTheNext) {
  Stow({{}});
  Delete("1.2.1");
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1").status, 410);
  EXPECT_EQ(Total("ImagingStudy"), 0);
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1/_history/1")), "1.2.1.1:1.2.1.1.1");
  Stow({{.series = "1.2.1.2", .sop = "1.2.1.2.1"}});
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1").version, 3u);
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1")), "1.2.1.2:1.2.1.2.1");
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1/_history/3")), "1.2.1.2:1.2.1.2.1");
  EXPECT_EQ(Total("ImagingStudy?identifier=urn:dicom:uid|urn:oid:1.2.1"), 1);
}

TEST_F(DerivedTest, FollowsTheDefaultZone) {
  Stow({{}});
  EXPECT_THAT(At(Read("ImagingStudy/1.2.1"), "started"), ::testing::EndsWith("+00:00"));
  resource_options_.default_offset_minutes = 120;
  Reopen();
  EXPECT_THAT(At(Read("ImagingStudy/1.2.1"), "started"), ::testing::EndsWith("+02:00"));
  ExpectAllAgrees();
}

TEST_F(DerivedTest, LivesThroughARestart) {
  Stow({{}, {.sop = "1.2.1.1.2"}});
  const std::string before = Read("ImagingStudy/1.2.1");
  Reopen();
  EXPECT_EQ(Read("ImagingStudy/1.2.1"), before);
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1").version, 1u);
}

TEST_F(DerivedTest, IsFoundAndIncludedLikeAnyResource) {
  ASSERT_EQ(
      Run("PUT", "Patient/p",
          R"({"resourceType":"Patient","id":"p","identifier":[{"system":"http://hospital.test/mrn","value":"P1"}]})")
          .status,
      201);
  Stow({{}});
  ASSERT_TRUE(linker_->PutEndpoint("http://here.test/dicom-web").ok());
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "subject.reference"), "Patient/p");
  for (const char* query : {"identifier=urn:dicom:uid|urn:oid:1.2.1", "identifier=A1", "subject=Patient/p", "patient=p",
                            "started=2024-01-15", "status=available", "endpoint=Endpoint/hilum-dicomweb",
                            "patient.identifier=P1", "_id=1.2.1"}) {
    EXPECT_EQ(Total(std::string("ImagingStudy?") + query), 1) << query;
  }
  EXPECT_EQ(Total("Patient?_has:ImagingStudy:patient:status=available"), 1);
  const std::string page = Run("GET", "ImagingStudy?_include=ImagingStudy:subject&_include=ImagingStudy:endpoint").body;
  EXPECT_THAT(page, HasSubstr("1.2.1.1.1"));
  EXPECT_THAT(page, HasSubstr("http://here.test/dicom-web"));
  EXPECT_THAT(page, HasSubstr("Patient/p"));
  const std::string everything = Run("GET", "Patient/p/$everything").body;
  EXPECT_EQ(At(everything, "total"), "2");
  EXPECT_THAT(everything, HasSubstr("1.2.1.1.1"));
}

TEST_F(DerivedTest, SeriesAreLeftOutWhereNobodyAsksForThem) {
  Stow({{}});
  EXPECT_THAT(Run("GET", "ImagingStudy/1.2.1?_elements=status").body, Not(HasSubstr("series")));
  EXPECT_THAT(Run("GET", "ImagingStudy/1.2.1?_elements=series").body, HasSubstr("1.2.1.1.1"));
  EXPECT_THAT(Run("GET", "ImagingStudy/1.2.1?_summary=true").body, HasSubstr("1.2.1.1"));
  EXPECT_THAT(Run("GET", "ImagingStudy?_elements=status").body, Not(HasSubstr("series")));
}

TEST_F(DerivedTest, LastUpdatedIsThatOfTheNewestVersion) {
  Stow({{}});
  Stow({{.sop = "1.2.1.1.2"}});
  const std::string updated = At(Read("ImagingStudy/1.2.1"), "meta.lastUpdated");
  EXPECT_EQ(Total("ImagingStudy?_lastUpdated=" + updated), 1);
  const std::string first = At(Read("ImagingStudy/1.2.1/_history/1"), "meta.lastUpdated");
  EXPECT_EQ(Total("ImagingStudy?_lastUpdated=" + first), 0);
}

TEST_F(DerivedTest, TextsThatFhirDoesNotTakeAreCleaned) {
  Stow({{.accession = "  ",
         .study_description = "a\x01\x02 b\n",
         .series_description = " \x1f ",
         .instance_number = "-3"}});
  const std::string study = Read("ImagingStudy/1.2.1");
  EXPECT_EQ(At(study, "description"), "a b");
  EXPECT_EQ(At(study, "identifier.1.value"), "(nothing)");
  EXPECT_EQ(At(study, "series.0.description"), "(nothing)");
  EXPECT_EQ(At(study, "series.0.instance.0.number"), "(nothing)");
}

TEST_F(DerivedTest, AStudyOfNobodySaysThatThePatientIsUnknown) {
  Stow({{.patient_id = "", .study_date = "", .study_time = ""}});
  const std::string study = Read("ImagingStudy/1.2.1");
  EXPECT_EQ(At(study, "subject.extension.0.valueCode"), "unknown");
  EXPECT_EQ(At(study, "started"), "(nothing)");
}

TEST_F(DerivedTest, StudiesStoredWhileNobodyLinkedAreLinkedAtTheNextStart) {
  options_.enabled = false;
  Link();
  Stow({{}});
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1").status, 404);
  options_.enabled = true;
  Link();
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1")), "1.2.1.1:1.2.1.1.1");
  options_.enabled = false;
  Link();
  Stow({{.sop = "1.2.1.1.2"}, {.study = "1.9", .series = "1.9.1", .sop = "1.9.1.1"}});
  options_.enabled = true;
  Link();
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1")), "1.2.1.1:1.2.1.1.1,1.2.1.1.2");
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1/_history/2")), "1.2.1.1:1.2.1.1.1,1.2.1.1.2");
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "numberOfInstances"), "2");
  EXPECT_EQ(Images(Read("ImagingStudy/1.9")), "1.9.1:1.9.1.1");
  options_.enabled = false;
  Link();
  Delete("1.9");
  options_.enabled = true;
  Link();
  EXPECT_EQ(Run("GET", "ImagingStudy/1.9").status, 410);
}

TEST_F(DerivedTest, TheEndpointGetsANewVersionOnlyWithANewAddress) {
  ASSERT_TRUE(linker_->PutEndpoint("http://here.test/dicom-web").ok());
  ASSERT_TRUE(linker_->PutEndpoint("http://here.test/dicom-web").ok());
  EXPECT_EQ(At(Read("Endpoint/hilum-dicomweb"), "meta.versionId"), "1");
  ASSERT_TRUE(linker_->PutEndpoint("http://there.test/dicom-web").ok());
  EXPECT_EQ(At(Read("Endpoint/hilum-dicomweb"), "address"), "http://there.test/dicom-web");
}

TEST_F(DerivedTest, ProceduresAreThoseOfTheRequest) {
  const std::string code = OneItem({{{0x0008, 0x0100}, dicom::Vr("SH"), "241541005"},
                                    {{0x0008, 0x0102}, dicom::Vr("SH"), "SCT"},
                                    {{0x0008, 0x0104}, dicom::Vr("LO"), "HRCT of \"chest\""}});
  Stow({{.more = {{{0x0032, 0x1064}, dicom::Vr("SQ"), code}}}});
  const std::string study = Read("ImagingStudy/1.2.1");
  EXPECT_EQ(At(study, "procedureCode.0.coding.0.system"), "http://snomed.info/sct");
  EXPECT_EQ(At(study, "procedureCode.0.coding.0.code"), "241541005");
  EXPECT_EQ(At(study, "procedureCode.0.coding.0.display"), "HRCT of \"chest\"");
}

}  // namespace
}  // namespace hilum::fhir::imaging
