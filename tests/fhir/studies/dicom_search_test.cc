// Searches over images and records: dicom-* parameters of ImagingStudy, and FHIR filters of DICOM searches.
#include <gmock/gmock.h>

#include <map>

#include "codecs/dicom/writer.h"
#include "fhir/studies/study_filter.h"
#include "pipelines/dicom_ingest/ingest.h"
#include "tests/fhir/support/interactions_fixture.h"

namespace hilum::fhir {
namespace {

using dicom::Tag;
using dicom::Vr;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using Elements = std::map<Tag, std::pair<Vr, std::string>>;

class DicomSearchTest : public InteractionsFixture {
 protected:
  void Store(const std::string& study, const std::string& series, const std::string& sop, Elements elements) {
    elements[dicom::tags::kSopClassUid] = {"UI", "1.2.840.10008.5.1.4.1.1.2"};
    elements[dicom::tags::kSopInstanceUid] = {"UI", sop};
    elements[dicom::tags::kStudyInstanceUid] = {"UI", study};
    elements[dicom::tags::kSeriesInstanceUid] = {"UI", series};
    dicom::Part10Writer out("1.2.840.10008.5.1.4.1.1.2", sop);
    for (const auto& [tag, element] : elements) out.Add(tag, element.first, element.second);
    IngestBatch batch(*store_, {}, std::nullopt, Logger());
    batch.BeginInstance();
    batch.Append(out.Take());
    batch.EndInstance();
    ASSERT_TRUE(batch.Finish().at(0).stored());
  }
  // Makes `id` the ImagingStudy of the stored study.
  void Describe(const std::string& study, const std::string& id, const std::string& patient) {
    const std::string text = R"({"resourceType":"ImagingStudy","id":")" + id +
                             R"(","status":"available","subject":{"reference":"Patient/)" + patient + "\"}}";
    const auto document = json::Document::Parse(text);
    const Validation validation = Validate(document->root());
    const TypeId type = *FindResourceType("ImagingStudy");
    Write write{.type = type, .id = id};
    write.after = resources_->Prepare(document->root(), validation.typing, id, 1).value();
    write.after->index.images = store_->Read().FindStudy(study).value();
    ASSERT_TRUE(write.after->index.images.has_value());
    const Status status = store_->writer()
                              .Run([&](storage::Txn& txn) -> Status {
                                ResourceTxn resources(*resources_, txn);
                                std::vector<Write> writes;
                                writes.push_back(std::move(write));
                                return resources.WriteAll(std::move(writes), {}).status();
                              })
                              .status();
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  void SetUp() override {
    InteractionsFixture::SetUp();
    Put("Patient/jane", R"({"resourceType":"Patient","id":"jane","gender":"female","birthDate":"1950-05-05"})");
    Put("Patient/john", R"({"resourceType":"Patient","id":"john","gender":"male","birthDate":"1980-01-01"})");
    Put("Condition/c", R"({"resourceType":"Condition","id":"c","subject":{"reference":"Patient/john"},
                           "code":{"coding":[{"system":"urn:c","code":"cancer"}]}})");
    // Jane: thin and thick slices. John: thick ones. Nobody: a study without a resource.
    Store("1.1", "1.1.1", "1.1.1.1", Series("CT", "1.0", "CHEST"));
    Store("1.1", "1.1.2", "1.1.2.1", Series("CT", "5", "HEAD"));
    Store("1.2", "1.2.1", "1.2.1.1", Series("MR", "5.0", "Chest"));
    Store("1.3", "1.3.1", "1.3.1.1", Series("CT", "0.5", "CHEST"));
    Describe("1.1", "a", "jane");
    Describe("1.2", "b", "john");
    Put("ImagingStudy/c", R"({"resourceType":"ImagingStudy","id":"c","status":"available",
                             "subject":{"reference":"Patient/jane"}})");
  }
  static Elements Series(const std::string& modality, const std::string& thickness, const std::string& part) {
    return {{dicom::tags::kStudyDate, {"DA", "20260301"}}, {dicom::tags::kStudyTime, {"TM", "101500"}},
            {dicom::tags::kModality, {"CS", modality}},    {dicom::tags::kPatientName, {"PN", "Doe^Jane"}},
            {Tag(0x0010, 0x1010), {"AS", "065Y"}},         {dicom::tags::kBodyPartExamined, {"CS", part}},
            {Tag(0x0018, 0x0050), {"DS", thickness}}};
  }
  void Put(const std::string& url, const std::string& body) {
    const Answer answer = Run("PUT", url, body);
    ASSERT_LT(answer.status, 300) << answer.body;
  }
  // Ids of what a search finds.
  std::vector<std::string> Ids(std::string_view url) {
    const Answer answer = Run("GET", url);
    EXPECT_EQ(answer.status, 200) << url << ": " << answer.body.substr(0, 500);
    std::vector<std::string> ids;
    for (int i = 0; At(answer.body, "entry." + std::to_string(i)) != "(nothing)" && i < 20; ++i) {
      const std::string entry = "entry." + std::to_string(i);
      if (At(answer.body, entry + ".search.mode") == "match") ids.push_back(At(answer.body, entry + ".resource.id"));
    }
    return ids;
  }
  std::string Refusal(std::string_view url) {
    Interaction request = Request("GET", url);
    request.prefer_handling = Handling::kStrict;
    const Answer answer = interactions_->Run(request);
    return std::to_string(answer.status) + " " + answer.body;
  }
  std::vector<std::string> Studies(const std::vector<std::string>& searches) {
    auto query = StudyFilter(*resources_, "/fhir").Compile(searches, "https://here");
    if (!query.ok()) return {query.status().ToString()};
    storage::CatalogueReader reader = store_->Read();
    const auto matches = reader.Find({}, *std::move(query));
    if (!matches.ok()) return {matches.status().ToString()};
    std::vector<std::string> uids;
    for (const storage::Doc study : matches->docs) uids.push_back(reader.Study(study)->uid);
    return uids;
  }
};

TEST_F(DicomSearchTest, EachImageIsKnownByItsOwnValues) {
  // A thick scout first, and last.
  Store("1.4", "1.4.1", "1.4.1.1", Series("CT", "9", "CHEST"));
  Store("1.4", "1.4.1", "1.4.1.2", Series("CT", "0.25", "CHEST"));
  Store("1.5", "1.5.1", "1.5.1.1", Series("CT", "0.25", "CHEST"));
  Store("1.5", "1.5.1", "1.5.1.2", Series("CT", "9", "CHEST"));
  Describe("1.4", "scout-first", "jane");
  Describe("1.5", "scout-last", "john");
  for (const std::string_view value : {"lt0.5", "0.25", "gt8", "9"})
    EXPECT_EQ(Total("ImagingStudy?dicom-SliceThickness=" + std::string(value)), 2) << value;
  EXPECT_EQ(Total("ImagingStudy?dicom-series=Modality$CT$SliceThickness$lt0.5"), 2);
  EXPECT_EQ(Total("ImagingStudy?dicom-instance=SOPInstanceUID$1.4.1.2$SliceThickness$lt0.5"), 1);
  EXPECT_EQ(Total("ImagingStudy?dicom-instance=SOPInstanceUID$1.4.1.1$SliceThickness$lt0.5"), 0);
  EXPECT_EQ(Total("ImagingStudy?dicom-instance=SOPInstanceUID$1.5.1.2$SliceThickness$lt0.5"), 0);
}

TEST_F(DicomSearchTest, AttributesOfOneSeriesOrInstanceAreAskedTogether) {
  EXPECT_THAT(Ids("ImagingStudy?dicom-SliceThickness=lt1.5&dicom-BodyPartExamined=HEAD"), ElementsAre("a"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-series=SliceThickness$lt1.5$BodyPartExamined$HEAD"), IsEmpty());
  EXPECT_THAT(Ids("ImagingStudy?dicom-series=SliceThickness$lt1.5$BodyPartExamined$CHEST"), ElementsAre("a"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-series=Modality$CT$00180050$5$BodyPartExamined$head"), ElementsAre("a"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-series=Modality$MR,Modality$CT"), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-series=SOPInstanceUID$1.1.2.1$BodyPartExamined$HEAD"), ElementsAre("a"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-instance=SOPInstanceUID$1.1.2.1$BodyPartExamined$HEAD"), ElementsAre("a"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-instance=SOPInstanceUID$1.1.2.1$BodyPartExamined$CHEST"), IsEmpty());
  EXPECT_THAT(Ids("Patient?_has:ImagingStudy:patient:dicom-series=Modality$CT$SliceThickness$lt1.5"),
              ElementsAre("jane"));
}

TEST_F(DicomSearchTest, WhatCannotBeAskedTogetherIsRefused) {
  EXPECT_THAT(Refusal("ImagingStudy?dicom-series=Modality"), HasSubstr("in turn"));
  EXPECT_THAT(Refusal("ImagingStudy?dicom-series=Nothing$1"), HasSubstr("'Nothing'"));
  EXPECT_THAT(Refusal("ImagingStudy?dicom-series=StudyDate$20260301"), HasSubstr("dicom-StudyDate"));
  EXPECT_THAT(Refusal("ImagingStudy?dicom-series=SliceThickness$thin"), HasSubstr("400"));
  EXPECT_THAT(Refusal("ImagingStudy?dicom-series:not=Modality$CT"), HasSubstr("400"));
}

TEST_F(DicomSearchTest, AttributesOfStudySeriesAndInstancesAreJoinedUpToTheImagingStudy) {
  EXPECT_THAT(Ids("ImagingStudy?dicom-SliceThickness=lt1.5"), ElementsAre("a"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-00180050=5"), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-BodyPartExamined=chest"), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-SOPInstanceUID=1.2.1.1"), ElementsAre("b"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-ModalitiesInStudy=CT,PT"), ElementsAre("a"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-Modality=MR&dicom-SliceThickness=gt4"), ElementsAre("b"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-PatientName=jane"), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-PatientAge=ge65"), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-PatientAge=gt780M"), IsEmpty());
}

TEST_F(DicomSearchTest, EachParameterMatchesByItself) {
  EXPECT_THAT(Ids("ImagingStudy?dicom-SliceThickness=lt1.5&dicom-BodyPartExamined=HEAD"), ElementsAre("a"))
      << "thin slices in one series, the head in another";
}

TEST_F(DicomSearchTest, DatesHaveTheFormOfFhirOrOfDicom) {
  for (const char* value : {"2026-03-01", "20260301", "2026-03", "20260201-20260331", "20260301-", "-20260301",
                            "ge2026-03-01", "le20260301", "lt2027"})
    EXPECT_EQ(Total("ImagingStudy?dicom-StudyDate=" + std::string(value)), 2) << value;
  for (const char* value : {"2026-03-02", "20260302-", "gt20260301", "2025"})
    EXPECT_EQ(Total("ImagingStudy?dicom-StudyDate=" + std::string(value)), 0) << value;
  EXPECT_EQ(Total("ImagingStudy?dicom-StudyTime=10-11"), 2);
  EXPECT_EQ(Total("ImagingStudy?dicom-StudyTime=11-"), 0);
}

TEST_F(DicomSearchTest, ModifiersSpeakOfTheWholeStudy) {
  EXPECT_THAT(Ids("ImagingStudy?dicom-BodyPartExamined:not=HEAD"), UnorderedElementsAre("b", "c"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-SliceThickness:missing=true"), ElementsAre("c"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-SliceThickness:missing=false"), UnorderedElementsAre("a", "b"));
  EXPECT_THAT(Ids("ImagingStudy?dicom-RequestAttributesSequence.RequestedProcedureID:missing=false"), IsEmpty());
}

TEST_F(DicomSearchTest, GoesIntoChainsAndHas) {
  EXPECT_THAT(Ids("Patient?_has:ImagingStudy:patient:dicom-SliceThickness=lt1.5"), ElementsAre("jane"));
  EXPECT_THAT(Ids("Condition?patient._has:ImagingStudy:subject:dicom-Modality=MR"), ElementsAre("c"));
  EXPECT_THAT(Ids("Patient?gender=male&_has:ImagingStudy:patient:dicom-RequestAttributesSequence.00401001=X"),
              IsEmpty());
  EXPECT_THAT(Ids("ImagingStudy?patient.gender=female&dicom-Modality=CT"), ElementsAre("a"));
}

TEST_F(DicomSearchTest, WhatIsWrongIsSaid) {
  EXPECT_THAT(Refusal("ImagingStudy?dicom-SliceThickness=thin"), HasSubstr("400"));
  EXPECT_THAT(Refusal("ImagingStudy?dicom-GantryDetectorTilt=3"), HasSubstr("extended query tags"));
  EXPECT_THAT(Refusal("ImagingStudy?dicom-A.B=3"), HasSubstr("400"));
  EXPECT_THAT(Refusal("Patient?dicom-SliceThickness=3"), HasSubstr("400"));
  EXPECT_THAT(Refusal("ImagingStudy?_sort=dicom-StudyDate"), HasSubstr("_sort"));
}

TEST_F(DicomSearchTest, ConditionalInteractionsGoByImages) {
  const Answer answer = Run("DELETE", "ImagingStudy?dicom-SliceThickness=lt1.5");
  EXPECT_LT(answer.status, 300) << answer.body;
  EXPECT_THAT(Ids("ImagingStudy"), UnorderedElementsAre("b", "c"));
}

TEST_F(DicomSearchTest, TheCapabilityStatementListsEveryAttribute) {
  const Answer answer = Run("GET", "metadata");
  const auto document = json::Document::Parse(answer.body);
  ASSERT_TRUE(document.ok());
  EXPECT_TRUE(Validate(document->root()).ok());
  EXPECT_THAT(answer.body, HasSubstr(R"({"name":"dicom-SliceThickness","type":"number")"));
  EXPECT_THAT(answer.body,
              HasSubstr(R"({"name":"dicom-RequestAttributesSequence.RequestedProcedureID","type":"token")"));
}

TEST_F(DicomSearchTest, AFilterFindsTheStudiesOfPatientsAndOfWhatLeadsToThem) {
  EXPECT_THAT(Studies({"Patient?gender=female"}), ElementsAre("1.1"));
  EXPECT_THAT(Studies({"Patient"}), ElementsAre("1.2", "1.1")) << "every study that belongs to a patient";
  EXPECT_THAT(Studies({"Condition?code=urn:c|cancer"}), ElementsAre("1.2"));
  EXPECT_THAT(Studies({"ImagingStudy?_id=a"}), ElementsAre("1.1"));
  EXPECT_THAT(Studies({"Patient?birthdate=lt1990", "Condition?code=cancer"}), ElementsAre("1.2"));
  EXPECT_THAT(Studies({"Patient?gender=female", "Condition?code=cancer"}), IsEmpty());
}

TEST_F(DicomSearchTest, ToAFilterPatientsWhoWereMergedAreOnePerson) {
  Put("Patient/john", R"({"resourceType":"Patient","id":"john","gender":"male",
                          "link":[{"other":{"reference":"Patient/jane"},"type":"replaced-by"}]})");
  EXPECT_THAT(Studies({"Patient?_id=john"}), ElementsAre("1.2", "1.1"));
  EXPECT_THAT(Studies({"Condition?code=cancer"}), ElementsAre("1.2", "1.1"));
  EXPECT_THAT(Studies({"Condition?code=cancer", "ImagingStudy?_id=a"}), ElementsAre("1.1"));
}

TEST_F(DicomSearchTest, AFilterLeavesThePatientsWithSuchAStudy) {
  for (const std::string n : {"4", "5"}) {
    Elements elements = Series("CT", "1", "CHEST");
    elements[dicom::tags::kPatientId] = {"LO", "P" + n};
    Store("1." + n, "1." + n + ".1", "1." + n + ".1.1", elements);
    Describe("1." + n, "p" + n, n == "4" ? "jane" : "john");
  }
  auto query = StudyFilter(*resources_, "/fhir").Compile({"Patient?gender=female"}, "");
  ASSERT_TRUE(query.ok());
  storage::CatalogueReader reader = store_->Read();
  const auto matches = reader.Find({.level = storage::Level::kPatient}, *std::move(query));
  ASSERT_TRUE(matches.ok());
  ASSERT_EQ(matches->total, 1u);
  EXPECT_EQ(reader.Patient(matches->docs.at(0))->patient_id, "P4");
}

TEST_F(DicomSearchTest, AFilterTakesReferencesAsTheClientCallsThisServer) {
  EXPECT_THAT(Studies({"Condition?subject=https://here/fhir/Patient/john"}), ElementsAre("1.2"));
  EXPECT_THAT(Studies({"ImagingStudy?subject=https://here/fhir/Patient/jane"}), ElementsAre("1.1"));
  EXPECT_THAT(Studies({"Condition?subject=https://elsewhere/fhir/Patient/john"}), ElementsAre());
}

TEST_F(DicomSearchTest, AFilterThatCannotBeUnderstoodIsRefusedByName) {
  EXPECT_THAT(Studies({"Patient?gendr=female"})[0], HasSubstr("fhir=Patient: "));
  EXPECT_THAT(Studies({"Patient?gendr=female"})[0], HasSubstr("did you mean 'gender'"));
  EXPECT_THAT(Studies({"Nonsense?x=y"})[0], HasSubstr("no FHIR R4 resource type"));
  EXPECT_THAT(Studies({"Organization?name=x"})[0], HasSubstr("does not lead to a patient"));
  EXPECT_THAT(Studies({"Patient?_count=3"})[0], HasSubstr("only conditions"));
  EXPECT_THAT(Studies(std::vector<std::string>(17, "Patient"))[0], HasSubstr("limit"));
}

}  // namespace
}  // namespace hilum::fhir
