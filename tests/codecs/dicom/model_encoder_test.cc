// Native DICOM Model documents read, and models written as Part 10 files.
#include <gmock/gmock.h>

#include "codecs/dicom/attributes.h"
#include "codecs/dicom/json.h"
#include "codecs/dicom/model.h"
#include "tests/codecs/dicom/part10_builder.h"

namespace hilum::dicom {
namespace {

using namespace testing;  // NOLINT: the builder's names
using ::testing::HasSubstr;

const BulkFinder kNoBulk = [](const std::string&) { return nullptr; };

std::string JsonOf(const std::string& file) {
  std::string json;
  const Status status = AppendJson(file, {.bulk_data_uri = [](const std::string& path) { return path; }}, {}, &json);
  return status.ok() ? json : "!" + status.message();
}

// What the file of a DICOM JSON document reads as; after '!' why there is none.
std::string Encoded(std::string_view json, const BulkFinder& bulk = kNoBulk, uint64_t max_bytes = 1 << 20) {
  const auto data_sets = ReadJsonModel(json, {});
  if (!data_sets.ok()) return "!" + data_sets.status().message();
  const auto file = EncodeModel(data_sets->at(0), bulk, max_bytes);
  return file.ok() ? JsonOf(*file) : "!" + file.status().message();
}

std::string Document(std::string_view content) {
  return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<NativeDicomModel>\n" + std::string(content) +
         "\n</NativeDicomModel>";
}

// What the file of a Native DICOM Model document reads as.
std::string FromXml(std::string_view xml, const ModelLimits& limits = {}) {
  const auto data_set = ReadXmlModel(xml, limits);
  if (!data_set.ok()) return "!" + data_set.status().message();
  const auto file = EncodeModel(*data_set, kNoBulk, 1 << 20);
  return file.ok() ? JsonOf(*file) : "!" + file.status().message();
}

constexpr std::string_view kEverything =
    R"({"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"00080008":{"vr":"CS","Value":["A",null,"B"]},)"
    R"("00080018":{"vr":"UI","Value":["1.2"]},"00090010":{"vr":"LO","Value":["ACME"]},)"
    R"("00091001":{"vr":"SS","Value":[-1,32767]},"00091002":{"vr":"AT","Value":["0020000D"]},)"
    R"("00091003":{"vr":"FD","Value":[0.1,"NaN","-Infinity"]},"00091004":{"vr":"UV","Value":["18446744073709551615"]},)"
    R"("00091005":{"vr":"OB","InlineBinary":"AAEC/w=="},"00091006":{"vr":"FL","Value":[1.5]},)"
    R"("00100010":{"vr":"PN","Value":[{"Alphabetic":"Müller^Jürgen^^Dr.","Ideographic":"山田^太郎"}]},)"
    R"("00104000":{"vr":"LT","Value":["a\\b\r\n <&>"]},"00180050":{"vr":"DS","Value":[7.50]},)"
    R"("00400275":{"vr":"SQ","Value":[{},{"00400009":{"vr":"SH","Value":["é"]},"0040A730":{"vr":"SQ","Value":[{}]}}]},)"
    R"("00420010":{"vr":"ST"}})";

TEST(ModelEncoderTest, WhatIsReadFromJsonReadsTheSameFromTheFile) {
  EXPECT_EQ(Encoded(kEverything), kEverything);
}

TEST(ModelEncoderTest, WhatIsWrittenAsXmlReadsTheSame) {
  const auto data_sets = ReadJsonModel(kEverything, {});
  ASSERT_TRUE(data_sets.ok());
  std::string xml;
  AppendXmlModel(data_sets->at(0), &xml);
  EXPECT_EQ(FromXml(xml), kEverything);
}

TEST(ModelEncoderTest, WritesTextInUtf8AndSaysSo) {
  EXPECT_EQ(Encoded(R"({"00080005":{"vr":"CS","Value":["ISO_IR 100"]},"00100020":{"vr":"LO","Value":["é"]},)"
                    R"("00400275":{"vr":"SQ","Value":[{"00080005":{"vr":"CS","Value":["ISO_IR 100"]}}]}})"),
            R"({"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"00100020":{"vr":"LO","Value":["é"]},)"
            R"("00400275":{"vr":"SQ","Value":[{}]}})");
}

TEST(ModelEncoderTest, TakesBulkDataFromWhereItIs) {
  const ModelBulk native{.pieces = {"ab", "cd"}};
  const ModelBulk compressed{.pieces = {"abc", "de"}, .transfer_syntax = "1.2.840.10008.1.2.4.50"};
  const BulkFinder find = [&](const std::string& uri) {
    return uri == "n" ? &native : uri == "c" ? &compressed : nullptr;
  };
  const auto file_of = [&](std::string_view uri) {
    const auto data_sets =
        ReadJsonModel("{\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"" + std::string(uri) + "\"}}", {});
    const auto file = EncodeModel(data_sets->at(0), find, 1 << 20);
    return file.ok() ? *file : "!" + file.status().message();
  };
  EXPECT_TRUE(file_of("n").ends_with(std::string_view("\x04\0\0\0abcd", 8)));
  const std::string file = file_of("c");
  EXPECT_TRUE(file.ends_with(DataSet().Fragments({"", std::string("abc\0", 4), "de"}).bytes()));
  EXPECT_THAT(file, HasSubstr("1.2.840.10008.1.2.4.50"));
  EXPECT_THAT(file_of("x"), HasSubstr("(7FE0,0010): the bulk data URI is the Content-Location of no part"));
  EXPECT_THAT(Encoded(R"({"00880200":{"vr":"SQ","Value":[{"7FE00010":{"vr":"OB","BulkDataURI":"c"}}]}})", find),
              HasSubstr("(0088,0200)[0]/(7FE0,0010): only Pixel Data of the instance itself"));
}

TEST(ModelEncoderTest, ADecimalHasAsManyDigitsAsItMayHave) {
  const auto encoded = [](const std::string& number) {
    return Encoded(R"({"00180050":{"vr":"DS","Value":[)" + number + "]}}");
  };
  EXPECT_THAT(encoded("0.12345678901234567"), HasSubstr("[0.12345678901235]"));
  EXPECT_THAT(encoded("-1.2345678901234567e-100"), HasSubstr("[-1.23456789e-100]"));
  EXPECT_THAT(encoded("1234567890123456789"), HasSubstr("[1.2345678901e+18]"));
  EXPECT_THAT(encoded("0.1234567890123"), HasSubstr("[0.1234567890123]"));
}

TEST(ModelEncoderTest, AWholeNumberMayBeWrittenWithAFractionOrAnExponent) {
  const auto encoded = [](const std::string& vr, const std::string& number) {
    return Encoded(R"({"00280010":{"vr":")" + vr + R"(","Value":[)" + number + "]}}");
  };
  EXPECT_THAT(encoded("IS", "1.0"), HasSubstr("[1]"));
  EXPECT_THAT(encoded("IS", "-1.2e3"), HasSubstr("[-1200]"));
  EXPECT_THAT(encoded("IS", "-2147483648"), HasSubstr("[-2147483648]"));
  EXPECT_THAT(encoded("US", "5.0"), HasSubstr("[5]"));
  EXPECT_THAT(encoded("SL", "-1e2"), HasSubstr("[-100]"));
  EXPECT_THAT(encoded("UV", "1e3"), HasSubstr("1000"));
  EXPECT_THAT(encoded("US", "1e5"), HasSubstr("no number that this vr can hold"));
}

TEST(ModelEncoderTest, WhatIsTooLongForItsVrIsOfVrUnknownAndReadsTheSame) {
  std::string points = "1.5";
  for (int i = 0; i < 20'000; ++i) points += ",2.5";
  const std::string json =
      R"({"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"30060050":{"vr":"DS","Value":[)" + points + "]}}";
  EXPECT_TRUE(Encoded(json) == json);
}

TEST(ModelEncoderTest, RefusesWhatAVrCannotHold) {
  for (const char* wrong :
       {R"({"00280010":{"vr":"US","Value":[65536]}})", R"({"00280010":{"vr":"US","Value":[-1]}})",
        R"({"00280010":{"vr":"US","Value":[1.5]}})", R"({"00280010":{"vr":"US","Value":["1 "]}})",
        R"({"00280010":{"vr":"US","Value":[1,null]}})", R"({"00280010":{"vr":"AT","Value":["PatientID"]}})",
        R"({"00280010":{"vr":"IS","Value":[1.5]}})", R"({"00280010":{"vr":"IS","Value":[2147483648]}})",
        R"({"00280010":{"vr":"FL","Value":[1e300]}})", R"({"00280010":{"vr":"LO","Value":["a\\b"]}})",
        R"({"00280010":{"vr":"LO","Value":["a\u0000b"]}})", R"({"00280010":{"vr":"LT","Value":["a","b"]}})",
        R"({"00280010":{"vr":"OB","Value":[1]}})", R"({"00280010":{"vr":"LO","InlineBinary":"YWI="}})"})
    EXPECT_TRUE(Encoded(wrong).starts_with("!(0028,0010): ")) << wrong << " gives " << Encoded(wrong);
  for (const char* tag : {"FFFEE000", "FFFF0010", "00010010", "00070010"})
    EXPECT_THAT(Encoded("{\"" + std::string(tag) + "\":{\"vr\":\"UN\"}}"), HasSubstr("no attribute"));
  EXPECT_THAT(Encoded(kEverything, kNoBulk, 100), HasSubstr("larger than it may be"));
}

TEST(ModelXmlReaderTest, GivesPrivateAttributesTheBlockOfTheirCreator) {
  EXPECT_EQ(
      FromXml(Document(R"(<DicomAttribute tag="00090001" vr="SH" privateCreator="NEW"><Value>x</Value></DicomAttribute>
    <DicomAttribute tag="00090002" vr="SH" privateCreator="ACME"/>
    <DicomAttribute tag="00090010" vr="LO"><Value number="1">ACME</Value></DicomAttribute>)")),
      R"({"00080005":{"vr":"CS","Value":["ISO_IR 192"]},"00090010":{"vr":"LO","Value":["ACME"]},)"
      R"("00090011":{"vr":"LO","Value":["NEW"]},"00091002":{"vr":"SH"},"00091101":{"vr":"SH","Value":["x"]}})");
}

TEST(ModelXmlReaderTest, PutsValuesWhereTheirNumbersSay) {
  EXPECT_THAT(FromXml(Document(R"(<d:DicomAttribute xmlns:d="x" tag="00080008" vr="CS"><d:Value number="3"> C </d:Value>
    <!-- nothing --></d:DicomAttribute>)")),
              HasSubstr(R"("00080008":{"vr":"CS","Value":[null,null,"C"]})"));
}

TEST(ModelXmlReaderTest, RefusesDocumentTypesAndForeignEncodings) {
  EXPECT_THAT(FromXml("<!DOCTYPE a [<!ENTITY b \"c\">]><NativeDicomModel/>"), HasSubstr("document type declaration"));
  EXPECT_THAT(FromXml("<?xml version=\"1.0\" encoding=\"latin1\"?><NativeDicomModel/>"), HasSubstr("UTF-8"));
  EXPECT_THAT(FromXml("<NativeDicomModel>\xE9</NativeDicomModel>"), HasSubstr("UTF-8"));
  EXPECT_THAT(FromXml("<Other/>"), HasSubstr("no NativeDicomModel"));
  EXPECT_THAT(FromXml("<NativeDicomModel>"), HasSubstr("not well-formed XML at byte"));
  EXPECT_TRUE(FromXml("").starts_with("!"));
}

TEST(ModelXmlReaderTest, RefusesWithTheTagPath) {
  const auto attribute = [](std::string_view vr, std::string_view content) {
    return FromXml(
        Document("<DicomAttribute tag=\"00400275\" vr=\"SQ\"><Item number=\"1\"><DicomAttribute "
                 "tag=\"00400009\" vr=\"" +
                 std::string(vr) + "\">" + std::string(content) + "</DicomAttribute></Item></DicomAttribute>"));
  };
  const std::string place = "!(0040,0275)[0]/(0040,0009): ";
  EXPECT_EQ(attribute("XX", ""), place + "the vr is none of PS3.5 table 6.2-1");
  EXPECT_EQ(attribute("SH", "text"), place + "there is text outside of a Value");
  EXPECT_EQ(attribute("SH", "<Value number=\"0\"/>"), place + "the numbers of values and items must rise from 1");
  EXPECT_EQ(attribute("SH", "<Value number=\"2\"/><Value number=\"2\"/>"),
            place + "the numbers of values and items must rise from 1");
  EXPECT_EQ(attribute("SH", "<Value><b/></Value>"), place + "an element is where text belongs");
  EXPECT_EQ(attribute("SH", "<Item/>"), place + "an attribute of this vr does not hold such an element");
  EXPECT_EQ(attribute("OB", "<InlineBinary>%</InlineBinary>"), place + "InlineBinary is not base64");
  EXPECT_EQ(attribute("OB", "<BulkData uri=\"a\"/><Value/>"), place + "nothing goes with InlineBinary or BulkData");
  EXPECT_THAT(FromXml(Document("<DicomAttribute vr=\"SH\"/>")), HasSubstr("no tag"));
}

TEST(ModelXmlReaderTest, BoundsDepthAndElements) {
  const auto nested = [](int depth) {
    std::string xml;
    for (int i = 0; i < depth; ++i) xml += "<DicomAttribute tag=\"00400275\" vr=\"SQ\"><Item number=\"1\">";
    for (int i = 0; i < depth; ++i) xml += "</Item></DicomAttribute>";
    return Document(xml);
  };
  EXPECT_FALSE(FromXml(nested(64)).starts_with("!"));
  EXPECT_THAT(FromXml(nested(50'000)), HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(
      FromXml(Document("<DicomAttribute tag=\"00080008\" vr=\"CS\"><Value number=\"4000000000\"/></DicomAttribute>")),
      HasSubstr("more than 1000000 attributes"));
}

}  // namespace
}  // namespace hilum::dicom
