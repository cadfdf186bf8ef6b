#include "codecs/dicom/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>

#include "tests/codecs/dicom/part10_builder.h"

namespace hilum::dicom {
namespace {

using namespace testing;  // NOLINT: the builder's names

std::string JsonOf(const std::string& file, bool with_uri = true) {
  JsonOptions options{.inline_binary_bytes = 8};
  if (with_uri) options.bulk_data_uri = [](const std::string& path) { return "bulk/" + path; };
  std::string json;
  const Status status = AppendJson(file, options, {}, &json);
  return status.ok() ? json : "!" + status.message();
}
std::string JsonOf(const DataSet& data_set) {
  return JsonOf(Part10(data_set));
}

// The attribute object of one element.
std::string Member(Tag tag, Vr vr, std::string_view value) {
  const std::string json = JsonOf(DataSet().Raw(tag, vr, value));
  const std::string begin = "{\"" + ToHex(tag) + "\":";
  EXPECT_TRUE(json.starts_with(begin)) << json;
  return json.substr(begin.size(), json.size() - begin.size() - 1);
}

TEST(JsonTest, WritesTextValues) {
  EXPECT_EQ(Member({0x0008, 0x0060}, "CS", "CT"), R"({"vr":"CS","Value":["CT"]})");
  EXPECT_EQ(Member({0x0008, 0x0008}, "CS", "ORIGINAL\\PRIMARY "), R"({"vr":"CS","Value":["ORIGINAL","PRIMARY"]})");
  EXPECT_EQ(Member({0x0008, 0x0008}, "CS", "A\\\\B\\"), R"({"vr":"CS","Value":["A",null,"B",null]})") << "PS3.18 F.2.5";
  EXPECT_EQ(Member({0x0008, 0x0008}, "CS", "\\"), R"({"vr":"CS","Value":[null,null]})");
  EXPECT_EQ(Member({0x0008, 0x0060}, "CS", ""), R"({"vr":"CS"})");
  EXPECT_EQ(Member({0x0008, 0x0060}, "CS", "    "), R"({"vr":"CS"})");
  EXPECT_EQ(Member({0x0008, 0x0018}, "UI", std::string_view("1.2\0", 4)), R"({"vr":"UI","Value":["1.2"]})");
  EXPECT_EQ(Member({0x0010, 0x0020}, "LO", " 12 "), R"({"vr":"LO","Value":["12"]})");
  EXPECT_EQ(Member({0x0010, 0x4000}, "LT", " a\\b\r\n\"c\" "), R"({"vr":"LT","Value":[" a\\b\r\n\"c\""]})")
      << "one value, leading space kept";
  EXPECT_EQ(Member({0x0008, 0x0119}, "UC", "a\\b "), R"({"vr":"UC","Value":["a","b"]})");
  EXPECT_EQ(Member({0x0008, 0x0120}, "UR", "http://x/a\\b"), R"({"vr":"UR","Value":["http://x/a\\b"]})");
}

TEST(JsonTest, WritesTheGroupsOfPersonNames) {
  const auto name = [](std::string_view value) { return Member({0x0010, 0x0010}, "PN", value); };
  EXPECT_EQ(name("Doe^Jane"), R"({"vr":"PN","Value":[{"Alphabetic":"Doe^Jane"}]})");
  EXPECT_EQ(name("A^B=C^D=E^F "), R"({"vr":"PN","Value":[{"Alphabetic":"A^B","Ideographic":"C^D","Phonetic":"E^F"}]})");
  EXPECT_EQ(name("==E^F "), R"({"vr":"PN","Value":[{"Phonetic":"E^F"}]})");
  EXPECT_EQ(name("A==E"), R"({"vr":"PN","Value":[{"Alphabetic":"A","Phonetic":"E"}]})");
  EXPECT_EQ(name("A\\\\B="), R"({"vr":"PN","Value":[{"Alphabetic":"A"},null,{"Alphabetic":"B"}]})");
  EXPECT_EQ(name("=="), R"({"vr":"PN","Value":[null]})");
  EXPECT_EQ(name(""), R"({"vr":"PN"})");
}

TEST(JsonTest, WritesNumberStringsAsNumbersWhereTheyAreNumbers) {
  struct Case {
    std::string_view text, json;
  };
  for (const Case& c : std::initializer_list<Case>{{"1.50", "1.50"},     {"+07.50", "7.50"},
                                                   {" -.5", "-0.5"},     {"5.", "5"},
                                                   {"1e5", "1e5"},       {"1.E+05", "1E+05"},
                                                   {"-0", "-0"},         {"007", "7"},
                                                   {"000", "0"},         {"1234567890.12345", "1234567890.12345"},
                                                   {"abc", "\"abc\""},   {"1,5", "\"1,5\""},
                                                   {"1e", "\"1e\""},     {"-", "\"-\""},
                                                   {".", "\".\""},       {"NaN", "\"NaN\""},
                                                   {"0x10", "\"0x10\""}, {"1e999", "\"1e999\""},
                                                   {"--1", "\"--1\""},   {"1 2", "\"1 2\""}}) {
    EXPECT_EQ(Member({0x0018, 0x0050}, "DS", c.text), "{\"vr\":\"DS\",\"Value\":[" + std::string(c.json) + "]}")
        << c.text;
  }
  EXPECT_EQ(Member({0x0020, 0x0013}, "IS", "1\\\\+2"), R"({"vr":"IS","Value":[1,null,2]})");
  const std::string digits(1'000, '9');
  EXPECT_EQ(Member({0x0018, 0x0050}, "DS", digits), "{\"vr\":\"DS\",\"Value\":[\"" + digits + "\"]}");
}

TEST(JsonTest, WritesBinaryNumbers) {
  EXPECT_EQ(JsonOf(DataSet().Numbers({0x0028, 0x0010}, "US", {512, 65535})),
            R"({"00280010":{"vr":"US","Value":[512,65535]}})");
  EXPECT_EQ(JsonOf(DataSet().Numbers({0x0028, 0x0010}, "SS", {0xFFFF})), R"({"00280010":{"vr":"SS","Value":[-1]}})");
  EXPECT_EQ(JsonOf(DataSet().Numbers({0x0028, 0x0010}, "UL", {0xFFFFFFFF})),
            R"({"00280010":{"vr":"UL","Value":[4294967295]}})");
  EXPECT_EQ(JsonOf(DataSet().Numbers({0x0028, 0x0010}, "SL", {0x80000000})),
            R"({"00280010":{"vr":"SL","Value":[-2147483648]}})");
  EXPECT_EQ(JsonOf(DataSet().Numbers({0x0028, 0x0010}, "AT", {0x0020000D, 0x7FE00010})),
            R"({"00280010":{"vr":"AT","Value":["0020000D","7FE00010"]}})");
  EXPECT_EQ(JsonOf(DataSet().Numbers({0x0028, 0x0010}, "US", {})), R"({"00280010":{"vr":"US"}})");
  EXPECT_EQ(JsonOf(DataSet(kExplicitBig).Numbers({0x0028, 0x0010}, "UL", {0x01020304})),
            R"({"00280010":{"vr":"UL","Value":[16909060]}})");
}

TEST(JsonTest, WritesLongNumbersAsStringsWhereADoubleWouldNotDo) {
  EXPECT_EQ(JsonOf(DataSet().Numbers({0x0072, 0x0083}, "UV", {0, 1ull << 53, (1ull << 53) + 1})),
            R"({"00720083":{"vr":"UV","Value":[0,9007199254740992,"9007199254740993"]}})");
  EXPECT_EQ(JsonOf(DataSet().Numbers({0x0072, 0x0083}, "UV", {0xFFFFFFFFFFFFFFFF})),
            R"({"00720083":{"vr":"UV","Value":["18446744073709551615"]}})");
  EXPECT_EQ(JsonOf(DataSet().Numbers({0x0072, 0x0083}, "SV", {0x8000000000000000})),
            R"({"00720083":{"vr":"SV","Value":["-9223372036854775808"]}})");
}

TEST(JsonTest, WritesFloatsThatReadBackTheSame) {
  const auto doubles = [](double value) {
    return JsonOf(DataSet().Numbers({0x0018, 0x9073}, "FD", {std::bit_cast<uint64_t>(value)}));
  };
  EXPECT_EQ(doubles(0.1), R"({"00189073":{"vr":"FD","Value":[0.1]}})");
  EXPECT_EQ(doubles(1e300), R"({"00189073":{"vr":"FD","Value":[1e+300]}})");
  EXPECT_EQ(doubles(NAN), R"({"00189073":{"vr":"FD","Value":["NaN"]}})");
  EXPECT_EQ(doubles(INFINITY), R"({"00189073":{"vr":"FD","Value":["Infinity"]}})");
  EXPECT_EQ(doubles(-INFINITY), R"({"00189073":{"vr":"FD","Value":["-Infinity"]}})");
  EXPECT_EQ(JsonOf(DataSet().Numbers({0x0018, 0x9087}, "FL", {std::bit_cast<uint32_t>(0.1f)})),
            R"({"00189087":{"vr":"FL","Value":[0.1]}})");
}

TEST(JsonTest, WritesBulkDataInlineOrByReference) {
  EXPECT_EQ(Member({0x0009, 0x1001}, "OB", "f"), R"({"vr":"OB","InlineBinary":"Zg=="})");
  EXPECT_EQ(Member({0x0009, 0x1001}, "UN", "fo"), R"({"vr":"UN","InlineBinary":"Zm8="})");
  EXPECT_EQ(Member({0x0009, 0x1001}, "OB", "foobar"), R"({"vr":"OB","InlineBinary":"Zm9vYmFy"})");
  EXPECT_EQ(Member({0x0009, 0x1001}, "OB", "123456789"), R"({"vr":"OB","BulkDataURI":"bulk/00091001"})");
  EXPECT_EQ(Member({0x0009, 0x1001}, "OB", ""), R"({"vr":"OB"})");
  EXPECT_EQ(Member(tags::kPixelData, "OW", "ab"), R"({"vr":"OW","BulkDataURI":"bulk/7FE00010"})")
      << "pixel data never inline";
  EXPECT_EQ(JsonOf(Part10(DataSet().Raw({0x0009, 0x1001}, "OB", "123456789").Raw({0x0009, 0x1002}, "OB", "a")),
                   /*with_uri=*/false),
            R"({"00091002":{"vr":"OB","InlineBinary":"YQ=="}})");
  EXPECT_EQ(JsonOf(Part10(DataSet().Raw({0x0009, 0x1001}, "OB", "a").Raw({0x0009, 0x1002}, "OB", "123456789")),
                   /*with_uri=*/false),
            R"({"00091001":{"vr":"OB","InlineBinary":"YQ=="}})");
}

TEST(JsonTest, WritesBinaryBytesInLittleEndianOrder) {
  const DataSet big = DataSet(kExplicitBig)
                          .Raw({0x0009, 0x1001}, "OB", "abcd")
                          .Raw({0x0009, 0x1002}, "OW", "badc")
                          .Raw({0x0009, 0x1003}, "OF", "dcba")
                          .Raw({0x0009, 0x1004}, "OV", "hgfedcba");
  EXPECT_EQ(
      JsonOf(big),
      R"({"00091001":{"vr":"OB","InlineBinary":"YWJjZA=="},"00091002":{"vr":"OW","InlineBinary":"YWJjZA=="},)"
      R"("00091003":{"vr":"OF","InlineBinary":"YWJjZA=="},"00091004":{"vr":"OV","InlineBinary":"YWJjZGVmZ2g="}})");
}

TEST(JsonTest, WritesSequencesAndPathsOfBulkDataInThem) {
  const DataSet inner = DataSet().Text({0x0008, 0x0100}, "SH", "X").Raw({0x0029, 0x1020}, "OB", "123456789");
  const DataSet data_set = DataSet()
                               .Sequence({0x0029, 0x1010}, {DataSet(), DataSet().Sequence({0x0040, 0xA043}, {inner})})
                               .Sequence({0x0040, 0x0275}, {})
                               .Sequence({0x0088, 0x0200}, {DataSet().Fragments({"", "ab"})});
  EXPECT_EQ(
      JsonOf(data_set),
      R"({"00291010":{"vr":"SQ","Value":[{},{"0040A043":{"vr":"SQ","Value":[{"00080100":{"vr":"SH","Value":["X"]},)"
      R"("00291020":{"vr":"OB","BulkDataURI":"bulk/00291010/1/0040A043/0/00291020"}}]}}]},"00400275":{"vr":"SQ"},)"
      R"("00880200":{"vr":"SQ","Value":[{"7FE00010":{"vr":"OB","BulkDataURI":"bulk/00880200/0/7FE00010"}}]}})");
}

TEST(JsonTest, WritesKeysInTagOrderAndTheFirstOfDuplicates) {
  const DataSet item = DataSet().Text({0x0020, 0x0010}, "SH", "B").Text({0x0010, 0x0020}, "LO", "A");
  EXPECT_EQ(
      JsonOf(DataSet()
                 .Text({0x0020, 0x0010}, "SH", "S1")
                 .Text({0x0008, 0x0060}, "CS", "CT")
                 .Sequence({0x0008, 0x1140}, {item})
                 .Text({0x0020, 0x0010}, "SH", "S2")
                 .Text({0x0008, 0x0060}, "CS", "MR")),
      R"({"00080060":{"vr":"CS","Value":["CT"]},"00081140":{"vr":"SQ","Value":[{"00100020":{"vr":"LO","Value":["A"]},)"
      R"("00200010":{"vr":"SH","Value":["B"]}}]},"00200010":{"vr":"SH","Value":["S1"]}})");
}

TEST(JsonTest, LeavesOutWhatIsAboutTheEncoding) {
  EXPECT_EQ(JsonOf(DataSet()
                       .Numbers({0x0008, 0x0000}, "UL", {12})
                       .Text({0x0008, 0x0060}, "CS", "CT")
                       .Raw({0xFFFC, 0xFFFC}, "OB", "\0\0")),
            R"({"00080060":{"vr":"CS","Value":["CT"]}})");
}

TEST(JsonTest, ReadsKnownAttributesWrittenAsUnknown) {
  EXPECT_EQ(Member({0x0010, 0x0010}, "UN", "Doe^Jane"), R"({"vr":"PN","Value":[{"Alphabetic":"Doe^Jane"}]})");
  EXPECT_EQ(JsonOf(DataSet(kExplicitBig).Raw({0x0028, 0x0010}, "UN", std::string_view("\1\0", 2))),
            R"({"00280010":{"vr":"US","Value":[1]}})")
      << "little endian whatever the syntax (PS3.5 6.2.2)";
  EXPECT_EQ(Member({0x0040, 0x0275}, "UN", "abcd"), R"({"vr":"UN","InlineBinary":"YWJjZA=="})")
      << "no sequence, whatever its tag";
}

TEST(JsonTest, DecodesTextByTheCharacterSetInForce) {
  const DataSet greek =
      DataSet().Text(tags::kSpecificCharacterSet, "CS", "ISO_IR 126").Raw({0x0010, 0x0010}, "PN", "\xC4\xE9");
  const DataSet inherited = DataSet().Raw({0x0010, 0x0010}, "PN", "J\xE9");
  EXPECT_EQ(
      JsonOf(DataSet()
                 .Text(tags::kSpecificCharacterSet, "CS", "ISO_IR 100")
                 .Sequence({0x0008, 0x1140}, {greek, inherited})
                 .Raw({0x0010, 0x0010}, "PN", "J\xE9")),
      R"({"00080005":{"vr":"CS","Value":["ISO_IR 100"]},"00081140":{"vr":"SQ","Value":[{"00080005":{"vr":"CS","Value":["ISO_IR 126"]},)"
      R"("00100010":{"vr":"PN","Value":[{"Alphabetic":"Δι"}]}},{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Jé"}]}}]},)"
      R"("00100010":{"vr":"PN","Value":[{"Alphabetic":"Jé"}]}})");
}

TEST(JsonTest, LeavesTheOutputAsItWasOnError) {
  std::string json = "before";
  const std::string file = Instance();
  EXPECT_EQ(AppendJson(file.substr(0, file.size() - 1), {}, {}, &json).code(), Code::kInvalid);
  EXPECT_EQ(json, "before");
}

}  // namespace
}  // namespace hilum::dicom
