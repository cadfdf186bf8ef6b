// Rows of ImagingStudies that are not what was written: a start that derives all of them says so, and goes on.
#include <gmock/gmock.h>

#include "fhir/store/keys.h"
#include "tests/fhir/imaging/imaging_fixture.h"

namespace hilum::fhir::imaging {
namespace {

using storage::Family;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class DamageTest : public ImagingFixture {
 protected:
  // Study 1.2.1, to be damaged, and another one.
  void SetUp() override {
    ImagingFixture::SetUp();
    Stow({{}});
    Stow({{.study = "1.2.2", .series = "1.2.2.1", .sop = "1.2.2.1.1", .accession = "A2"}});
  }

  storage::CollectionId Collection(std::string_view type) {
    return resources_->schema().CollectionOf(*FindResourceType(type));
  }
  storage::Doc DocOf(std::string_view type, const std::string& id) {
    return **resources_->Read()->FindDoc(*FindResourceType(type), id);
  }
  std::string FirstVersionOf(std::string_view type, const std::string& id) {
    return VersionKey(storage::Tenant::kDefault, Collection(type), DocOf(type, id), 1, 0);
  }
  void Change(const std::string& key, const std::function<void(std::string*)>& change) {
    linker_.reset();
    const auto task = [&](storage::Txn& txn) -> Status {
      HILUM_ASSIGN_OR_RETURN(auto row, txn.Get(Family::kResource, key));
      if (!row) return NotFound("the row");
      change(&*row);
      txn.Put(Family::kResource, key, *row);
      return Status::Ok();
    };
    const Status status = store_->writer().Run(task).status();
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  // Starts with other options, so that all studies are derived; returns the log.
  std::string StartAnew() {
    options_.resolver.accession_system += "x";
    linker_.reset();
    ::testing::internal::CaptureStderr();
    auto linker = Linker::Start(*store_, *resources_, options_, Logger(STDERR_FILENO, LogLevel::kError));
    EXPECT_TRUE(linker.ok()) << linker.status().ToString();
    if (linker.ok()) linker_ = *std::move(linker);
    return ::testing::internal::GetCapturedStderr();
  }
  void ExpectTheOtherIsDerived() {
    EXPECT_EQ(At(Read("ImagingStudy/1.2.2"), "identifier.1.system"), options_.resolver.accession_system);
  }
  std::vector<std::string> Findings() {
    const auto links = VerifyLinks(*resources_, LinkDepth::kDeep);
    EXPECT_TRUE(links.ok()) << links.status().ToString();
    return links.ok() ? links->findings.texts : std::vector<std::string>();
  }
};

TEST_F(DamageTest, AVersionThatCannotBeReadIsNamedAndLeft) {
  Change(FirstVersionOf("ImagingStudy", "1.2.1"), [](std::string* row) { row->resize(row->size() - 1); });
  const std::string damaged =
      "version 1 of document " + std::to_string(DocOf("ImagingStudy", "1.2.1")) + " of ImagingStudy is damaged";
  EXPECT_THAT(StartAnew(), AllOf(HasSubstr(R"("study":"1.2.1")"), HasSubstr(damaged)));
  EXPECT_EQ(linker_->left_behind(), 1u);
  ExpectTheOtherIsDerived();
  EXPECT_THAT(Findings(), Contains(AllOf(HasSubstr("study 1.2.1"), HasSubstr(damaged))));
}

TEST_F(DamageTest, NorDoesWhatIsNoJsonHoldUpTheStart) {
  Change(FirstVersionOf("ImagingStudy", "1.2.1"), [](std::string* row) { row->back() ^= 1; });
  EXPECT_THAT(StartAnew(), HasSubstr(R"("study":"1.2.1")"));
  EXPECT_EQ(linker_->left_behind(), 1u);
  ExpectTheOtherIsDerived();
  EXPECT_THAT(Findings(), Contains(HasSubstr("study 1.2.1")));
}

TEST_F(DamageTest, NorDoesALinkThatCannotBeRead) {
  Change(LinkKey("1.2.1"), [](std::string* row) { row->resize(5); });
  EXPECT_THAT(StartAnew(), HasSubstr("the link between a study and its ImagingStudy is damaged"));
  EXPECT_EQ(linker_->left_behind(), 1u);
  ExpectTheOtherIsDerived();
  EXPECT_THAT(Findings(), Contains(HasSubstr("study 1.2.1: a row of the link")));
}

TEST_F(DamageTest, NorDoesADiagnosticReport) {
  EXPECT_EQ(Run("PUT", "DiagnosticReport/r",
                R"({"resourceType":"DiagnosticReport","id":"r","status":"final","code":{"text":"x"},)"
                R"("basedOn":[{"reference":"ServiceRequest/o"}]})")
                .status,
            201);
  Change(FirstVersionOf("DiagnosticReport", "r"), [](std::string* row) { row->resize(row->size() - 1); });
  EXPECT_THAT(StartAnew(), HasSubstr("of DiagnosticReport is damaged"));
  EXPECT_EQ(linker_->left_behind(), 0u);
  ExpectTheOtherIsDerived();
}

// The row that says what all studies are linked with begins with the derivation.
TEST_F(DamageTest, AHistoryThatCannotBeReadBeginsAnew) {
  Change(SyncedKey(), [](std::string* row) { (*row)[0] = 3; });
  const auto damage = [&](storage::Txn& txn) {
    PutDelta(txn, Collection("ImagingStudy"), DocOf("ImagingStudy", "1.2.1"), 1, "\xFF");
    return Status::Ok();
  };
  ASSERT_TRUE(store_->writer().Run(damage).status().ok());
  Link();
  EXPECT_EQ(linker_->left_behind(), 0u);
  EXPECT_EQ(Images(Read("ImagingStudy/1.2.1/_history/2")), "1.2.1.1:1.2.1.1.1");
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1/_history/1").status, 500);
  ExpectAllAgrees();
}

}  // namespace
}  // namespace hilum::fhir::imaging
