// Images of one study that name different patients.
#include <gmock/gmock.h>

#include "tests/fhir/imaging/patients_fixture.h"

namespace hilum::fhir::imaging {
namespace {

using ::testing::HasSubstr;

class ManyNamesTest : public PatientsTest {
 protected:
  void TearDown() override {
    ExpectAllAgrees();
    PatientsTest::TearDown();
  }
  // "element: images / other images (how many)", for each.
  std::string Conflicts(const std::string& url = "ImagingStudy/$conflicts") {
    const std::string body = Run("GET", url).body;
    std::string out;
    for (int i = 0;; ++i) {
      const std::string parts = "parameter." + std::to_string(i) + ".part.";
      if (At(body, parts + "2.name") != "images") return out;
      EXPECT_EQ(At(body, parts + "3.name"), "otherImages");
      out += (i == 0 ? "" : ", ") + At(body, parts + "1.valueCode") + ": " + At(body, parts + "2.valueString") + " / " +
             At(body, parts + "3.valueString") + " (" + At(body, parts + "4.valueInteger") + ")";
    }
  }
  static InstanceSpec Of(int number, const std::string& id, const std::string& name = "Doe^Jane") {
    return {.sop = "1.2.1.1." + std::to_string(number), .patient_name = name, .patient_id = id};
  }
};

TEST_F(ManyNamesTest, ImagesThatNameAnotherPatientAreListed) {
  PutPatient("jane", "P1");
  Stow({Of(1, "P1"), Of(2, "P1")});
  EXPECT_EQ(Conflicts(), "");
  Stow({Of(3, "P2")});
  Stow({Of(4, "P2"), Of(5, "P3", "Roe^Richard")});
  EXPECT_EQ(Subject(), "Patient/jane");
  EXPECT_EQ(Review(), kImagesMismatch);
  const std::string conflicts = "identifier: P1 / P2 (2), identifier: P1 / P3 (1), name: Doe Jane / Roe Richard (1)";
  EXPECT_EQ(Conflicts(), conflicts);
  EXPECT_EQ(Conflicts("ImagingStudy/1.2.1/$conflicts"), conflicts);
  Reopen();
  EXPECT_EQ(Conflicts(), conflicts);
}

TEST_F(ManyNamesTest, BirthDatesAndSexesAreCompared) {
  Stow({{}});
  Stow({{.sop = "1.2.1.1.2", .birth_date = "19710101", .more = {{dicom::tags::kPatientSex, dicom::Vr("CS"), "M"}}}});
  EXPECT_EQ(Conflicts(), "birthDate: 1970-01-01 / 1971-01-01 (1), gender: female / male (1)");
}

TEST_F(ManyNamesTest, WhatIsNotSaidOrOnlySpelledOtherwiseIsNoConflict) {
  Stow({Of(1, "P1", "Doe^Jane")});
  Stow({Of(2, "P1", "DOE^jane^M"),
        Of(3, "",
           "D\xC3\xB6"
           "e^Jane"),
        {.sop = "1.2.1.1.4", .birth_date = ""}});
  EXPECT_EQ(Conflicts(), "");
  EXPECT_EQ(Review(), "(nothing)");
  EXPECT_EQ(Run("GET", kStudy).version, 2u);
}

TEST_F(ManyNamesTest, AConflictGoesWithTheImagesThatMakeIt) {
  Stow({Of(1, "P1"), Of(2, "P2"), Of(3, "P2")});
  EXPECT_EQ(Conflicts(), "identifier: P1 / P2 (2)");
  Delete("1.2.1", "1.2.1.1", "1.2.1.1.2");
  EXPECT_EQ(Conflicts(), "identifier: P1 / P2 (1)");
  Stow({Of(3, "P1")}, DuplicatePolicy::kReplace);
  EXPECT_EQ(Conflicts(), "");
  EXPECT_EQ(Review(), "(nothing)");
  Stow({Of(3, "P4")}, DuplicatePolicy::kReplace);
  EXPECT_EQ(Conflicts(), "identifier: P1 / P4 (1)");
}

TEST_F(ManyNamesTest, TheFirstImageIsReplacedByOneThatNamesTheSame) {
  Stow({Of(1, "P1"), Of(2, "P4")});
  InstanceSpec again = Of(1, "P1");
  again.pixel_fill = 3;
  Stow({again}, DuplicatePolicy::kReplace);
  EXPECT_EQ(Conflicts(), "identifier: P1 / P4 (1)");
  Stow({Of(2, "P1")}, DuplicatePolicy::kReplace);
  Stow({Of(3, "P5")});
  EXPECT_EQ(Conflicts(), "identifier: P1 / P5 (1)");
}

TEST_F(ManyNamesTest, WhoIsLeftIsTheStudysPatient) {
  Stow({Of(1, "WRONG"), Of(2, "P1"), Of(3, "P1")});
  EXPECT_EQ(Conflicts(), "identifier: WRONG / P1 (2)");
  Delete("1.2.1", "1.2.1.1", "1.2.1.1.1");
  EXPECT_EQ(Conflicts(), "");
  EXPECT_EQ(At(Read(std::string(kStudy)), "subject.identifier.value"), "P1");
  Stow({Of(4, "WRONG")});
  EXPECT_EQ(Conflicts(), "identifier: P1 / WRONG (1)");
}

TEST_F(ManyNamesTest, ManyOfThemDoNotMakeTheStudyGrow) {
  std::vector<InstanceSpec> specs;
  for (int i = 1; i <= 30; ++i) specs.push_back(Of(i, "P" + std::to_string(i)));
  Stow(specs);
  EXPECT_EQ(Review(), kImagesMismatch);
  EXPECT_THAT(Conflicts(), HasSubstr("P1 / P16 (1)"));
  for (int i = 2; i <= 30; ++i) Delete("1.2.1", "1.2.1.1", "1.2.1.1." + std::to_string(i));
  EXPECT_EQ(Conflicts(), "");
}

TEST_F(ManyNamesTest, SomebodySaysWhoseTheyAre) {
  PutPatient("jane", "P1");
  PutPatient("joan", "P2");
  Stow({Of(1, "P1"), Of(2, "P2")});
  EXPECT_EQ(Run("PUT", kStudy,
                R"({"resourceType":"ImagingStudy","id":"1.2.1","status":"available",)"
                R"("subject":{"reference":"Patient/joan"}})")
                .status,
            200);
  EXPECT_EQ(Subject(), "Patient/joan");
  EXPECT_EQ(Review(), "(nothing)");
}

TEST_F(ManyNamesTest, QuarantineLinksNobodyThen) {
  With(PatientPolicy::kQuarantine);
  PutPatient("jane", "P1");
  Stow({Of(1, "P1")});
  EXPECT_EQ(Subject(), "Patient/jane");
  Stow({Of(2, "P2")});
  EXPECT_EQ(Subject(), "(nothing)");
  Delete("1.2.1", "1.2.1.1", "1.2.1.1.2");
  EXPECT_EQ(Subject(), "Patient/jane");
}

}  // namespace
}  // namespace hilum::fhir::imaging
