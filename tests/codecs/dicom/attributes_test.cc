#include "codecs/dicom/attributes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/codecs/dicom/part10_builder.h"

namespace hilum::dicom {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace testing;  // NOLINT: the builder's names

constexpr Tag kRequests = tags::kRequestAttributesSequence;
constexpr Tag kStepId = tags::kScheduledProcedureStepId;

Header HeaderOf(const std::string& file, std::vector<TagPath> paths) {
  auto header = ReadHeader(file, AttributeSelection(std::move(paths)), {});
  EXPECT_TRUE(header.ok()) << header.status().message();
  return header.ok() ? *std::move(header) : Header();
}
Header HeaderOf(const DataSet& data_set, std::vector<TagPath> paths) {
  return HeaderOf(Part10(data_set), std::move(paths));
}

TEST(AttributesTest, ReadsTheFactsEveryCallerNeeds) {
  for (const Encoding& encoding : {kExplicitLittle, kImplicitLittle, kExplicitBig}) {
    const Header header =
        HeaderOf(Instance({.encoding = encoding, .rows = 3, .columns = 5, .bits_allocated = 16, .frames = 7}), {});
    EXPECT_EQ(header.study_uid, "1.2.826.0.1.1");
    EXPECT_EQ(header.series_uid, "1.2.826.0.1.1.1");
    EXPECT_EQ(header.sop_uid, "1.2.826.0.1.1.1.1");
    EXPECT_EQ(header.sop_class_uid, "1.2.840.10008.5.1.4.1.1.2");
    EXPECT_EQ(header.rows, 3u);
    EXPECT_EQ(header.columns, 5u);
    EXPECT_EQ(header.bits_allocated, 16u);
    EXPECT_EQ(header.samples_per_pixel, 1u);
    EXPECT_EQ(header.frames, 7u);
    EXPECT_EQ(header.photometric_interpretation, "MONOCHROME2");
    EXPECT_EQ(header.layout.transfer_syntax, encoding.uid);
    EXPECT_EQ(header.layout.pixel_data_length, 3u * 5 * 2 * 7 + 0u);
    EXPECT_THAT(header.attributes, IsEmpty());
  }
}

TEST(AttributesTest, LeavesFactsEmptyThatAreAbsentOrNonsense) {
  const Header header = HeaderOf(
      DataSet().Text(tags::kModality, "CS", "CT").Text(tags::kNumberOfFrames, "IS", "many").Raw(tags::kRows, "US", ""),
      {});
  EXPECT_EQ(header.study_uid, "");
  EXPECT_EQ(header.rows, 0u);
  EXPECT_EQ(header.frames, 1u);
  EXPECT_EQ(HeaderOf(DataSet().Numbers(tags::kRows, "UL", {70'000}), {}).rows, 70'000u) << "written with another VR";
}

TEST(AttributesTest, CountsMayHaveBlanksBeforeThem) {
  // PS3.5 table 6.2-1: IS may be padded at both ends.
  for (const char* const frames : {" 2", "2 ", " +2 "})
    EXPECT_EQ(HeaderOf(DataSet().Text(tags::kNumberOfFrames, "IS", frames), {}).frames, 2u) << frames;
}

TEST(AttributesTest, ReturnsWhatWasAskedForInTheOrderAsked) {
  const Header header = HeaderOf(
      Instance(), {{tags::kPatientId}, {tags::kModality}, {tags::kBodyPartExamined}, {tags::kPatientName}, {}});
  ASSERT_EQ(header.attributes.size(), 3u);
  EXPECT_THAT(header.attributes[0].path, ElementsAre(tags::kPatientId));
  EXPECT_THAT(header.attributes[1].path, ElementsAre(tags::kModality));
  EXPECT_EQ(header.attributes[2].vr, Vr("PN"));
  EXPECT_EQ(header.attributes[2].json, R"({"vr":"PN","Value":[{"Alphabetic":"Doe^Jane"}]})");
  EXPECT_EQ(header.First(tags::kModality), "CT");
  EXPECT_EQ(header.First(tags::kBodyPartExamined), "");
  EXPECT_EQ(header.Find(tags::kBodyPartExamined), nullptr);
}

TEST(AttributesTest, SplitsValuesAndRemovesPadding) {
  const Header header = HeaderOf(DataSet()
                                     .Text({0x0008, 0x0008}, "CS", "ORIGINAL\\ PRIMARY\\\\AXIAL")
                                     .Text({0x0008, 0x0050}, "SH", "   ")
                                     .Raw({0x0008, 0x0018}, "UI", std::string_view("1.2.3\0", 6))
                                     .Text({0x0010, 0x4000}, "LT", " a\\b "),
                                 {{{0x0008, 0x0008}}, {{0x0008, 0x0018}}, {{0x0008, 0x0050}}, {{0x0010, 0x4000}}});
  EXPECT_THAT(header.attributes[0].values, ElementsAre("ORIGINAL", "PRIMARY", "", "AXIAL"));
  EXPECT_THAT(header.attributes[1].values, ElementsAre("1.2.3"));
  EXPECT_THAT(header.attributes[2].values, IsEmpty());
  EXPECT_THAT(header.attributes[3].values, ElementsAre(" a\\b"));
}

TEST(AttributesTest, WritesNumbersInDecimal) {
  const Header header = HeaderOf(DataSet(kExplicitBig)
                                     .Numbers(tags::kRows, "US", {512, 1})
                                     .Numbers({0x0018, 0x9087}, "FD", {0x3FF8000000000000})
                                     .Numbers({0x0028, 0x0009}, "AT", {0x00181063})
                                     .Raw({0x0028, 0x0106}, "SS", std::string_view("\xFF\xFF\x01", 3)),
                                 {{tags::kRows}, {{0x0018, 0x9087}}, {{0x0028, 0x0009}}, {{0x0028, 0x0106}}});
  EXPECT_THAT(header.attributes[0].values, ElementsAre("512", "1"));
  EXPECT_THAT(header.attributes[1].values, ElementsAre("1.5"));
  EXPECT_THAT(header.attributes[2].values, ElementsAre("00181063"));
  EXPECT_THAT(header.attributes[3].values, ElementsAre("-1")) << "whole numbers only";
}

TEST(AttributesTest, DecodesTextAndKeepsTheGroupsOfNames) {
  const Header header = HeaderOf(DataSet()
                                     .Text(tags::kSpecificCharacterSet, "CS", "\\ISO 2022 IR 87")
                                     .Raw(tags::kPatientName, "PN", "Yamada^Tarou=\x1B$B;3ED\x1B(B^\x1B$BB@O:\x1B(B"),
                                 {{tags::kPatientName}});
  EXPECT_EQ(header.First(tags::kPatientName), "Yamada^Tarou=山田^太郎");
}

TEST(AttributesTest, CollectsAPathOverAllItems) {
  const auto item = [](std::string_view id) { return DataSet().Text(kStepId, "SH", id); };
  const DataSet data_set =
      DataSet().Text(kStepId, "SH", "top").Sequence(kRequests, {item("A"), DataSet(), item("B\\C")});
  const Header header =
      HeaderOf(data_set, {{kRequests, kStepId}, {kRequests}, {kRequests, tags::kRequestedProcedureId}, {kStepId}});
  ASSERT_EQ(header.attributes.size(), 3u);
  EXPECT_THAT(header.attributes[0].values, ElementsAre("A", "B", "C"));
  EXPECT_EQ(header.attributes[0].json, "");
  EXPECT_EQ(header.attributes[1].vr, Vr("SQ"));
  EXPECT_EQ(
      header.attributes[1].json,
      R"({"vr":"SQ","Value":[{"00400009":{"vr":"SH","Value":["A"]}},{},{"00400009":{"vr":"SH","Value":["B","C"]}}]})");
  EXPECT_THAT(header.attributes[1].values, IsEmpty());
  EXPECT_THAT(header.attributes[2].values, ElementsAre("top"));
}

TEST(AttributesTest, FollowsPathsThroughSequencesInSequences) {
  const DataSet code = DataSet().Text({0x0008, 0x0100}, "SH", "X");
  const DataSet data_set = DataSet().Sequence(
      kRequests, {DataSet().Sequence({0x0040, 0x0008}, {code}).Sequence({0x0032, 0x1064}, {code, code})});
  const Header header =
      HeaderOf(data_set, {{kRequests, {0x0040, 0x0008}, {0x0008, 0x0100}}, {kRequests, {0x0008, 0x0100}}});
  ASSERT_EQ(header.attributes.size(), 1u);
  EXPECT_THAT(header.attributes[0].values, ElementsAre("X"));
}

TEST(AttributesTest, DecodesItemsByTheirOwnCharacterSet) {
  const DataSet item = DataSet().Text(tags::kSpecificCharacterSet, "CS", "ISO_IR 126").Raw(kStepId, "SH", "\xC4\xE9");
  const DataSet data_set = DataSet()
                               .Text(tags::kSpecificCharacterSet, "CS", "ISO_IR 100")
                               .Sequence(kRequests, {item, DataSet().Raw(kStepId, "SH", "J\xE9")});
  EXPECT_THAT(HeaderOf(data_set, {{kRequests, kStepId}}).attributes[0].values, ElementsAre("Δι", "Jé"));
}

TEST(AttributesTest, TakesTheFirstOfDuplicatesInAnyOrder) {
  const auto item = [](std::string_view id) { return DataSet().Text(kStepId, "SH", id); };
  const DataSet data_set = DataSet()
                               .Text(tags::kStudyInstanceUid, "UI", "1.1")
                               .Text(tags::kPatientId, "LO", "1")
                               .Sequence(kRequests, {item("A")})
                               .Text(tags::kPatientId, "LO", "2")
                               .Text(tags::kModality, "CS", "CT")
                               .Text(tags::kStudyInstanceUid, "UI", "1.2")
                               .Sequence(kRequests, {item("B")});
  const Header header = HeaderOf(data_set, {{tags::kPatientId}, {tags::kModality}, {kRequests}, {kRequests, kStepId}});
  EXPECT_THAT(header.attributes[0].values, ElementsAre("1"));
  EXPECT_THAT(header.attributes[1].values, ElementsAre("CT"));
  EXPECT_EQ(header.attributes[2].json, R"({"vr":"SQ","Value":[{"00400009":{"vr":"SH","Value":["A"]}}]})");
  EXPECT_THAT(header.attributes[3].values, ElementsAre("A"));
  EXPECT_EQ(header.study_uid, "1.1");
}

TEST(AttributesTest, ReadsKnownAttributesWrittenAsUnknown) {
  const Header header =
      HeaderOf(DataSet().Raw(tags::kPatientId, "UN", "4711").Raw(tags::kRows, "UN", std::string_view("\4\0", 2)),
               {{tags::kPatientId}, {tags::kRows}});
  EXPECT_EQ(header.attributes[0].vr, Vr("LO"));
  EXPECT_THAT(header.attributes[0].values, ElementsAre("4711"));
  EXPECT_THAT(header.attributes[1].values, ElementsAre("4"));
  EXPECT_EQ(header.rows, 4u);
}

TEST(AttributesTest, HasNoValuesForBulkData) {
  const Header header = HeaderOf(Instance({.rows = 100, .columns = 100}), {{tags::kPixelData}});
  EXPECT_THAT(header.attributes[0].values, IsEmpty());
  EXPECT_EQ(header.attributes[0].json, R"({"vr":"OW"})");
}

TEST(AttributesTest, ChecksTheWholeFile) {
  const std::string file =
      Part10(DataSet().Text(tags::kModality, "CS", "CT").Sequence(kRequests, {DataSet().Header(kStepId, "SH", 100)}));
  EXPECT_EQ(ReadHeader(file, AttributeSelection({{tags::kModality}}), {}).status().code(), Code::kInvalid);
  EXPECT_EQ(ReadHeader(Instance() + "trailing garbage", AttributeSelection({}), {}).status().code(), Code::kInvalid);
}

TEST(AttributesTest, FindsPrivateElementsByTheirCreatorWhateverBlockItHas) {
  const AttributeSelection selection({{Tag(0x0029, 0x1008)}}, {{Tag(0x0029, 0x1008), "ACME 1.1", "SS"}});
  for (const Encoding& encoding : {kExplicitLittle, kImplicitLittle}) {
    const auto header = ReadHeader(Part10(DataSet(encoding)
                                              .Text(Tag(0x0029, 0x0010), "LO", "OTHER")
                                              .Text(Tag(0x0029, 0x0011), "LO", "ACME 1.1")
                                              .Numbers(Tag(0x0029, 0x1008), "SS", {7})
                                              .Numbers(Tag(0x0029, 0x1108), "SS", {0xFFFE})),
                                   selection, {});
    ASSERT_TRUE(header.ok()) << header.status().message();
    ASSERT_EQ(header->attributes.size(), 1u);
    EXPECT_THAT(header->attributes[0].values, ElementsAre("-2")) << encoding.uid;
    EXPECT_EQ(header->attributes[0].path, (TagPath{Tag(0x0029, 0x1008)}));
  }
}

TEST(AttributesTest, TakesNoPrivateElementOfAnotherCreator) {
  const AttributeSelection selection({{Tag(0x0029, 0x1008)}}, {{Tag(0x0029, 0x1008), "ACME 1.1", "SS"}});
  const auto header =
      ReadHeader(Part10(DataSet().Text(Tag(0x0029, 0x0010), "LO", "OTHER").Numbers(Tag(0x0029, 0x1008), "SS", {7})),
                 selection, {});
  ASSERT_TRUE(header.ok());
  EXPECT_THAT(header->attributes, IsEmpty());
}

TEST(AttributesTest, LooksAtNoMoreOfLongValuesThanItIsToldTo) {
  const std::string many(50'000, 'x');
  AttributeSelection selection({{tags::kStudyDescription}, {kRequests}, {kRequests, kStepId}});
  selection.CutAt(64);
  const auto header = ReadHeader(
      Part10(DataSet()
                 .Text(tags::kStudyDescription, "LO", many)
                 .Sequence(kRequests, {DataSet().Text(kStepId, "SH", many), DataSet().Text(kStepId, "SH", "B")})),
      selection, {});
  ASSERT_TRUE(header.ok()) << header.status().message();
  ASSERT_EQ(header->attributes.size(), 3u);
  EXPECT_THAT(header->attributes[0].values, ElementsAre(std::string(64, 'x')));
  EXPECT_EQ(header->attributes[1].json, "") << "half of a sequence is none";
  EXPECT_THAT(header->attributes[2].values, ElementsAre(std::string(64, 'x'), "B"));
}

}  // namespace
}  // namespace hilum::dicom
