// One study, one ImagingStudy: whatever ids and identifiers users gave to theirs before there were images.
#include <gmock/gmock.h>

#include "tests/fhir/imaging/imaging_fixture.h"

namespace hilum::fhir::imaging {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class OneStudyTest : public ImagingFixture {
 protected:
  // An ImagingStudy of users that names these studies.
  void Put(const std::string& id, const std::vector<std::string>& study_uids, const std::string& more = "") {
    std::string text = R"({"resourceType":"ImagingStudy","id":")" + id + R"(","status":"registered",)";
    std::string list;
    for (const std::string& uid : study_uids)
      list.append(list.empty() ? "" : ",").append(R"({"system":"urn:dicom:uid","value":"urn:oid:)" + uid + "\"}");
    if (!list.empty()) text += "\"identifier\":[" + list + "],";
    const Answer put = Run("PUT", "ImagingStudy/" + id, text + R"("subject":{"display":"somebody"})" + more + "}");
    EXPECT_LT(put.status, 300) << put.body;
  }
  // Studies are of different patients.
  void StowStudy(const std::string& uid) {
    Stow({{.study = uid, .series = uid + ".1", .sop = uid + ".1.1", .patient_id = "P" + uid}});
  }
  // "id: its series" of the one ImagingStudy of the study.
  std::string Of(const std::string& uid) {
    const std::string found = Run("GET", "ImagingStudy?identifier=urn:dicom:uid|urn:oid:" + uid).body;
    if (At(found, "total") != "1") return At(found, "total") + " are found";
    const std::string id = At(found, "entry.0.resource.id");
    const std::string study = Read("ImagingStudy/" + id);
    const std::string patient = At(study, "subject.identifier.value");
    EXPECT_EQ(At(study, "numberOfSeries"), "1");
    EXPECT_EQ(patient, "P" + uid);
    return Images(study) == uid + ".1:" + uid + ".1.1" ? id : "it has other images";
  }
};

TEST_F(OneStudyTest, AnIdThatWasGivenToAnotherStudyIsNotTakenBack) {
  Put("u1", {"1.1"});
  StowStudy("1.1");
  Delete("1.1");
  Put("u1", {"1.2"});
  StowStudy("1.2");
  EXPECT_EQ(Of("1.2"), "u1");
  StowStudy("1.1");
  EXPECT_EQ(Of("1.1"), "1.1");
  EXPECT_EQ(Of("1.2"), "u1");
  ExpectAllAgrees();
  Delete("1.1");
  EXPECT_EQ(Of("1.2"), "u1");
  Delete("1.2");
  EXPECT_EQ(Run("GET", "ImagingStudy/u1").status, 410);
  StowStudy("1.1");
  StowStudy("1.2");
  EXPECT_EQ(Of("1.1"), "1.1");
  EXPECT_EQ(Of("1.2"), "u1");
  ExpectAllAgrees();
}

TEST_F(OneStudyTest, TheUidOfAStudyMayBeTheIdOfAnother) {
  StowStudy("1.1");
  Delete("1.1");
  Put("1.1", {"1.2"}, R"(,"note":[{"text":"of 1.2"}])");
  StowStudy("1.2");
  StowStudy("1.1");
  EXPECT_EQ(Of("1.2"), "1.1");
  EXPECT_EQ(At(Read("ImagingStudy/1.1"), "note.0.text"), "of 1.2");
  const std::string other = Of("1.1");
  EXPECT_NE(other, "1.1");
  ExpectAllAgrees();
  Delete("1.1");
  StowStudy("1.1");
  EXPECT_EQ(Of("1.1"), other) << "it stays the ImagingStudy of the study";
  EXPECT_THAT(Read("ImagingStudy/" + other), Not(HasSubstr("of 1.2")));
  ExpectAllAgrees();
}

TEST_F(OneStudyTest, AnotherStudysIdIsNotTakenBeforeItsImagesCome) {
  Put("1.2", {"1.1"});
  StowStudy("1.2");
  EXPECT_NE(Of("1.2"), "1.2");
  EXPECT_EQ(At(Read("ImagingStudy/1.2"), "status"), "registered");
  StowStudy("1.1");
  EXPECT_EQ(Of("1.1"), "1.2");
  EXPECT_NE(Of("1.2"), "1.2");
  ExpectAllAgrees();
}

TEST_F(OneStudyTest, TheFirstOfTwoStudiesThatOneNamesGetsIt) {
  Put("both", {"1.1", "1.2"});
  StowStudy("1.2");
  EXPECT_EQ(Of("1.2"), "both");
  EXPECT_EQ(Total("ImagingStudy?identifier=urn:dicom:uid|urn:oid:1.1"), 0) << "it is not of that study";
  StowStudy("1.1");
  EXPECT_EQ(Of("1.1"), "1.1");
  ExpectAllAgrees();
}

TEST_F(OneStudyTest, OneThatNamesNoStudyIsThatOfItsId) {
  Put("1.1", {}, R"(,"note":[{"text":"mine"}])");
  StowStudy("1.1");
  EXPECT_EQ(Of("1.1"), "1.1");
  EXPECT_EQ(At(Read("ImagingStudy/1.1"), "note.0.text"), "mine");
  ExpectAllAgrees();
}

TEST_F(OneStudyTest, OfTwoForOneStudyTheFirstIsAdoptedAndTaggedUntilTheOtherHasGone) {
  Put("b", {"1.1"});
  Put("a", {"1.1"});
  const auto duplicates = [&] { return Total("ImagingStudy?_tag=urn:hilum:review|study-duplicate"); };
  EXPECT_EQ(duplicates(), 0);
  StowStudy("1.1");
  EXPECT_EQ(At(Read("ImagingStudy/b"), "status"), "available");
  EXPECT_EQ(At(Read("ImagingStudy/a"), "status"), "registered");
  EXPECT_EQ(duplicates(), 1);
  EXPECT_EQ(At(Read("ImagingStudy/b"), "meta.tag.0.code"), "study-duplicate");
  ExpectAllAgrees();
  Stow({{.study = "1.1", .series = "1.1.1", .sop = "1.1.1.2", .patient_id = "P1.1"}});
  EXPECT_EQ(duplicates(), 1);
  std::string chooses = Read("ImagingStudy/b");
  const std::string_view subject = "\"subject\":{";
  chooses.insert(chooses.find(subject) + subject.size(), R"("reference":"Patient/x",)");
  EXPECT_EQ(Run("PUT", "ImagingStudy/b", chooses).status, 422) << "there is no doubt whose it is";
  EXPECT_EQ(Run("DELETE", "ImagingStudy/a").status, 204);
  EXPECT_EQ(duplicates(), 0);
  ExpectAllAgrees();
}

TEST_F(OneStudyTest, ADuplicateThatNamesAnotherStudyIsNoneAnyMore) {
  Put("a", {"1.1"});
  Put("b", {"1.1"});
  StowStudy("1.1");
  EXPECT_EQ(Total("ImagingStudy?_tag=study-duplicate"), 1);
  Put("b", {"1.2"});
  EXPECT_EQ(Total("ImagingStudy?_tag=study-duplicate"), 0);
  StowStudy("1.2");
  EXPECT_EQ(Of("1.2"), "b");
  EXPECT_EQ(Of("1.1"), "a");
  ExpectAllAgrees();
}

TEST_F(OneStudyTest, ADuplicateIsAdoptedWhenTheFirstHasGoneWithItsImages) {
  Put("a", {"1.1"});
  Put("b", {"1.1"});
  StowStudy("1.1");
  Delete("1.1");
  StowStudy("1.1");
  EXPECT_EQ(Of("1.1"), "b");
  ExpectAllAgrees();
}

TEST_F(OneStudyTest, NoneOfTheStudiesThatOneNamesMayBeStored) {
  StowStudy("1.2");
  const Answer refused =
      Run("PUT", "ImagingStudy/both",
          R"({"resourceType":"ImagingStudy","id":"both","status":"registered","subject":{"display":"x"},"identifier":[)"
          R"({"system":"urn:dicom:uid","value":"urn:oid:1.1"},{"system":"urn:dicom:uid","value":"1.2"}]})");
  EXPECT_EQ(refused.status, 409) << refused.body;
}

TEST_F(OneStudyTest, StudiesThatShareOneAreFoundAndParted) {
  StowStudy("1.1");
  const imaging::Link shared = ReadLink(store_->kv(), nullptr, "1.1").value().value();
  linker_.reset();
  StowStudy("1.2");
  const auto share = [&](storage::Txn& txn) {
    imaging::Link link = shared;
    link.study = FindStudy(txn, "1.2").value()->doc;
    txn.Put(storage::Family::kResource, LinkKey("1.2"), Encode(link));
    return Status::Ok();
  };
  ASSERT_TRUE(store_->writer().Run(share).ok());
  EXPECT_THAT(VerifyLinks(*resources_, LinkDepth::kRows)->findings.texts,
              Contains(HasSubstr("shares its ImagingStudy with another study")));
  const auto of_another_release = [](storage::Txn& txn) {
    txn.Delete(storage::Family::kResource, SyncedKey());
    return Status::Ok();
  };
  ASSERT_TRUE(store_->writer().Run(of_another_release).ok());
  Link();
  EXPECT_EQ(Of("1.1"), "1.1");
  EXPECT_EQ(Of("1.2"), "1.2");
  ExpectAllAgrees();
}

}  // namespace
}  // namespace hilum::fhir::imaging
