#include <gtest/gtest.h>

#include "codecs/dicom/json.h"

namespace hilum::dicom {
namespace {

TEST(AttributeJson, FollowsTheDicomJsonModel) {
  const auto json = [](Vr vr, std::vector<std::string> values) {
    std::string out;
    AppendAttributeJson(vr, values, &out);
    return out;
  };
  EXPECT_EQ(json(Vr("DA"), {"20240101"}), R"({"vr":"DA","Value":["20240101"]})");
  EXPECT_EQ(json(Vr("LO"), {}), R"({"vr":"LO"})");
  EXPECT_EQ(json(Vr("CS"), {"A", "", "B"}), R"({"vr":"CS","Value":["A",null,"B"]})");
  EXPECT_EQ(
      json(Vr("PN"), {"Yamada^Tarou=山田^太郎=やまだ^たろう"}),
      R"({"vr":"PN","Value":[{"Alphabetic":"Yamada^Tarou","Ideographic":"山田^太郎","Phonetic":"やまだ^たろう"}]})");
  EXPECT_EQ(json(Vr("PN"), {"=山田^太郎"}), R"({"vr":"PN","Value":[{"Ideographic":"山田^太郎"}]})");
  EXPECT_EQ(json(Vr("IS"), {"12"}), R"({"vr":"IS","Value":[12]})");
  EXPECT_EQ(json(Vr("IS"), {"012"}), R"({"vr":"IS","Value":[12]})");
  EXPECT_EQ(json(Vr("DS"), {"-1.50e3"}), R"({"vr":"DS","Value":[-1.50e3]})") << "digits are kept";
  EXPECT_EQ(json(Vr("US"), {"512"}), R"({"vr":"US","Value":[512]})");
}

}  // namespace
}  // namespace hilum::dicom
