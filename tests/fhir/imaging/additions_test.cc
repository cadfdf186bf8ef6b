// What users write of the series and instances of an ImagingStudy, beside what the images say.
#include <gmock/gmock.h>

#include "tests/fhir/imaging/imaging_fixture.h"

namespace hilum::fhir::imaging {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kPerformer = R"("performer":[{"actor":{"reference":"Practitioner/rita"}}])";
const std::string kExtension = R"("extension":[{"url":"http://test/quality","valueCode":"good"}])";
const std::string kTitle = R"("title":"Best  of all")";

const std::string kJane =
    R"({"resourceType":"Patient","id":"jane","identifier":[{"system":"http://hospital.test/mrn","value":"P1"}]})";

class AdditionsTest : public ImagingFixture {
 protected:
  void SetUp() override {
    ImagingFixture::SetUp();
    const InstanceSpec::Element head{{0x0018, 0x0015}, dicom::Vr("CS"), "HEAD"};
    Stow({{.more = {head}}, {.sop = "1.2.1.1.2", .instance_number = "2", .more = {head}}});
    ASSERT_EQ(Run("PUT", "Practitioner/rita", R"({"resourceType":"Practitioner","id":"rita"})").status, 201);
  }
  void TearDown() override {
    ExpectAllAgrees();
    ImagingFixture::TearDown();
  }
  // The resource as it is, with more behind the UID of a series or an instance.
  std::string With(const std::string& uid, const std::string& more) {
    std::string text = Read("ImagingStudy/1.2.1");
    const std::string begin = "{\"uid\":\"" + uid + "\"";
    return text.replace(text.find(begin), begin.size(), begin + "," + more);
  }
  Answer Put(const std::string& text) { return Run("PUT", "ImagingStudy/1.2.1", text); }
  void Add(const std::string& uid, const std::string& more) {
    const Answer put = Put(With(uid, more));
    EXPECT_EQ(put.status, 200) << put.body;
    EXPECT_EQ(put.body, Read("ImagingStudy/1.2.1"));
  }
};

TEST_F(AdditionsTest, AreInEveryRepresentation) {
  Add("1.2.1.1", kPerformer);
  Add("1.2.1.1.2", kTitle);
  const std::string study = Read("ImagingStudy/1.2.1");
  EXPECT_EQ(At(study, "meta.versionId"), "3");
  EXPECT_EQ(At(study, "series.0.performer.0.actor.reference"), "Practitioner/rita");
  EXPECT_EQ(At(study, "series.0.modality.code"), "CT");
  EXPECT_EQ(At(study, "series.0.instance.0.title"), "(nothing)");
  EXPECT_EQ(At(study, "series.0.instance.1.title"), "Best  of all");
  EXPECT_EQ(Images(study), "1.2.1.1:1.2.1.1.1,1.2.1.1.2");
  for (const char* url : {"ImagingStudy/1.2.1/_history/3", "ImagingStudy/1.2.1/_history", "ImagingStudy?_id=1.2.1",
                          "ImagingStudy/1.2.1?_elements=series"}) {
    const std::string text = Run("GET", url).body;
    EXPECT_THAT(text, HasSubstr(kPerformer)) << url;
    EXPECT_THAT(text, HasSubstr(kTitle)) << url;
  }
  EXPECT_THAT(Read("ImagingStudy/1.2.1/_history/2"), Not(HasSubstr("title")));
  EXPECT_THAT(Read("ImagingStudy/1.2.1/_history/1"), Not(HasSubstr("performer")));
  EXPECT_THAT(Run("GET", "ImagingStudy/1.2.1?_elements=started").body, Not(HasSubstr("series")));
  EXPECT_THAT(Run("GET", "ImagingStudy/1.2.1?_summary=text").body, Not(HasSubstr("series")));
}

TEST_F(AdditionsTest, StayWhenImagesCome) {
  Add("1.2.1.1", kPerformer);
  Add("1.2.1.1.2", kTitle);
  for (int i = 3; i <= 6; ++i) Stow({{.sop = "1.2.1.1." + std::to_string(i), .instance_number = std::to_string(i)}});
  Stow({{.series = "1.2.1.2", .sop = "1.2.1.2.1", .modality = "MR", .series_number = "2"}});
  Stow({{.sop = "1.2.1.1.2", .instance_number = "9"}}, DuplicatePolicy::kReplace);
  const std::string study = Read("ImagingStudy/1.2.1");
  EXPECT_EQ(Images(study), "1.2.1.1:1.2.1.1.1,1.2.1.1.3,1.2.1.1.4,1.2.1.1.5,1.2.1.1.6,1.2.1.1.2 1.2.1.2:1.2.1.2.1");
  EXPECT_THAT(study, HasSubstr(kPerformer));
  EXPECT_EQ(At(study, "series.0.instance.5.title"), "Best  of all");
  EXPECT_EQ(At(study, "series.0.instance.5.number"), "9");
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1/_history/5"), "series.0.instance.1.title"), "Best  of all");
  Reopen();
  EXPECT_EQ(Read("ImagingStudy/1.2.1"), study);
}

TEST_F(AdditionsTest, AnIdOfWhatTheImagesSayIsThereAsLongAsTheySayIt) {
  const InstanceSpec other{.series = "1.2.1.2", .sop = "1.2.1.2.1", .series_number = "2", .series_description = ""};
  Stow({other});
  InstanceSpec described = other;
  described.sop = "1.2.1.2.2", described.series_description = "Axial";
  Stow({described});
  Add("1.2.1.2", R"("_description":{"id":"d"})");
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "series.1._description.id"), "d");
  Delete("1.2.1", "1.2.1.2", "1.2.1.2.2");
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "series.1._description"), "(nothing)");
  EXPECT_EQ(Run("PUT", "Patient/jane", kJane).status, 201);
  Stow({described});
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "series.1._description.id"), "d");
}

TEST_F(AdditionsTest, GoWithTheirInstance) {
  Stow({{.sop = "1.2.1.1.3"}});
  Add("1.2.1.1.2", kTitle);
  Add("1.2.1.1.3", kExtension);
  Stow({{.sop = "1.2.1.1.4"}});
  Delete("1.2.1", "1.2.1.1", "1.2.1.1.2");
  EXPECT_THAT(Read("ImagingStudy/1.2.1"), HasSubstr(kExtension));
  Stow({{.sop = "1.2.1.1.2"}});
  const std::string study = Read("ImagingStudy/1.2.1");
  EXPECT_THAT(study, HasSubstr("\"1.2.1.1.2\""));
  EXPECT_THAT(study, Not(HasSubstr("title"))) << "it was said of the one that was deleted";
  EXPECT_THAT(study, HasSubstr(kExtension));
}

TEST_F(AdditionsTest, GoWithTheirSeries) {
  Stow({{.series = "1.2.1.2", .sop = "1.2.1.2.1"}});
  Add("1.2.1.1", kPerformer);
  Add("1.2.1.2", kExtension);
  EXPECT_EQ(Total("ImagingStudy?performer=Practitioner/rita"), 1);
  Delete("1.2.1", "1.2.1.1");
  EXPECT_EQ(Total("ImagingStudy?performer=Practitioner/rita"), 0);
  EXPECT_EQ(Total("ImagingStudy?series=1.2.1.1"), 0);
  Stow({{}});
  const std::string study = Read("ImagingStudy/1.2.1");
  EXPECT_EQ(Images(study), "1.2.1.1:1.2.1.1.1 1.2.1.2:1.2.1.2.1");
  EXPECT_THAT(study, Not(HasSubstr("performer")));
  EXPECT_EQ(At(study, "series.1.extension.0.valueCode"), "good");
  Delete("1.2.1");
  Stow({{.series = "1.2.1.2", .sop = "1.2.1.2.1"}});
  EXPECT_THAT(Read("ImagingStudy/1.2.1"), Not(HasSubstr("extension")));
}

TEST_F(AdditionsTest, AreFoundAndIncluded) {
  Add("1.2.1.1", kPerformer + R"(,"endpoint":[{"reference":"Endpoint/pacs"}])");
  EXPECT_EQ(Total("ImagingStudy?performer=Practitioner/rita"), 1);
  EXPECT_EQ(Total("ImagingStudy?endpoint=Endpoint/pacs"), 1);
  EXPECT_EQ(Total("ImagingStudy?series=1.2.1.1&modality=CT"), 1);
  EXPECT_EQ(Total("ImagingStudy?modality:missing=true"), 0);
  EXPECT_THAT(Run("GET", "ImagingStudy?_include=ImagingStudy:performer").body, HasSubstr("Practitioner/rita\""));
  EXPECT_EQ(Total("Practitioner?_has:ImagingStudy:performer:modality=CT"), 1);
}

TEST_F(AdditionsTest, MayBeInsideOfWhatTheImagesSay) {
  const std::string site = R"("bodySite":{"code":"HEAD")";
  std::string text = Read("ImagingStudy/1.2.1");
  ASSERT_THAT(text, HasSubstr(site));
  text.replace(text.find(site), site.size(), site + R"(,"display":"Head")");
  EXPECT_EQ(Put(text).status, 200);
  Stow({{.sop = "1.2.1.1.3"}});
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "series.0.bodySite.display"), "Head");
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "series.0.bodySite.code"), "HEAD");
}

TEST_F(AdditionsTest, ArePatched) {
  Interaction patch =
      Request("PATCH", "ImagingStudy/1.2.1", R"([{"op":"add","path":"/series/0/instance/1/title","value":"patched"}])");
  const Answer patched = interactions_->Run(patch);
  EXPECT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "series.0.instance.1.title"), "patched");
  patch.body = R"([{"op":"remove","path":"/series/0/instance/1/title"}])";
  EXPECT_EQ(interactions_->Run(patch).status, 200);
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1"), "series.0.instance.1.title"), "(nothing)");
}

TEST_F(AdditionsTest, ToSayThemAgainMakesNoVersion) {
  Add("1.2.1.1", kPerformer);
  EXPECT_EQ(Put(Read("ImagingStudy/1.2.1")).version, 2u);
}

TEST_F(AdditionsTest, ThoseLeftOutAreTakenAway) {
  const std::string plain = Read("ImagingStudy/1.2.1");
  Add("1.2.1.1", kPerformer);
  EXPECT_EQ(Put(plain).status, 200);
  EXPECT_THAT(Read("ImagingStudy/1.2.1"), Not(HasSubstr("performer")));
  EXPECT_EQ(Total("ImagingStudy?performer=Practitioner/rita"), 0);
}

TEST_F(AdditionsTest, WhatContradictsTheImagesIsRefusedByName) {
  Add("1.2.1.1", kPerformer);
  const std::string whole = Read("ImagingStudy/1.2.1");
  const auto replaced = [&](const std::string& what, const std::string& by) {
    std::string text = whole;
    EXPECT_NE(text.find(what), std::string::npos) << what;
    return text.replace(text.find(what), what.size(), by);
  };
  const std::string series = R"("uid":"1.2.1.1","number":1,"modality":{"system":")" + std::string(kDicomCodes);
  const std::string instance = R"("uid":"1.2.1.1.2","sopClass":{"system":"urn:ietf:rfc:3986","code":"urn:oid:)";
  const std::pair<std::string, std::string> cases[] = {
      {replaced(series, R"("uid":"1.2.1.1","number":2,"modality":{"system":")" + std::string(kDicomCodes)), "number"},
      {replaced(series + R"(","code":"CT")", series + R"(","code":"MR")"), "modality.code"},
      {replaced(R"("description":"Axial","numberOfInstances":2)", R"("description":"Axial","numberOfInstances":3)"),
       "numberOfInstances"},
      {replaced(R"("description":"Axial")", R"("description":"Coronal")"), "description"},
      {replaced(R"("bodySite":{"code":"HEAD")", R"("bodySite":{"code":"FOOT")"), "bodySite.code"},
      {replaced(instance, instance + "9"), "instance[1].sopClass.code"},
      {replaced(R"(,"number":2})", R"(,"number":4})"), "instance[1].number"},
      {replaced(R"("uid":"1.2.1.1.2")", R"("uid":"1.2.1.1.1")"), "instance[1]"}};
  for (const auto& [text, element] : cases) {
    const Answer answer = Put(text);
    EXPECT_EQ(answer.status, 422) << element;
    EXPECT_THAT(answer.body, HasSubstr("\"ImagingStudy.series[0]." + element + "\"")) << answer.body;
  }
  EXPECT_THAT(Put(cases[1].first).body, HasSubstr("CT"));
  EXPECT_EQ(Run("GET", "ImagingStudy/1.2.1").version, 2u);
}

TEST_F(AdditionsTest, GiveWayWhenTheImagesSayIt) {
  Stow({{.series = "1.2.1.2", .sop = "1.2.1.2.1", .series_description = "", .instance_number = ""}});
  Add("1.2.1.2", R"("description":"mine","bodySite":{"code":"FOOT"},"performer":[{"actor":{"display":"Rita"}}])");
  Add("1.2.1.2.1", R"("number":7)");
  EXPECT_EQ(Total("ImagingStudy?bodysite=FOOT"), 1);
  Stow({{.series = "1.2.1.2",
         .sop = "1.2.1.2.1",
         .series_description = "theirs",
         .instance_number = "8",
         .more = {{{0x0018, 0x0015}, dicom::Vr("CS"), "CHEST"}}}},
       DuplicatePolicy::kReplace);
  const std::string study = Read("ImagingStudy/1.2.1");
  EXPECT_EQ(At(study, "series.1.description"), "theirs");
  EXPECT_EQ(At(study, "series.1.bodySite.code"), "CHEST");
  EXPECT_EQ(At(study, "series.1.instance.0.number"), "8");
  EXPECT_EQ(At(study, "series.1.performer.0.actor.display"), "Rita");
  EXPECT_EQ(Total("ImagingStudy?bodysite=FOOT"), 0);
  EXPECT_EQ(At(Read("ImagingStudy/1.2.1/_history/4"), "series.1.description"), "mine");
}

TEST_F(AdditionsTest, AreTakenOverFromWhatUsersMadeBefore) {
  ASSERT_EQ(Run("PUT", "ImagingStudy/mine",
                R"({"resourceType":"ImagingStudy","id":"mine","status":"registered","subject":{"display":"x"},)"
                R"("identifier":[{"system":"urn:dicom:uid","value":"urn:oid:1.9"}],"series":[{"uid":"1.9.1",)"
                R"("modality":{"code":"US","display":"sono"},"numberOfInstances":9,)" +
                    kPerformer + R"(,"instance":[{"uid":"1.9.1.1","sopClass":{"code":"x"},)" + kTitle +
                    R"(}]},{"uid":"1.9.7","modality":{"code":"US"}}]})")
                .status,
            201);
  Stow({{.study = "1.9", .series = "1.9.1", .sop = "1.9.1.1"}});
  const std::string study = Read("ImagingStudy/mine");
  EXPECT_EQ(Images(study), "1.9.1:1.9.1.1");
  EXPECT_EQ(At(study, "series.0.modality.code"), "CT");
  EXPECT_EQ(At(study, "series.0.numberOfInstances"), "1");
  EXPECT_THAT(study, HasSubstr(kPerformer));
  EXPECT_EQ(At(study, "series.0.instance.0.title"), "Best  of all");
  EXPECT_EQ(Total("ImagingStudy?series=1.9.7"), 0);
}

TEST_F(AdditionsTest, AreThereWhenNobodyLinks) {
  Add("1.2.1.1", kPerformer);
  options_.enabled = false;
  Link();
  Stow({{.sop = "1.2.1.1.3", .instance_number = "3"}});
  Delete("1.2.1", "1.2.1.1", "1.2.1.1.1");
  EXPECT_THAT(Read("ImagingStudy/1.2.1"), HasSubstr(kPerformer));
  options_.enabled = true;
  Link();
  const std::string study = Read("ImagingStudy/1.2.1");
  EXPECT_THAT(study, HasSubstr(kPerformer));
  EXPECT_EQ(Images(study), "1.2.1.1:1.2.1.1.2,1.2.1.1.3");
}

}  // namespace
}  // namespace hilum::fhir::imaging
