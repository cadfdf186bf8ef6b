// Whatever order images and resources are stored, changed and deleted in: catalogue, ImagingStudies, their histories,
// index and change log agree, and old versions are what they were when they were new.
#include <gmock/gmock.h>

#include <map>
#include <random>

#include "tests/fhir/imaging/imaging_fixture.h"

namespace hilum::fhir::imaging {
namespace {

class ImagingPropertyTest : public ImagingFixture, public ::testing::WithParamInterface<int> {
 protected:
  size_t Pick(size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(random_numbers_); }

  std::string PatientId() { return std::string(1, static_cast<char>('a' + Pick(4))); }
  std::string Mrn() { return R"({"system":"http://hospital.test/mrn","value":"P)" + std::to_string(Pick(2)) + "\"}"; }
  std::string StudyUid() { return "1.2." + std::to_string(Pick(3)); }
  std::string SeriesUid(const std::string& study) { return study + "." + std::to_string(Pick(3)); }

  std::vector<InstanceSpec::Element> SomeOrder() {
    if (Pick(3) > 0) return {};
    return {{{0x0040, 0x2016}, dicom::Vr("LO"), "A1.2." + std::to_string(Pick(3))}};
  }

  void StowSome() {
    std::vector<InstanceSpec> specs;
    const std::string one_study = StudyUid();
    for (size_t i = 0, count = 1 + Pick(6); i < count; ++i) {
      const std::string study = Pick(4) == 0 ? StudyUid() : one_study;
      const std::string series = SeriesUid(study);
      specs.push_back({.study = study,
                       .series = series,
                       .sop = series + "." + std::to_string(Pick(5)),
                       .modality = Pick(2) == 0 ? "CT" : "",
                       .patient_id = "P" + std::to_string(Pick(2)),
                       .accession = Pick(2) == 0 ? "A" + study : "",
                       .study_description = Pick(2) == 0 ? "Head" : "",
                       .series_number = Pick(2) == 0 ? std::to_string(Pick(4)) : "",
                       .instance_number = std::to_string(Pick(4)),
                       .pixel_fill = static_cast<char>(Pick(2)),
                       .more = SomeOrder()});
    }
    Stow(specs, DuplicatePolicy::kReplace);
  }

  void DeleteSome() {
    const std::string study = StudyUid(), series = SeriesUid(study);
    const size_t what = Pick(3);
    clock_.Advance(std::chrono::seconds(1));
    const Status status = what == 0   ? store_->Delete(study, std::nullopt, std::nullopt)
                          : what == 1 ? store_->Delete(study, series, std::nullopt)
                                      : store_->Delete(study, series, series + "." + std::to_string(Pick(5)));
    EXPECT_TRUE(status.ok() || status.code() == Code::kNotFound) << status.ToString();
  }

  void WriteSome() {
    const std::string uid = StudyUid(), url = "ImagingStudy/" + uid;
    const Answer read = Run("GET", url);
    if (read.status != 200) {
      const Answer made = Run(
          "PUT", url,
          R"({"resourceType":"ImagingStudy","id":")" + uid + R"(","status":"registered","subject":{"display":"x"}})");
      EXPECT_EQ(made.status, 201) << made.body;
      return;
    }
    const auto document = json::Document::Parse(read.body);
    json::Edits edits;
    const std::string_view note[] = {"note"};
    json::RemoveProperties(document->root(), note, &edits);
    edits.Insert(document->root().end() - 1, R"(,"note":[{"text":")" + std::to_string(Pick(3)) + "\"}]");
    std::string text = edits.Apply(document->root());
    // An instance gets an element of users, or loses it.
    const std::string titled = R"(,"title":"best")", sop = "\"" + SeriesUid(uid) + "." + std::to_string(Pick(5)) + "\"";
    if (const size_t at = text.find(titled); at != std::string::npos && Pick(2) == 0) text.erase(at, titled.size());
    if (const size_t at = text.find(sop); at != std::string::npos && text.find(titled) == std::string::npos)
      text.insert(at + sop.size(), titled);
    const Answer put = Run("PUT", url, text);
    EXPECT_EQ(put.status, 200) << put.body;
    if (Pick(3) == 0) {
      const int expected = Images(read.body).empty() ? 204 : 409;
      EXPECT_EQ(Run("DELETE", url).status, expected);
    }
  }

  // A reviewer chooses a Patient, or takes the choice back.
  void ReviewSome() {
    const std::string url = "ImagingStudy/" + StudyUid();
    const Answer read = Run("GET", url);
    if (read.status != 200 || read.body.find("\"available\"") == std::string::npos) return;
    const auto document = json::Document::Parse(read.body);
    json::Edits edits;
    const json::MaybeValue said = json::Find(document->root(), "subject");
    edits.Replace(said->begin(), said->end(),
                  Pick(4) == 0 ? R"({"display":"x"})" : R"({"reference":"Patient/)" + PatientId() + "\"}");
    const Answer put = Run("PUT", url, edits.Apply(document->root()));
    EXPECT_TRUE(put.status == 200 || put.status == 422) << put.body;
    if (put.status == 200) chosen_[url] = Chosen(Read(url));
  }
  static std::string Chosen(const std::string& study) {
    const auto document = json::Document::Parse(study);
    return document.ok() ? ChosenPatient(json::Find(document->root(), "subject")).value_or("") : "";
  }

  // Patients come, go, merge and change their identifiers; orders and reports likewise.
  void WriteRecord() {
    const std::string id = Pick(8) == 0 ? "later" : PatientId();
    const std::string type = std::vector{"Patient", "Patient", "ServiceRequest", "DiagnosticReport"}[Pick(4)];
    if (Pick(4) == 0) {
      const Answer gone = Run("DELETE", type + "/" + id);
      EXPECT_TRUE(gone.status == 204 || gone.status == 404) << gone.body;
      if (type == "Patient") std::erase_if(chosen_, [&](const auto& choice) { return choice.second == id; });
      return;
    }
    const bool patient = type == "Patient";
    std::string body = R"({"resourceType":")" + type + R"(","id":")" + id + R"(","identifier":[)";
    body += patient ? Mrn() + (Pick(3) == 0 ? "," + Mrn() : "") : R"({"value":"A)" + StudyUid() + "\"}";
    body += "]";
    const std::string subject = R"("subject":{"reference":"Patient/)" + PatientId() + R"("},"status":")" +
                                (Pick(5) == 0 ? "entered-in-error" : "unknown") + "\"";
    if (type == "ServiceRequest") body += R"(,"intent":"order",)" + subject;
    if (type == "DiagnosticReport") body += R"(,"code":{"text":"x"},)" + subject;
    if (type == "DiagnosticReport" && Pick(2) == 0) {
      const std::string order(1, static_cast<char>('a' + Pick(3)));
      body += R"(,"basedOn":[{"reference":"ServiceRequest/)" + order + R"("},{"identifier":{"value":"A)" + StudyUid() +
              R"("}}])";
    }
    if (patient && Pick(2) == 0) body += R"(,"gender":"male")";
    if (patient && Pick(3) == 0) body += R"(,"meta":{"tag":[{"system":"urn:hilum:origin","code":"images"}]})";
    if (patient && Pick(3) == 0) {
      const std::string other = Pick(2) == 0 ? "later" : PatientId();
      body += R"(,"link":[{"type":"replaced-by","other":{"reference":"Patient/)" + other + R"("}}])";
    }
    const Answer put = Run("PUT", type + "/" + id, body + "}");
    EXPECT_LT(put.status, 300) << put.body;
  }

  // Somebody sends a Patient who was made of images back with one more identifier.
  void GainIdentifier() {
    const std::string made = Run("GET", "Patient?_tag=urn:hilum:origin|images&_count=9").body;
    size_t count = 0;
    while (At(made, "entry." + std::to_string(count) + ".resource.id") != "(nothing)") ++count;
    if (count == 0) return;
    const std::string id = At(made, "entry." + std::to_string(Pick(count)) + ".resource.id");
    const std::string list = R"("identifier":[)";
    std::string body = Read("Patient/" + id);
    const size_t at = body.find(list);
    ASSERT_NE(at, std::string::npos) << body;
    const Answer put = Run("PUT", "Patient/" + id, body.insert(at + list.size(), Mrn() + ","));
    EXPECT_EQ(put.status, 200) << put.body;
  }

  // What the ImagingStudies say of records is what looking at the records now gives.
  void CheckLinks() {
    const Resolver resolver(options_.resolver, resources_->options().base_url);
    const auto reader = resources_->Read();
    for (int i = 0; i < 3; ++i) {
      const std::string uid = "1.2." + std::to_string(i);
      const auto study = FindStudy(reader->kv(), &reader->snapshot(), uid).value();
      if (!study) continue;
      const std::string text = Read("ImagingStudy/" + uid);
      const auto document = json::Document::Parse(text);
      ASSERT_TRUE(document.ok());
      Asked asked{.study = study->row, .chosen = ChosenPatient(json::Find(document->root(), "subject"))};
      asked.orders = LoadOrderNumbers(reader->kv(), &reader->snapshot(), *study).value();
      const Resolution fresh = resolver.Resolve(RecordsOf(*reader), asked).value();
      // Users say none of these here.
      std::string description = CleanText(storage::FirstValue(study->row.attributes, dicom::tags::kStudyDescription));
      EXPECT_EQ(At(text, "description"), description.empty() ? "(nothing)" : description) << uid;
      std::string accession = CleanText(storage::FirstValue(study->row.attributes, dicom::tags::kAccessionNumber));
      EXPECT_EQ(At(text, "identifier.1.value"), accession.empty() ? "(nothing)" : accession) << uid;
      const Linked said = LinkedOf(document->root(), {});
      EXPECT_EQ(said.subject, fresh.subject.Json()) << uid;
      EXPECT_EQ(said.review, fresh.review) << uid;
      EXPECT_EQ(said.reports, fresh.reports) << uid;
      std::vector<std::string> orders;
      if (const json::MaybeValue list = json::Find(document->root(), "basedOn")) {
        for (const json::Value item : list->children()) {
          orders.emplace_back(json::Find(item, "reference").TextOr("").substr(std::string("ServiceRequest/").size()));
        }
      }
      EXPECT_THAT(orders, ::testing::UnorderedElementsAreArray(fresh.orders)) << uid;
    }
  }

  // Each version as it was when it was new.
  void Remember() {
    for (int i = 0; i < 3; ++i) {
      const std::string url = "ImagingStudy/1.2." + std::to_string(i);
      const Answer read = Run("GET", url);
      if (read.status == 200) remembered_[url + "/_history/" + std::to_string(*read.version)] = read.body;
      const auto choice = chosen_.find(url);
      if (choice == chosen_.end()) continue;
      if (Images(read.body).empty())
        chosen_.erase(choice);
      else
        EXPECT_EQ(Chosen(read.body), choice->second) << "a choice stays as long as study and Patient do: " << url;
    }
  }

  void Check() {
    ExpectAllAgrees();
    CheckLinks();
  }

  std::mt19937 random_numbers_;
  std::map<std::string, std::string> remembered_;
  std::map<std::string, std::string> chosen_;  // the Patient whom a reviewer chose, by URL of the ImagingStudy
};

TEST_P(ImagingPropertyTest, EverythingAgreesAfterAnyInterleaving) {
  random_numbers_.seed(static_cast<unsigned>(GetParam()));
  if (GetParam() % 2 == 0) {
    options_.resolver.policy = PatientPolicy::kCreate;
    Link();
  }
  for (int step = 0; step < 60 && !HasFailure(); ++step) {
    const size_t what = Pick(34);
    if (what >= 32) {
      GainIdentifier();
    } else if (what >= 28) {
      ReviewSome();
    } else if (what >= 20) {
      WriteRecord();
    } else if (what < 10) {
      StowSome();
    } else if (what < 15) {
      DeleteSome();
    } else if (what < 19) {
      WriteSome();
    } else {
      Reopen();
    }
    Remember();
    if (step % 6 == 0) Check();
  }
  Check();
  for (const auto& [url, text] : remembered_) EXPECT_EQ(Run("GET", url).body, text) << url;
}

INSTANTIATE_TEST_SUITE_P(Seeds, ImagingPropertyTest, ::testing::Range(1, 9));

// The checker notices what it is there for.
TEST_F(ImagingFixture, AStudyThatNobodyLinkedIsFound) {
  Stow({{}});
  EXPECT_TRUE(VerifyLinks(*resources_, LinkDepth::kDeep)->findings.texts.empty());
  store_->Observe(nullptr);
  Stow({{.sop = "1.2.1.1.2"}});
  EXPECT_FALSE(VerifyLinks(*resources_, LinkDepth::kDeep)->findings.texts.empty());
  Delete("1.2.1");
  EXPECT_FALSE(VerifyLinks(*resources_, LinkDepth::kDeep)->findings.texts.empty());
  Stow({{.study = "1.9", .series = "1.9.1", .sop = "1.9.1.1"}});
  EXPECT_EQ(VerifyLinks(*resources_, LinkDepth::kDeep)->studies, 1u);
  EXPECT_FALSE(VerifyLinks(*resources_, LinkDepth::kDeep)->findings.texts.empty());
}

// What only deriving it anew can tell: rows, counts and index agree.
class DeepVerifyTest : public ImagingFixture {
 protected:
  void SetUp() override {
    ImagingFixture::SetUp();
    Stow({{}});
    EXPECT_TRUE(Findings(LinkDepth::kDeep).empty());
  }
  void TearDown() override {
    EXPECT_TRUE(Findings(LinkDepth::kRows).empty());
    EXPECT_FALSE(Findings(LinkDepth::kDeep).empty());
    ImagingFixture::TearDown();
  }
  std::vector<std::string> Findings(LinkDepth depth) { return VerifyLinks(*resources_, depth)->findings.texts; }
  void Change(const std::function<void(storage::Txn&)>& change) {
    const auto run = [&](storage::Txn& txn) {
      change(txn);
      return Status::Ok();
    };
    EXPECT_TRUE(store_->writer().Run(run).ok());
  }
  void WriteUnseen(const std::string& url, const std::string& body) {
    linker_.reset();
    EXPECT_EQ(Run("PUT", url, body).status, 201);
  }
};

TEST_F(DeepVerifyTest, FindsAPatientWhoWasNotLinked) {
  WriteUnseen("Patient/a", R"({"resourceType":"Patient","id":"a","identifier":[)"
                           R"({"system":"http://hospital.test/mrn","value":"P1"}]})");
}

TEST_F(DeepVerifyTest, FindsAnOrderThatWasNotLinked) {
  WriteUnseen("ServiceRequest/a", R"({"resourceType":"ServiceRequest","id":"a","status":"active","intent":"order",)"
                                  R"("subject":{"display":"x"},"identifier":[{"value":"A1"}]})");
}

TEST_F(DeepVerifyTest, FindsAReportWhoseOrderWasNotNoted) {
  WriteUnseen("DiagnosticReport/a",
              R"({"resourceType":"DiagnosticReport","id":"a","status":"final","code":{"text":"x"},)"
              R"("basedOn":[{"reference":"ServiceRequest/o"}]})");
}

TEST_F(DeepVerifyTest, FindsAReportThatIsFoundByAnOrderOfOthers) {
  const std::string watch = WatchOf(*FindResourceType("ServiceRequest"), "o");
  Change([&](storage::Txn& txn) { txn.Put(storage::Family::kResource, BasedOnKey(watch, "nobody"), {}); });
}

TEST_F(DeepVerifyTest, FindsAStudyThatWouldNotLearnOfItsPatient) {
  const std::string watch = ReadLink(store_->kv(), nullptr, "1.2.1").value()->watches.front();
  Change([&](storage::Txn& txn) { txn.Delete(storage::Family::kResource, WatchKey(watch, "1.2.1")); });
}

TEST_F(DeepVerifyTest, FindsAStudyThatWaitsForAnother) {
  const std::string watch = WatchOf(*FindResourceType("Patient"), "whoever");
  Change([&](storage::Txn& txn) { txn.Put(storage::Family::kResource, WatchKey(watch, "1.2.1"), {}); });
}

}  // namespace
}  // namespace hilum::fhir::imaging
