// Whose value an element of an ImagingStudy is: what images said goes when they no longer say it, what users said
// stays.
#include <gmock/gmock.h>

#include "tests/fhir/imaging/imaging_fixture.h"

namespace hilum::fhir::imaging {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

const std::string kUid = R"({"system":"urn:dicom:uid","value":"urn:oid:1.2.1"})";
const std::string kType =
    R"("type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"ACSN"}]})";

class ValuesTest : public ImagingFixture {
 protected:
  static InstanceSpec Saying(const std::string& accession, const std::string& description = "",
                             const std::string& date = "20240115") {
    return {.study_date = date, .accession = accession, .study_description = description};
  }
  void Replace(const InstanceSpec& spec) { Stow({spec}, DuplicatePolicy::kReplace); }
  std::string Study() { return Read("ImagingStudy/1.2.1"); }
  // Of all identifiers, in order.
  std::string Values() {
    const std::string study = Study();
    std::string values;
    for (int i = 0; At(study, "identifier." + std::to_string(i) + ".value") != "(nothing)"; ++i)
      values += (i > 0 ? " " : "") + At(study, "identifier." + std::to_string(i) + ".value");
    return values;
  }
  // The user's own version of it, with `more` at its end.
  void PutWith(const std::string& more, std::string text) {
    text.insert(text.size() - 1, more);
    const Answer put = Run("PUT", "ImagingStudy/1.2.1", text);
    EXPECT_LT(put.status, 300) << put.body;
  }
  void Change(const std::function<void(storage::Txn&)>& change) {
    const auto run = [&](storage::Txn& txn) {
      change(txn);
      return Status::Ok();
    };
    EXPECT_TRUE(store_->writer().Run(run).ok());
  }
  // As an earlier release left it, which did not note what the images added.
  void LinkAsAnEarlierReleaseDid() {
    imaging::Link link = ReadLink(store_->kv(), nullptr, "1.2.1").value().value();
    link.added.reset();
    Change([&](storage::Txn& txn) {
      txn.Put(storage::Family::kResource, LinkKey("1.2.1"), Encode(link));
      txn.Delete(storage::Family::kResource, SyncedKey());
    });
    Link();
  }
};

TEST_F(ValuesTest, WhatAReplacedInstanceSaidGoes) {
  Stow({Saying("WRONG", "Wrong")});
  EXPECT_EQ(Values(), "urn:oid:1.2.1 WRONG");
  Replace(Saying("RIGHT"));
  EXPECT_EQ(Values(), "urn:oid:1.2.1 RIGHT");
  EXPECT_EQ(Total("ImagingStudy?identifier=WRONG"), 0);
  EXPECT_EQ(Total("ImagingStudy?identifier=RIGHT"), 1);
  EXPECT_EQ(At(Study(), "description"), "(nothing)");
  Replace(Saying("", "", ""));
  EXPECT_EQ(Values(), "urn:oid:1.2.1");
  EXPECT_EQ(At(Study(), "started"), "(nothing)");
  EXPECT_EQ(Total("ImagingStudy?started=2024-01-15"), 0);
  Replace(Saying("AGAIN", "Again"));
  EXPECT_EQ(Values(), "urn:oid:1.2.1 AGAIN");
  EXPECT_EQ(At(Study(), "description"), "Again");
  EXPECT_EQ(Total("ImagingStudy?started=2024-01-15"), 1);
  ExpectAllAgrees();
}

TEST_F(ValuesTest, WhatADeletedInstanceSaidGoes) {
  using dicom::Vr;
  InstanceSpec first = Saying("WRONG", "Wrong"), second = Saying("", "", "");
  first.more = {{{0x0008, 0x1032},
                 Vr("SQ"),
                 OneItem({{{0x0008, 0x0100}, Vr("SH"), "7"},
                          {{0x0008, 0x0102}, Vr("SH"), "99A"},
                          {{0x0008, 0x0104}, Vr("LO"), "wrong"}})}};
  second.sop = "1.2.1.1.2";
  Stow({first, second});
  EXPECT_EQ(At(Study(), "procedureCode.0.coding.0.code"), "7");
  Delete("1.2.1", "1.2.1.1", "1.2.1.1.1");
  EXPECT_EQ(Values(), "urn:oid:1.2.1");
  for (const char* element : {"description", "procedureCode", "started"})
    EXPECT_EQ(At(Study(), element), "(nothing)") << element;
  ExpectAllAgrees();
}

TEST_F(ValuesTest, SendingItBackDoesNotMakeItTheUsers) {
  Stow({Saying("WRONG", "Wrong")});
  PutWith(R"(,"note":[{"text":"seen"}])", Study());
  Replace(Saying("RIGHT"));
  EXPECT_EQ(Values(), "urn:oid:1.2.1 RIGHT");
  EXPECT_EQ(At(Study(), "description"), "(nothing)");
  EXPECT_EQ(At(Study(), "note.0.text"), "seen");
  ExpectAllAgrees();
}

TEST_F(ValuesTest, WhatUsersSaidWhenImagesDidNotStays) {
  Stow({Saying("", "", "")});
  PutWith(R"(,"description":"mine","started":"2020","procedureCode":[{"text":"mine"}],"identifier":[)" + kUid +
              R"(,{"value":"MINE"}])",
          R"({"resourceType":"ImagingStudy","id":"1.2.1","status":"available","subject":{"type":"Patient",)"
          R"("identifier":{"system":"http://hospital.test/mrn","value":"P1"}}})");
  Stow({{.sop = "1.2.1.1.2", .study_date = "", .accession = "A", .study_description = ""}});
  EXPECT_EQ(Values(), "urn:oid:1.2.1 MINE A");
  Delete("1.2.1", "1.2.1.1", "1.2.1.1.2");
  EXPECT_EQ(Values(), "urn:oid:1.2.1 MINE");
  EXPECT_EQ(At(Study(), "description"), "mine");
  EXPECT_EQ(At(Study(), "started"), "2020");
  EXPECT_EQ(At(Study(), "procedureCode.0.text"), "mine");
  ExpectAllAgrees();
}

TEST_F(ValuesTest, WhatUsersSaidBeforeTheImagesDidStays) {
  PutWith(R"(,"description":"Head","identifier":[{"value":"A"},)" + kUid + "]",
          R"({"resourceType":"ImagingStudy","id":"1.2.1","status":"registered","subject":{"display":"x"}})");
  Stow({Saying("A", "Head")});
  Replace(Saying("B"));
  EXPECT_EQ(Values(), "A urn:oid:1.2.1 B");
  EXPECT_EQ(At(Study(), "description"), "Head");
  ExpectAllAgrees();
}

TEST_F(ValuesTest, AccessionNumbersGetTheSystemThatIsSetNow) {
  Stow({Saying("A")});
  options_.resolver.accession_system = "http://hospital.test/accession";
  Link();
  EXPECT_EQ(Values(), "urn:oid:1.2.1 A");
  EXPECT_EQ(At(Study(), "identifier.1.system"), "http://hospital.test/accession");
  ExpectAllAgrees();
}

TEST_F(ValuesTest, OfAnEarlierReleaseWhatCanBeToldGoes) {
  // Nothing tells this description from a user's.
  PutWith(R"(,"description":"Whose","identifier":[{)" + kType + R"(,"value":"WRONG"},)" + kUid + "]",
          R"({"resourceType":"ImagingStudy","id":"1.2.1","status":"registered","subject":{"display":"x"}})");
  Stow({Saying("A")});
  EXPECT_EQ(Values(), "WRONG urn:oid:1.2.1 A");
  LinkAsAnEarlierReleaseDid();
  EXPECT_EQ(Values(), "urn:oid:1.2.1 A");
  EXPECT_EQ(Total("ImagingStudy?identifier=WRONG"), 0);
  EXPECT_EQ(At(Study(), "description"), "Whose");
  ExpectAllAgrees();
  Replace(Saying("B", "Head"));
  LinkAsAnEarlierReleaseDid();
  Replace(Saying("C"));
  EXPECT_EQ(Values(), "urn:oid:1.2.1 C");
  EXPECT_EQ(At(Study(), "description"), "(nothing)");
  ExpectAllAgrees();
}

TEST_F(ValuesTest, DeepVerifyFindsWhatImagesNoLongerSay) {
  Stow({Saying("A")});
  PutWith(R"(,"description":"mine")", Study());
  imaging::Link link = ReadLink(store_->kv(), nullptr, "1.2.1").value().value();
  const auto document = json::Document::Parse(R"({"resourceType":"ImagingStudy"})");
  const auto study = FindStudy(store_->kv(), nullptr, "1.2.1").value();
  DerivedElements said = ElementsOf(study->row, {}, {});
  said.elements.emplace_back("description", "\"mine\"");
  link.added = AddedBy(document->root(), said);
  Change([&](storage::Txn& txn) { txn.Put(storage::Family::kResource, LinkKey("1.2.1"), Encode(link)); });
  EXPECT_TRUE(VerifyLinks(*resources_, LinkDepth::kRows)->findings.texts.empty());
  EXPECT_THAT(VerifyLinks(*resources_, LinkDepth::kDeep)->findings.texts,
              Contains(HasSubstr("says something else than images and records")));
}

}  // namespace
}  // namespace hilum::fhir::imaging
