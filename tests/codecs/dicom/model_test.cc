// The model between DICOM JSON and the Native DICOM Model: what is read, what is written, what is refused.
#include "codecs/dicom/model.h"

#include <gmock/gmock.h>

namespace hilum::dicom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kHead =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<NativeDicomModel xmlns=\"http://dicom.nema.org/PS3.19/models/NativeDICOM\" xml:space=\"preserve\">";

// The content of the document that the data set of `json` becomes; after '!' why there is none.
std::string XmlOf(std::string_view json, const ModelLimits& limits = {}) {
  const auto data_sets = ReadJsonModel(json, limits);
  if (!data_sets.ok()) return "!" + data_sets.status().message();
  std::string xml;
  AppendXmlModel(data_sets->at(0), &xml);
  EXPECT_TRUE(xml.starts_with(kHead) && xml.ends_with("</NativeDicomModel>")) << xml;
  return xml.substr(kHead.size(), xml.size() - kHead.size() - 19);
}

TEST(ModelXmlTest, NumbersValuesAndNamesAttributesByKeyword) {
  EXPECT_EQ(XmlOf(R"([{"00080008":{"vr":"CS","Value":["ORIGINAL",null,"AXIAL"]}}])"),
            R"(<DicomAttribute tag="00080008" vr="CS" keyword="ImageType"><Value number="1">ORIGINAL</Value>)"
            R"(<Value number="2"></Value><Value number="3">AXIAL</Value></DicomAttribute>)");
  EXPECT_EQ(XmlOf(R"({"00100020":{"vr":"LO"}})"),
            R"(<DicomAttribute tag="00100020" vr="LO" keyword="PatientID"></DicomAttribute>)");
}

TEST(ModelXmlTest, KeepsTheDigitsOfNumbers) {
  const std::string xml = XmlOf(R"({"00180050":{"vr":"DS","Value":[7.50,-12,1.25e-3,18446744073709551615]}})");
  for (const char* digits : {">7.50<", ">-12<", ">1.25e-3<", ">18446744073709551615<"})
    EXPECT_THAT(xml, HasSubstr(digits));
}

TEST(ModelXmlTest, TakesPersonNamesApart) {
  EXPECT_EQ(XmlOf(R"({"00100010":{"vr":"PN","Value":[{"Alphabetic":"Yamada^Tarou^^Dr.","Phonetic":"や^た"}]}})"),
            "<DicomAttribute tag=\"00100010\" vr=\"PN\" keyword=\"PatientName\"><PersonName number=\"1\">"
            "<Alphabetic><FamilyName>Yamada</FamilyName><GivenName>Tarou</GivenName><NamePrefix>Dr.</NamePrefix>"
            "</Alphabetic><Phonetic><FamilyName>や</FamilyName><GivenName>た</GivenName></Phonetic>"
            "</PersonName></DicomAttribute>");
}

TEST(ModelXmlTest, WritesSequencesInlineAndBulkData) {
  EXPECT_EQ(
      XmlOf(R"({"00400275":{"vr":"SQ","Value":[{},{"00400009":{"vr":"SH","Value":["A"]}}]},)"
            R"("00420011":{"vr":"OB","InlineBinary":"YWI="},"7FE00010":{"vr":"OW","BulkDataURI":"a?b&c"}})"),
      R"(<DicomAttribute tag="00400275" vr="SQ" keyword="RequestAttributesSequence"><Item number="1"></Item>)"
      R"(<Item number="2"><DicomAttribute tag="00400009" vr="SH" keyword="ScheduledProcedureStepID">)"
      R"(<Value number="1">A</Value></DicomAttribute></Item></DicomAttribute>)"
      R"(<DicomAttribute tag="00420011" vr="OB" keyword="EncapsulatedDocument">)"
      R"(<InlineBinary>YWI=</InlineBinary></DicomAttribute>)"
      R"(<DicomAttribute tag="7FE00010" vr="OW" keyword="PixelData"><BulkData uri="a?b&amp;c"/></DicomAttribute>)");
}

TEST(ModelXmlTest, WritesPrivateAttributesByTheirCreator) {
  EXPECT_EQ(
      XmlOf(R"({"00091110":{"vr":"SH","Value":["x"]},"00090011":{"vr":"LO","Value":["ACME"]}})"),
      R"(<DicomAttribute tag="00090011" vr="LO"><Value number="1">ACME</Value></DicomAttribute>)"
      R"(<DicomAttribute tag="00090010" vr="SH" privateCreator="ACME"><Value number="1">x</Value></DicomAttribute>)");
  EXPECT_THAT(XmlOf(R"({"00091110":{"vr":"SH","Value":["x"]}})"), HasSubstr(R"(tag="00091110" vr="SH">)"))
      << "without a creator the tag is all there is";
}

TEST(ModelXmlTest, WritesNoCharacterThatXmlForbids) {
  EXPECT_THAT(XmlOf(R"({"00104000":{"vr":"LT","Value":["<a & \"b\">\r\n\u000c\u0000é"]}})"),
              HasSubstr(">&lt;a &amp; &quot;b&quot;&gt;&#13;&#10;\xEF\xBF\xBD\xEF\xBF\xBDé<"));
}

TEST(ModelJsonTest, SortsByTagAndTakesMembersInAnyOrder) {
  const auto data_sets = ReadJsonModel(
      R"([{"00100020":{"Value":["1"],"vr":"LO"},"00080018":{"vr":"UI","Value":["1.2"]}},)"
      R"({"00400275":{"Value":[{},{"00100010":{"Value":[{},{"Ideographic":"B"}],"vr":"PN"}}],"vr":"SQ"}}])",
      {});
  ASSERT_TRUE(data_sets.ok()) << data_sets.status().message();
  ASSERT_EQ(data_sets->size(), 2u);
  EXPECT_EQ(data_sets->at(0).attributes[0].tag, tags::kSopInstanceUid);
  const ModelAttribute* sequence = data_sets->at(1).Find({0x0040, 0x0275});
  ASSERT_TRUE(sequence);
  ASSERT_EQ(sequence->items.size(), 2u);
  EXPECT_THAT(sequence->items[1].attributes[0].values, ElementsAre("", "=B"));
}

TEST(ModelJsonTest, RefusesWithTheTagPath) {
  EXPECT_THAT(XmlOf(R"({"00400275":{"vr":"SQ","Value":[{},{"00400009":{"vr":"XX"}}]}})"),
              HasSubstr("!(0040,0275)[1]/(0040,0009): the vr is none"));
  EXPECT_THAT(XmlOf(R"({"00400009":{"Value":["A"]}})"), HasSubstr("(0040,0009): the vr is missing"));
  EXPECT_THAT(XmlOf(R"({"00400009":{"vr":"SH","Value":"A"}})"), HasSubstr("Value is an array"));
  EXPECT_THAT(XmlOf(R"({"00400009":{"vr":"SH","Value":[true]}})"), HasSubstr("no values"));
  EXPECT_THAT(XmlOf(R"({"00400009":{"vr":"SH","Value":[["A"]]}})"), HasSubstr("out of place"));
  EXPECT_THAT(XmlOf(R"({"00400009":{"vr":"SH","Value":[{"Alphabetic":"A"}]}})"), HasSubstr("only values of PN"));
  EXPECT_THAT(XmlOf(R"({"00400009":{"vr":"SH","Value":[{"00100010":{"vr":"SH"}}]}})"), HasSubstr("only sequences"));
  EXPECT_THAT(XmlOf(R"({"00400275":{"vr":"SQ","Value":["A"]}})"), HasSubstr("a sequence holds items"));
  EXPECT_THAT(XmlOf(R"({"00420011":{"vr":"OB","InlineBinary":"YWI"}})"), HasSubstr("not base64"));
  EXPECT_THAT(XmlOf(R"({"00420011":{"vr":"OB","InlineBinary":"YWI=","BulkDataURI":"a"}})"), HasSubstr("only one of"));
  EXPECT_THAT(XmlOf(R"({"00400009":{"vr":"SH"},"00400009":{"vr":"SH"}})"), HasSubstr("(0040,0009) comes twice"));
  EXPECT_THAT(XmlOf(R"({"PatientID":{"vr":"LO"}})"), HasSubstr("no tag"));
  for (const char* broken :
       {"", "[", "7", "[7]", "[[]]", "[{}", "{\"00400009\":7}", "[{}]]", "{\"00400009\":{\"vr\":null}}"})
    EXPECT_TRUE(XmlOf(broken).starts_with("!")) << broken;
}

TEST(ModelJsonTest, BoundsDepthAndElements) {
  const auto nested = [](int depth) {
    std::string json;
    for (int i = 0; i < depth; ++i) json += R"({"00400275":{"vr":"SQ","Value":[)";
    for (int i = 0; i < depth; ++i) json += "]}}";
    return json;
  };
  EXPECT_FALSE(XmlOf(nested(64)).starts_with("!"));
  EXPECT_THAT(XmlOf(nested(100'000)), HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(XmlOf(R"({"00080008":{"vr":"CS","Value":["A","B","C"]}})", {.max_elements = 4}),
              HasSubstr("more than 4 attributes"));
}

}  // namespace
}  // namespace hilum::dicom
