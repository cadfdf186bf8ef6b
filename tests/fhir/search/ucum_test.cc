#include "fhir/search/ucum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <regex>

#include "fhir/search/ucum_units.h"
#include "tests/fhir/support/examples.h"

namespace hilum::fhir {
namespace {

double Base(std::string_view number, std::string_view unit) {
  const auto canonical = Canonicalize(unit);
  EXPECT_TRUE(canonical.has_value()) << unit;
  return canonical ? InBaseUnits(number, *canonical) : NAN;
}

std::string CodeOf(std::string_view unit) {
  const auto canonical = Canonicalize(unit);
  return canonical ? canonical->code : "(unknown)";
}

TEST(Ucum, MultiplesOfTenAreExactlyEqual) {
  EXPECT_EQ(Base("5.4", "mg"), Base("5400", "ug"));
  EXPECT_EQ(Base("0.0054", "g"), Base("5.4e-6", "kg"));
  EXPECT_EQ(Base("120", "mg/dL"), Base("1.2", "g/L"));
  EXPECT_EQ(Base("7.3", "10*3/uL"), Base("7.3", "10*9/L"));
  EXPECT_EQ(Base("5", "%"), Base("0.05", "1"));
}

TEST(Ucum, OtherMultiplesAreEqualAsFarAsADoubleGoes) {
  EXPECT_NEAR(Base("1", "[lb_av]"), 453.59237, 1e-9);
  EXPECT_NEAR(Base("1", "[in_i]"), 0.0254, 1e-15);
  EXPECT_NEAR(Base("98.6", "[degF]"), Base("37", "Cel"), 1e-9);
  EXPECT_NEAR(Base("1", "mm[Hg]"), 133322, 1e-6);
  EXPECT_NEAR(Base("1", "d"), 86400, 0);
  EXPECT_NEAR(Base("60", "/min"), 1, 1e-12);
}

TEST(Ucum, CodesNameTheDimension) {
  for (const auto& [unit, code] : std::initializer_list<std::pair<const char*, const char*>>{
           {"kg/m2", "g.m-2"},
           {"kg.m-2", "g.m-2"},
           {"mm[Hg]", "g.m-1.s-2"},
           {"mmol/L", "m-3.mol"},
           {"meq/L", "m-3.mol"},
           {"mL/min/{1.73_m2}", "m3.s-1"},
           {"{score}", "1"},
           {"1", "1"},
           {"/min", "s-1"},
           {"(mg/kg)/d", "s-1"},
           {"m[iU]/mL", "m-3.[iU]"},
           {"U/L", "m-3.s-1.mol"},
           {"10*3/uL", "m-3"},
           {"10^3/uL", "m-3"},
           {"mm/h", "m.s-1"},
           {"Cel", "K"},
           {"umol{creat}/L", "m-3.mol"},
           {"m3.s-1", "m3.s-1"},
           {"kcal", "g.m2.s-2"},
       }) {
    EXPECT_EQ(CodeOf(unit), code) << unit;
  }
}

TEST(Ucum, RefusesWhatIsNoUnit) {
  for (const char* unit : {"", "xyz", "mg/", "/", "mg//dL", "(mg", "mg)", "{a", "[in_i", "kmin", "mg/dL ", "[pH]",
                           "mCel", "k[degF]", "m999999999999", "0", "10**", ".", "m-"}) {
    EXPECT_FALSE(Canonicalize(unit).has_value()) << unit;
  }
  EXPECT_FALSE(Canonicalize(std::string(1000, '(')).has_value());
  EXPECT_FALSE(Canonicalize(std::string(100, '(') + "m").has_value());
}

TEST(Ucum, RefusesPowersBeyondAHundred) {
  EXPECT_TRUE(Canonicalize("m-100").has_value());
  for (const char* code : {"m101", "m-101", "m2147483647", "m-2147483648", "m-2147483648.m-2147483648"}) {
    EXPECT_FALSE(Canonicalize(code).has_value()) << code;
  }
}

TEST(Ucum, EveryRowOfTheTableIsWorkedOut) {
  for (const ucum::Unit& unit : ucum::Units()) {
    const std::string code =
        unit.code == "10*" || unit.code == "10^" ? std::string(unit.code) + "1" : std::string(unit.code);
    EXPECT_TRUE(Canonicalize(code).has_value()) << code;
  }
}

// <value Unit="kg.m/s2" ... value="1"> of each unit of ours must say the same. The mole and arbitrary units are
// dimensions here.
TEST(Ucum, AgreesWithTheEssence) {
  const std::string essence = ReadAll(FhirData() / "testcases/ucum/ucum-essence.xml");
  if (essence.empty()) GTEST_SKIP() << "no ucum-essence.xml in " << FhirData();
  const std::regex unit_tag("<unit [^>]*Code=\"([^\"]*)\""),
      value_tag("<value Unit=\"([^\"]*)\"[^>]* value=\"([^\"]*)\"");
  int checked = 0;
  for (size_t at = essence.find("<unit "); at != essence.npos; at = essence.find("<unit ", at + 1)) {
    const std::string text = essence.substr(at, essence.find("</unit>", at) - at);
    std::smatch code, value;
    if (!std::regex_search(text, code, unit_tag) || !std::regex_search(text, value, value_tag)) continue;
    const std::string name = std::regex_replace(code[1].str(), std::regex("&#39;|&apos;"), "'");
    const auto ours = Canonicalize(name == "10*" || name == "10^" ? name + "1" : name);
    const auto theirs = Canonicalize(value[1].str());
    const bool dimension_here = name == "mol" || text.find("isArbitrary=\"yes\"") != text.npos;
    if (!ours || !theirs || dimension_here) continue;
    EXPECT_EQ(ours->code, theirs->code) << name;
    EXPECT_NEAR(InBaseUnits("1", *ours) / InBaseUnits(value[2].str(), *theirs), 1, 1e-9) << name;
    ++checked;
  }
  EXPECT_GT(checked, 90);
}

}  // namespace
}  // namespace hilum::fhir
