#include "codecs/dicom/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "base/memory_allowance.h"
#include "tests/codecs/dicom/part10_builder.h"
#include "tests/codecs/dicom/trace.h"

namespace hilum::dicom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace testing;  // NOLINT: the builder's names

constexpr Tag kModality = tags::kModality;
constexpr Tag kPatientId = tags::kPatientId;
constexpr Tag kRequests = tags::kRequestAttributesSequence;
constexpr Tag kStepId = tags::kScheduledProcedureStepId;

std::string Deflate(std::string_view bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(bytes.size() + 1024, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = bytes.size();
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = out.size();
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// ---- transfer syntaxes and file forms

class SyntaxTest : public ::testing::TestWithParam<Encoding> {};
INSTANTIATE_TEST_SUITE_P(All, SyntaxTest, ::testing::Values(kImplicitLittle, kExplicitLittle, kExplicitBig));

DataSet Sample(Encoding encoding) {
  return DataSet(encoding)
      .Text(kModality, "CS", "CT")
      .Numbers(tags::kRows, "US", {0x0102})
      .Sequence(kRequests, {DataSet(encoding).Text(kStepId, "SH", "A"), DataSet(encoding)})
      .Sequence({0x0040, 0x0555},
                {DataSet(encoding).Sequence({0x0040, 0xA043}, {DataSet(encoding).Text({0x0008, 0x0100}, "SH", "X")})},
                DataSet::Lengths::kUndefined);
}

TEST_P(SyntaxTest, ReportsElementsSequencesAndItemsInFileOrder) {
  Layout layout;
  const std::string trace = TraceOf(Part10(Sample(GetParam())), &layout);
  const std::string rows = GetParam().big_endian ? "0102" : "0201";
  EXPECT_EQ(trace, "00080060 CS CT\n00280010 US " + rows +
                       "\n00400275 SQ\n  item\n    00400009 SH A \n  item\n"
                       "00400555 SQ\n  item\n    0040A043 SQ\n      item\n        00080100 SH X \n");
  EXPECT_EQ(layout.transfer_syntax, GetParam().uid);
  EXPECT_EQ(layout.explicit_vr, GetParam().explicit_vr);
  EXPECT_EQ(layout.big_endian, GetParam().big_endian);
  EXPECT_TRUE(layout.has_preamble);
  EXPECT_TRUE(layout.has_meta);
  EXPECT_EQ(layout.meta.size(), 6u);
}

TEST_P(SyntaxTest, TellsTheSyntaxFromTheBytesWhenNothingElseDoes) {
  Layout layout;
  const std::string expected = TraceOf(Part10(Sample(GetParam())));
  EXPECT_EQ(TraceOf(Sample(GetParam()).bytes(), &layout), expected) << "no preamble, no File Meta Information";
  EXPECT_EQ(layout.transfer_syntax, GetParam().uid);
  EXPECT_FALSE(layout.has_meta);
  EXPECT_EQ(TraceOf(std::string(128, 'x') + "DICM" + Sample(GetParam()).bytes(), &layout), expected);
  EXPECT_EQ(TraceOf("DICM" + Sample(GetParam()).bytes(), &layout), expected);
  EXPECT_EQ(TraceOf(Part10("", Sample(GetParam()).bytes()), &layout), expected) << "no transfer syntax";
  EXPECT_EQ(layout.transfer_syntax, GetParam().uid);
  EXPECT_EQ(TraceOf(FileMeta(GetParam().uid) + Sample(GetParam()).bytes(), &layout), expected) << "no preamble";
}

TEST(ReaderTest, BelievesTheBytesWhenTheDeclaredSyntaxIsAnotherOne) {
  Layout layout;
  EXPECT_EQ(TraceOf(Part10(kImplicitLittle.uid, Sample(kExplicitLittle).bytes()), &layout),
            TraceOf(Part10(Sample(kExplicitLittle))));
  EXPECT_TRUE(layout.explicit_vr);
  EXPECT_EQ(layout.transfer_syntax, kImplicitLittle.uid) << "what was declared stays visible";
  EXPECT_EQ(TraceOf(Part10(kExplicitLittle.uid, Sample(kImplicitLittle).bytes())),
            TraceOf(Part10(Sample(kImplicitLittle))));
  EXPECT_EQ(TraceOf(Part10(kExplicitLittle.uid, Sample(kExplicitBig).bytes())), TraceOf(Part10(Sample(kExplicitBig))));
}

TEST(ReaderTest, EndsTheMetaInformationWithItsLastElementWhateverItsLengthSays) {
  const std::string expected = TraceOf(Part10(Sample(kExplicitLittle)));
  for (const uint32_t length : {0u, 4u, 0xFFFFu, 0xFFFFFFFFu}) {
    std::string file = Part10(Sample(kExplicitLittle));
    std::memcpy(&file[140], &length, 4);
    EXPECT_EQ(TraceOf(file), expected) << length;
  }
  std::string without = Part10(Sample(kExplicitLittle));
  without.erase(132, 12);
  EXPECT_EQ(TraceOf(without), expected) << "no group length";
}

TEST(ReaderTest, TakesTheFirstOfTwoTransferSyntaxes) {
  DataSet second(kExplicitLittle);
  second.Text(tags::kTransferSyntaxUid, "UI", kExplicitBig.uid);
  Layout layout;
  const std::string file = FileMeta(kExplicitLittle.uid) + second.bytes() + Sample(kExplicitLittle).bytes();
  EXPECT_EQ(TraceOf(file, &layout), TraceOf(Part10(Sample(kExplicitLittle))));
  EXPECT_EQ(layout.transfer_syntax, kExplicitLittle.uid);
}

// The low half of the length stands where an element has its VR.
TEST(ReaderTest, ReadsItemsWhoseLengthLooksLikeAVr) {
  for (const std::string vr : {"DA", "DS", "DT", "TM", "LO", "LT", "PN", "FL", "FD"}) {
    const size_t length = static_cast<uint8_t>(vr[0]) + 256 * static_cast<uint8_t>(vr[1]);
    const std::string text(length - 12, 'x');
    EXPECT_EQ(TraceOf(Part10(DataSet(kExplicitLittle)
                                 .Sequence(kRequests, {DataSet(kExplicitLittle).Text({0x0040, 0xA160}, "UT", text)}))),
              "00400275 SQ\n  item\n    0040A160 UT " + text + "\n");
  }
}

TEST(ReaderTest, ReadsDeflatedDataSets) {
  const std::string plain = Sample(kExplicitLittle).bytes();
  Layout layout;
  EXPECT_EQ(TraceOf(Part10("1.2.840.10008.1.2.1.99", Deflate(plain)), &layout),
            TraceOf(Part10(Sample(kExplicitLittle))));
  EXPECT_TRUE(layout.deflated);
  EXPECT_EQ(TraceOf(Part10("1.2.840.10008.1.2.1.99", Deflate(plain) + '\0')), TraceOf(Part10(Sample(kExplicitLittle))));
}

// What is inflated in pieces of 64 KiB may end just behind one, when all that was deflated has been handed in.
TEST(ReaderTest, ReadsDeflatedDataSetsOfAnyLength) {
  for (size_t length = 131000; length < 131100; length += 2) {
    const DataSet plain = DataSet(kExplicitLittle).Text({0x0040, 0xA160}, "UT", std::string(length, ' '));
    EXPECT_THAT(TraceOf(Part10("1.2.840.10008.1.2.1.99", Deflate(plain.bytes()))), StartsWith("0040A160 UT "))
        << length;
  }
}

TEST(ReaderTest, RefusesDamagedAndBoundsHostileDeflatedDataSets) {
  const std::string deflated = Deflate(InstanceDataSet({.rows = 64, .columns = 64}).bytes());
  EXPECT_THAT(TraceOf(Part10("1.2.840.10008.1.2.1.99", deflated.substr(0, deflated.size() / 2))),
              AllOf(StartsWith("!invalid"), HasSubstr("breaks off")));
  EXPECT_THAT(TraceOf(Part10("1.2.840.10008.1.2.1.99", "\xFF\xFF\xFF\xFFgarbage")), StartsWith("!invalid"));
  const std::string bomb = Part10("1.2.840.10008.1.2.1.99", Deflate(std::string(64 << 20, '\0')));
  EXPECT_THAT(TraceOf(bomb, nullptr, {.max_inflated_bytes = 1 << 20}),
              AllOf(StartsWith("!limit"), HasSubstr("1048576 bytes")));
  EXPECT_THAT(TraceOf(bomb), AllOf(StartsWith("!limit"), HasSubstr("500 fold")));
}

TEST(ReaderTest, DeflatedDataSetsShareTheMemoryThatTheyMayTake) {
  const std::string file =
      Part10("1.2.840.10008.1.2.1.99",
             Deflate(DataSet(kExplicitLittle).Text({0x0040, 0xA160}, "UT", std::string(3 << 20, ' ')).bytes()));
  MemoryAllowance memory(6 << 20);
  const ReadLimits limits{.inflated_memory = &memory};
  Trace trace;
  {
    Inflated first, second;
    ASSERT_TRUE(Read(file, limits, trace, &first).ok());
    EXPECT_EQ(Read(file, limits, trace, &second).status().code(), Code::kUnavailable);
    first.Clear();
    EXPECT_TRUE(Read(file, limits, trace, &second).ok());
  }
  EXPECT_EQ(memory.left(), 6u << 20);
}

TEST(ReaderTest, SaysThatADataSetCannotBeParsed) {
  EXPECT_THAT(TraceOf(Part10("1.2.840.10008.1.2.6.1", "Content-Type: x")), StartsWith("!unsupported"));
}

TEST(ReaderTest, RefusesWhatIsNotDicom) {
  for (const std::string& file :
       {std::string(), std::string("DICM"), std::string(128, '\0') + "DICM", std::string(500, '\0'),
        std::string("\xFF\xD8\xFF\xE0\0\x10JFIF\0", 11), std::string("\x89PNG\r\n\x1A\n\0\0\0\rIHDR", 16),
        std::string("{\"resourceType\":\"Patient\"}"), std::string("PATIENT NAME;ID\n"),
        std::string("<html><body></body></html>"), std::string("%PDF-1.7 ..............."),
        std::string("PK\3\4..............")}) {
    EXPECT_THAT(TraceOf(file), StartsWith("!invalid")) << file;
  }
}

TEST(ReaderTest, ReadsAFileWithMetaInformationAndAnEmptyDataSet) {
  Layout layout;
  EXPECT_EQ(TraceOf(Part10(kExplicitLittle.uid, ""), &layout), "");
  EXPECT_EQ(TraceOf(Part10("", ""), &layout), "");
  EXPECT_EQ(layout.pixel_data_offset, 0u);
}

// ---- lengths and delimiters

TEST(ReaderTest, NamesTheTagPathAndTheOffsetWhereAFileBreaksOff) {
  const DataSet item = DataSet().Header(kStepId, "SH", 100).Raw("A ");
  const std::string file = Part10(DataSet().Text(kModality, "CS", "CT").Sequence(kRequests, {DataSet(), item}));
  EXPECT_THAT(TraceOf(file), AllOf(StartsWith("!invalid"), HasSubstr("(0040,0275)[1]/(0040,0009) at offset "),
                                   HasSubstr("100 bytes, but only 2")));
}

TEST(ReaderTest, RefusesEveryPrefixThatLosesPartOfAnElement) {
  const DataSet data_set =
      DataSet().Text(kModality, "CS", "CT").Text(kPatientId, "LO", "12345678").Numbers(tags::kRows, "US", {1});
  const std::string file = Part10(data_set);
  const size_t start = file.size() - data_set.bytes().size();
  for (size_t size = start + 1; size < file.size(); ++size) {
    const bool at_boundary = size == start + 10 || size == start + 26;
    EXPECT_EQ(TraceOf(file.substr(0, size)).starts_with("!invalid"), !at_boundary) << size;
  }
}

TEST(ReaderTest, TakesOddLengthsLiterally) {
  EXPECT_EQ(TraceOf(Part10(DataSet().Raw(kModality, "CS", "CTX").Raw(kPatientId, "LO", "1"))),
            "00080060 CS CTX\n00100020 LO 1\n");
}

// More than the delimiters may be missing: who sees such a file takes it for whole.
TEST(ReaderTest, RefusesAFileThatEndsInsideASequence) {
  for (const int missing : {1, 2, 3, 4}) {
    DataSet inner = DataSet().Text(kStepId, "SH", "A");
    std::string bytes = DataSet()
                            .Sequence(kRequests, {DataSet().Sequence(kRequests, {inner}, DataSet::Lengths::kUndefined)},
                                      DataSet::Lengths::kUndefined)
                            .bytes();
    bytes.resize(bytes.size() - missing * 8);
    EXPECT_THAT(TraceOf(Part10(kExplicitLittle.uid, bytes)), HasSubstr("the file ends inside a sequence")) << missing;
  }
  EXPECT_THAT(TraceOf(Part10(DataSet().Header({0x0041, 0x1001}, "UN", kUndefined))),
              HasSubstr("the file ends inside a sequence"));
}

TEST(ReaderTest, AcceptsMissingDelimitersWhereALengthSaysTheEnd) {
  DataSet unfinished = DataSet().Header(kRequests, "SQ", kUndefined).Header(tags::kItem, Vr(), kUndefined);
  unfinished.Text(kStepId, "SH", "A");
  EXPECT_EQ(TraceOf(Part10(DataSet().Sequence(kRequests, {unfinished}))),
            "00400275 SQ\n  item\n    00400275 SQ\n      item\n        00400009 SH A \n");
}

TEST(ReaderTest, AcceptsAnItemWithoutDelimiterBeforeThatOfItsSequence) {
  const std::string bytes = DataSet()
                                .Header(kRequests, "SQ", kUndefined)
                                .Header(tags::kItem, Vr(), kUndefined)
                                .Text(kStepId, "SH", "A")
                                .Header(tags::kSequenceDelimitation, Vr(), 0)
                                .Numbers({0x0040, 0xA0B0}, "US", {1})
                                .bytes();
  EXPECT_EQ(TraceOf(Part10(kExplicitLittle.uid, bytes)), "00400275 SQ\n  item\n    00400009 SH A \n0040A0B0 US 0100\n");
}

TEST(ReaderTest, AcceptsADelimiterAtTheEndOfWhatHasALength) {
  const DataSet item = DataSet().Text(kStepId, "SH", "A").Header(tags::kItemDelimitation, Vr(), 0);
  EXPECT_EQ(TraceOf(Part10(DataSet().Sequence(kRequests, {item}))), "00400275 SQ\n  item\n    00400009 SH A \n");
}

TEST(ReaderTest, RefusesContradictoryStructure) {
  const auto refused = [](const DataSet& data_set) { EXPECT_THAT(TraceOf(Part10(data_set)), StartsWith("!invalid")); };
  refused(DataSet().Text(kModality, "CS", "CT").Header(tags::kItemDelimitation, Vr(), 0));
  refused(DataSet().Text(kModality, "CS", "CT").Header(tags::kItem, Vr(), 0));
  refused(DataSet().Header(kRequests, "SQ", 8).Text(kStepId, "SH", "").Text(kPatientId, "LO", ""));
  refused(DataSet().Header(kRequests, "SQ", 16).Header(tags::kItem, Vr(), 100).Text(kStepId, "SH", ""));
  refused(DataSet().Header(kRequests, "SQ", 1000).Header(tags::kItem, Vr(), 0));
  refused(DataSet().Header(kRequests, "SQ", kUndefined).Header(tags::kItemDelimitation, Vr(), 0));
  refused(DataSet().Header(kRequests, "SQ", kUndefined).Header(tags::kSequenceDelimitation, Vr(), 4).Raw("abcd"));
  refused(DataSet().Header({0x0008, 0x0119}, "UC", kUndefined).Raw("abcd"));
  refused(DataSet().Header({0x0008, 0x0119}, "UC", 0xFFFFFFFE).Raw("abcd"));
}

TEST(ReaderTest, AcceptsZerosAfterTheDataSetAndNothingElse) {
  const std::string file = Part10(DataSet().Text(kModality, "CS", "CT"));
  for (const size_t zeros : {1, 7, 8, 100, 4096})
    EXPECT_EQ(TraceOf(file + std::string(zeros, '\0')), "00080060 CS CT\n");
  EXPECT_THAT(TraceOf(file + "x"), StartsWith("!invalid"));
  EXPECT_THAT(TraceOf(file + std::string(7, '\0') + "x"), ::testing::Not("00080060 CS CT\n"));
}

TEST(ReaderTest, ReportsDuplicatesAndAnyOrder) {
  EXPECT_EQ(
      TraceOf(Part10(DataSet().Text(kPatientId, "LO", "1").Text(kModality, "CS", "CT").Text(kPatientId, "LO", "2"))),
      "00100020 LO 1 \n00080060 CS CT\n00100020 LO 2 \n");
}

// ---- value representations

TEST(ReaderTest, ReadsUnknownOfUndefinedLengthAsImplicitLittleEndian) {
  const DataSet item = DataSet(kImplicitLittle)
                           .Text(kPatientId, "LO", "1")
                           .Sequence(kRequests, {DataSet(kImplicitLittle).Text(kStepId, "SH", "A")});
  for (const Encoding& encoding : {kExplicitLittle, kExplicitBig}) {
    DataSet data_set = DataSet(encoding).Text(kModality, "CS", "CT").Header({0x0009, 0x1010}, "UN", kUndefined);
    data_set.Raw(DataSet(kImplicitLittle)
                     .Header(tags::kItem, Vr(), kUndefined)
                     .Raw(item.bytes())
                     .Header(tags::kItemDelimitation, Vr(), 0)
                     .Header(tags::kSequenceDelimitation, Vr(), 0)
                     .bytes());
    data_set.Numbers(tags::kRows, "US", {1});
    const std::string rows = encoding.big_endian ? "0001" : "0100";
    EXPECT_EQ(
        TraceOf(Part10(data_set)),
        "00080060 CS CT\n00091010 SQ\n  item\n    00100020 LO 1 \n    00400275 SQ\n      item\n        00400009 SH A \n"
        "00280010 US " +
            rows + "\n");
  }
}

TEST(ReaderTest, OpensUnknownOfDefinedLengthWhereAKnownSequenceIsWhole) {
  const std::string items = DataSet(kImplicitLittle)
                                .Header(tags::kItem, Vr(), 10)
                                .Text(kStepId, "SH", "A")
                                .Header(tags::kItem, Vr(), kUndefined)
                                .Header(tags::kItemDelimitation, Vr(), 0)
                                .bytes();
  for (const Encoding& encoding : {kExplicitLittle, kExplicitBig}) {
    const auto trace_of = [&](Tag tag, std::string_view value) {
      return TraceOf(Part10(DataSet(encoding).Text(kModality, "CS", "CT").Raw(tag, "UN", value)));
    };
    EXPECT_EQ(trace_of(kRequests, items), "00080060 CS CT\n00400275 SQ\n  item\n    00400009 SH A \n  item\n");
    EXPECT_EQ(trace_of(kRequests, ""), "00080060 CS CT\n00400275 SQ\n");
    // Otherwise it is bytes: no items, broken off, and what nobody knows for a sequence.
    for (const std::string& value : {std::string("abcd"), items.substr(0, items.size() - 4), items + "ab"})
      EXPECT_THAT(trace_of(kRequests, value), HasSubstr("00400275 UN ")) << value.size();
    EXPECT_THAT(trace_of({0x0041, 0x1001}, items), HasSubstr("00411001 UN "));
    EXPECT_THAT(trace_of(kPatientId, items), HasSubstr("00100020 UN "));
  }
}

TEST(ReaderTest, WhatIsTooDeepInUnknownStaysBytes) {
  std::string value;
  for (int depth = 0; depth < 70; ++depth) {
    const std::string item = DataSet(kImplicitLittle).Header(tags::kItem, Vr(), value.size()).Raw(value).bytes();
    value = depth < 69 ? DataSet(kImplicitLittle).Raw(kRequests, "SQ", item).bytes() : item;
  }
  EXPECT_THAT(TraceOf(Part10(DataSet().Raw(kRequests, "UN", value))), StartsWith("00400275 UN "));
}

TEST(ReaderTest, TakesTheVrOfImplicitElementsFromTheDictionary) {
  DataSet data_set(kImplicitLittle);
  data_set.Text({0x0009, 0x0010}, "LO", "ACME").Raw({0x0009, 0x1001}, "UN", "ab").Numbers({0x0010, 0x0000}, "UL", {0});
  data_set.Numbers({0x0028, 0x0106}, "US", {1}).Raw({0x0028, 0x3006}, "OW", "ab").Raw({0x6000, 0x3000}, "OW", "ab");
  data_set.Raw(tags::kPixelData, "OW", "ab");
  EXPECT_EQ(
      TraceOf(Part10(data_set)),
      "00090010 LO ACME\n00091001 UN 6162\n00100000 UL 00000000\n00280106 US 0100\n00283006 OW 6162\n60003000 OW 6162\n"
      "7FE00010 OW 6162\n");
}

TEST(ReaderTest, ChoosesSignedNumbersByPixelRepresentationAlsoInItems) {
  const DataSet item = DataSet(kImplicitLittle).Numbers({0x0028, 0x0106}, "SS", {0xFFFF});
  DataSet data_set(kImplicitLittle);
  data_set.Numbers({0x0028, 0x0103}, "US", {1})
      .Numbers({0x0028, 0x0120}, "SS", {0xFFFE})
      .Sequence({0x0028, 0x3000}, {item});
  EXPECT_EQ(TraceOf(Part10(data_set)),
            "00280103 US 0100\n00280120 SS feff\n00283000 SQ\n  item\n    00280106 SS ffff\n");
}

TEST(ReaderTest, ReadsElementsWhoseVrIsNoneInTheOnlyWayThatMakesSense) {
  const DataSet after = DataSet().Numbers(tags::kRows, "US", {1});
  const auto read = [&](std::string_view header_after_tag) {
    DataSet data_set;
    data_set.Text(kModality, "CS", "CT")
        .Raw(std::string_view("\x10\0\x20\0", 4))
        .Raw(header_after_tag)
        .Raw(after.bytes());
    return TraceOf(Part10(data_set));
  };
  const std::string expected = "00080060 CS CT\n00100020 UN 41424344\n00280010 US 0100\n";
  EXPECT_EQ(read(std::string_view("ZZ\0\0\4\0\0\0ABCD", 12)), expected) << "a VR of the future: 32-bit length";
  EXPECT_EQ(read(std::string_view("ZZ\4\0ABCD", 8)), expected) << "16-bit length";
  EXPECT_EQ(read(std::string_view("??\4\0ABCD", 8)), expected);
  EXPECT_EQ(read(std::string_view("\4\0\0\0ABCD", 8)), expected) << "an implicit element among explicit ones";
  EXPECT_THAT(read("??xyABCD"), AllOf(StartsWith("!invalid"), HasSubstr("(0010,0020)")));
}

// ---- limits

TEST(ReaderTest, BoundsDepthAndElements) {
  const auto nested = [](int depth) {
    DataSet data_set;
    for (int i = 0; i < depth; ++i) data_set.Header(kRequests, "SQ", kUndefined).Header(tags::kItem, Vr(), kUndefined);
    for (int i = 0; i < depth; ++i)
      data_set.Header(tags::kItemDelimitation, Vr(), 0).Header(tags::kSequenceDelimitation, Vr(), 0);
    return Part10(data_set);
  };
  EXPECT_FALSE(TraceOf(nested(64)).starts_with("!"));
  EXPECT_THAT(TraceOf(nested(65)), AllOf(StartsWith("!limit"), HasSubstr("deeper than 64")));
  EXPECT_THAT(TraceOf(nested(100'000)), StartsWith("!limit"));
  EXPECT_LT(TraceOf(nested(100'000)).size(), 1000u) << "the message is bounded as well";
  EXPECT_THAT(TraceOf(nested(10), nullptr, {.max_elements = 5}), StartsWith("!limit"));
}

// ---- pixel data and layout

TEST(ReaderTest, KnowsWhereNativePixelDataLie) {
  Layout layout;
  const std::string file = Instance({.rows = 2, .columns = 3});
  TraceOf(file, &layout);
  EXPECT_EQ(layout.pixel_data_tag, tags::kPixelData);
  EXPECT_EQ(layout.pixel_data_vr, Vr("OW"));
  EXPECT_EQ(layout.pixel_data_length, 12u);
  EXPECT_EQ(layout.pixel_data_offset, file.size() - 12);
  EXPECT_FALSE(layout.encapsulated);
}

TEST(ReaderTest, KnowsWhereEncapsulatedPixelDataLie) {
  Layout layout;
  // A fragment may hold the bytes of a delimiter: lengths count.
  const std::string file =
      Instance({.encoding = kJpegBaseline, .fragments = {"", std::string("\xFE\xFF\xDD\xE0\0\0\0\0", 8)}});
  const std::string trace = TraceOf(file, &layout);
  EXPECT_THAT(trace, HasSubstr("7FE00010 OB encapsulated 24\n"));
  EXPECT_TRUE(layout.encapsulated);
  EXPECT_EQ(layout.pixel_data_length, 24u);
  EXPECT_EQ(layout.pixel_data_offset, file.size() - 32);
  Layout without;
  TraceOf(file.substr(0, file.size() - 8), &without);
  EXPECT_EQ(without.pixel_data_length, 24u) << "what is there can be read";
  EXPECT_TRUE(without.lacks_delimiter);
  EXPECT_FALSE(layout.lacks_delimiter);
  EXPECT_THAT(TraceOf(file.substr(0, file.size() - 32)), HasSubstr("breaks off before its first fragment"));
}

TEST(ReaderTest, RefusesPixelDataThatBreakOff) {
  const std::string native = Instance();
  EXPECT_THAT(TraceOf(native.substr(0, native.size() - 1)),
              AllOf(StartsWith("!invalid"), HasSubstr("(7FE0,0010) at offset")));
  const std::string encapsulated = Instance({.encoding = kJpegBaseline, .fragments = {"", "abcd"}});
  for (const size_t cut : {9, 10, 15, 19, 21}) {
    EXPECT_THAT(TraceOf(encapsulated.substr(0, encapsulated.size() - cut)), StartsWith("!invalid")) << cut;
  }
}

TEST(ReaderTest, DoesNotInventATransferSyntaxForEncapsulatedPixelData) {
  Layout layout;
  TraceOf(InstanceDataSet({.fragments = {"", "ab"}}).bytes(), &layout);
  EXPECT_EQ(layout.transfer_syntax, "");
}

TEST(ReaderTest, FindsEncapsulatedPixelDataInItems) {
  const DataSet icon = DataSet().Fragments({"", "abcd"});
  Layout layout;
  EXPECT_EQ(TraceOf(Part10(DataSet().Sequence({0x0088, 0x0200}, {icon})), &layout),
            "00880200 SQ\n  item\n    7FE00010 OB encapsulated 20\n");
  EXPECT_EQ(layout.pixel_data_offset, 0u) << "an icon is not the image";
}

// ---- what visitors decide

TEST(ReaderTest, StopsBeforeTheFirstTagBeyondWhatIsWanted) {
  class UpToPatientId : public Trace {
    bool WantsBeyond(Tag last) override { return last < kPatientId; }
  };
  UpToPatientId trace;
  Inflated inflated;
  // What follows is not looked at, so that it may be anything.
  const std::string file = Part10(DataSet()
                                      .Text(kModality, "CS", "CT")
                                      .Text(kPatientId, "LO", "1")
                                      .Text(kModality, "CS", "MR")
                                      .Text(kPatientId, "LO", "2")
                                      .Numbers(tags::kRows, "US", {1})
                                      .Raw("garbage"));
  ASSERT_TRUE(Read(file, {}, trace, &inflated).ok());
  EXPECT_EQ(trace.text(), "00080060 CS CT\n00100020 LO 1 \n00080060 CS MR\n00100020 LO 2 \n");
}

TEST(ReaderTest, StopsAtTheFirstFragmentWhereNobodyWantsAny) {
  class NoFragments : public Trace {
    bool WantsFragments() override { return false; }
  };
  NoFragments trace;
  Inflated inflated;
  const std::string file = Part10(
      DataSet().Sequence({0x0088, 0x0200}, {DataSet().Fragments({"", "icon"})}).Fragments({"", "abcd"}).Raw("garbage"));
  const auto layout = Read(file, {}, trace, &inflated);
  ASSERT_TRUE(layout.ok()) << layout.status().ToString();
  EXPECT_TRUE(layout->encapsulated);
  EXPECT_FALSE(layout->lacks_delimiter) << "nobody looked";
  EXPECT_EQ(layout->pixel_data_offset + layout->pixel_data_length, file.size());
}

TEST(ReaderTest, ChecksButDoesNotReportSequencesNobodyWants) {
  class NoSequences : public Trace {
    bool WantsSequence(const Element& element) override { return false; }
    Status OnItemEnd(uint32_t depth) override { return Internal("not wanted"); }
    Status OnSequenceEnd(uint32_t depth) override { return Internal("not wanted"); }
  };
  NoSequences trace;
  Inflated inflated;
  ASSERT_TRUE(Read(Part10(Sample(kExplicitLittle)), {}, trace, &inflated).ok());
  EXPECT_EQ(trace.text(), "00080060 CS CT\n00280010 US 0201\n");
  const DataSet broken = DataSet().Sequence(kRequests, {DataSet().Header(kStepId, "SH", 100)});
  EXPECT_EQ(Read(Part10(broken), {}, trace, &inflated).status().code(), Code::kInvalid);
}

TEST(ReaderTest, EndsWithTheVisitorsError) {
  class Refuses : public Visitor {
    Status OnElement(const Element& element) override { return Cancelled("enough"); }
  };
  Refuses visitor;
  Inflated inflated;
  EXPECT_EQ(Read(Instance(), {}, visitor, &inflated).status().code(), Code::kCancelled);
}

}  // namespace
}  // namespace hilum::dicom
