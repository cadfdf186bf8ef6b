#include "codecs/dicom/frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/codecs/dicom/part10_builder.h"

namespace hilum::dicom {
namespace {

using ::testing::ElementsAre;
using namespace testing;  // NOLINT: the builder's names

Result<FrameTable> TableOf(const std::string& file) {
  HILUM_ASSIGN_OR_RETURN(const Header header, ReadHeader(file, AttributeSelection({}), {}));
  return ReadFrameTable(file, header);
}

// The bytes of each frame, or "!" and the code.
std::vector<std::string> FramesOf(const std::string& file) {
  const auto table = TableOf(file);
  if (!table.ok()) return {"!" + std::string(CodeName(table.status().code()))};
  std::vector<std::string> frames;
  for (size_t i = 0; i < table->frames(); ++i) {
    std::string& frame = frames.emplace_back();
    for (uint32_t r = table->first_range[i]; r < table->first_range[i + 1]; ++r) {
      frame += file.substr(table->ranges[r].offset, table->ranges[r].length);
    }
  }
  return frames;
}

std::string Little32(std::initializer_list<uint32_t> numbers) {
  std::string bytes;
  for (const uint32_t number : numbers) AppendLe(&bytes, number);
  return bytes;
}

std::vector<std::string> FramesOf(uint32_t frames, std::vector<std::string> fragments,
                                  Encoding encoding = kJpegBaseline, const std::string& extra = {}) {
  return FramesOf(
      Instance({.encoding = encoding, .frames = frames, .fragments = std::move(fragments), .extra = extra}));
}

TEST(FramesTest, CutsNativePixelDataIntoFrames) {
  EXPECT_THAT(FramesOf(Instance({.rows = 1, .columns = 2, .bits_allocated = 8, .frames = 3, .pixels = "aabbcc"})),
              ElementsAre("aa", "bb", "cc"));
  EXPECT_THAT(FramesOf(Instance({.rows = 1, .columns = 1, .bits_allocated = 16, .pixels = "ab"})), ElementsAre("ab"));
  EXPECT_THAT(FramesOf(Instance({.rows = 1, .columns = 1, .bits_allocated = 32, .frames = 2, .pixels = "abcdefgh"})),
              ElementsAre("abcd", "efgh"));
  EXPECT_THAT(FramesOf(Instance({.rows = 1, .columns = 3, .bits_allocated = 8, .pixels = "abc"})), ElementsAre("abc"))
      << "padding is not of the frame";
}

TEST(FramesTest, FindsTheBytesThatHoldBitPackedFrames) {
  const std::string file = Instance({.rows = 3, .columns = 4, .bits_allocated = 1, .frames = 3, .pixels = "abcde"});
  const auto table = TableOf(file);
  ASSERT_TRUE(table.ok());
  EXPECT_TRUE(table->bit_packed);
  EXPECT_THAT(FramesOf(file), ElementsAre("ab", "bc", "de"));
  const auto whole = TableOf(Instance({.rows = 4, .columns = 4, .bits_allocated = 1, .frames = 2, .pixels = "abcd"}));
  ASSERT_TRUE(whole.ok());
  EXPECT_FALSE(whole->bit_packed) << "every frame begins on a byte";
}

TEST(FramesTest, KnowsSubsampledColour) {
  const auto file = [](std::string_view photometric, std::string_view pixels) {
    return Part10(DataSet()
                      .Numbers(tags::kSamplesPerPixel, "US", {3})
                      .Text(tags::kPhotometricInterpretation, "CS", photometric)
                      .Text(tags::kNumberOfFrames, "IS", "2")
                      .Numbers(tags::kRows, "US", {2})
                      .Numbers(tags::kColumns, "US", {2})
                      .Numbers(tags::kBitsAllocated, "US", {8})
                      .Text(tags::kPixelData, "OB", pixels));
  };
  EXPECT_THAT(FramesOf(file("YBR_FULL_422", "aaaaaaaabbbbbbbb")), ElementsAre("aaaaaaaa", "bbbbbbbb"));
  EXPECT_THAT(FramesOf(file("YBR_PARTIAL_420", "aaaaaabbbbbb")), ElementsAre("aaaaaa", "bbbbbb"));
  EXPECT_THAT(FramesOf(file("RGB", "aaaaaaaaaaaabbbbbbbbbbbb")), ElementsAre("aaaaaaaaaaaa", "bbbbbbbbbbbb"));
}

TEST(FramesTest, RefusesNativePixelDataThatCannotHoldTheFrames) {
  EXPECT_THAT(FramesOf(Instance({.rows = 2, .columns = 2, .bits_allocated = 16, .frames = 2, .pixels = "12345678"})),
              ElementsAre("!invalid"));
  EXPECT_THAT(FramesOf(Instance({.rows = 65535, .columns = 65535, .bits_allocated = 16, .pixels = "12"})),
              ElementsAre("!invalid"));
  EXPECT_THAT(FramesOf(Instance({.rows = 0, .columns = 2, .pixels = "12"})), ElementsAre("!invalid"));
  // As UL they may be so large that the bits of all frames are 2^128.
  DataSet huge(kExplicitLittle);
  for (const Tag tag :
       {tags::kSamplesPerPixel, tags::kNumberOfFrames, tags::kRows, tags::kColumns, tags::kBitsAllocated}) {
    if (tag == tags::kNumberOfFrames)
      huge.Text(tag, "IS", "16");
    else
      huge.Numbers(tag, "UL", {0x80000000});
  }
  EXPECT_THAT(FramesOf(Part10(huge.Text(tags::kPixelData, "OB", ""))), ElementsAre("!invalid"));
  EXPECT_THAT(FramesOf(Instance({.rows = 2, .columns = 2, .bits_allocated = 0, .pixels = "12"})),
              ElementsAre("!invalid"));
  EXPECT_THAT(FramesOf(Instance(
                  {.rows = 65535, .columns = 65535, .bits_allocated = 65535, .frames = 4'000'000, .pixels = "12"})),
              ElementsAre("!invalid"));
  EXPECT_THAT(
      FramesOf(Instance({.rows = 1, .columns = 1, .bits_allocated = 1, .frames = kMaxFrames + 1, .pixels = "12"})),
      ElementsAre("!limit exceeded"));
}

TEST(FramesTest, SaysWhyThereIsNoTable) {
  EXPECT_THAT(FramesOf(Part10(DataSet().Text(tags::kModality, "CS", "SR"))), ElementsAre("!not found"));
  EXPECT_THAT(FramesOf(1, {""}), ElementsAre("!invalid")) << "no fragment";
}

TEST(FramesTest, TakesAllFragmentsForASingleFrame) {
  EXPECT_THAT(FramesOf(1, {"", "ab"}), ElementsAre("ab"));
  EXPECT_THAT(FramesOf(1, {"", "ab", "cd", "ef"}), ElementsAre("abcdef"));
  EXPECT_THAT(FramesOf(1, {Little32({0}), "ab", "cd"}), ElementsAre("abcd"));
}

TEST(FramesTest, TakesOneFragmentAFrameWhereTheirNumbersAgree) {
  EXPECT_THAT(FramesOf(3, {"", "ab", "cd", "ef"}), ElementsAre("ab", "cd", "ef"));
  EXPECT_THAT(FramesOf(2, {Little32({0, 4711}), "ab", "cd"}), ElementsAre("ab", "cd")) << "whatever the table says";
  EXPECT_THAT(FramesOf(2, {"", "ab", "cd"}, kRle), ElementsAre("ab", "cd"));
}

TEST(FramesTest, FollowsTheBasicOffsetTable) {
  EXPECT_THAT(FramesOf(2, {Little32({0, 20}), "ab", "cd", "ef", "gh"}), ElementsAre("abcd", "efgh"));
  EXPECT_THAT(FramesOf(2, {Little32({0, 30}), "ab", "cd", "ef", "gh"}), ElementsAre("abcdef", "gh"));
}

TEST(FramesTest, FollowsTheExtendedOffsetTable) {
  DataSet table(kJpegBaseline);
  table.Numbers(tags::kExtendedOffsetTable, "UV", {0, 20}).Numbers(tags::kExtendedOffsetTableLengths, "UV", {4, 4});
  EXPECT_THAT(FramesOf(2, {"", "ab", "cd", "ef", "gh"}, kJpegBaseline, table.bytes()), ElementsAre("abcd", "efgh"));
}

TEST(FramesTest, TellsCodestreamsApartByTheirFirstMarker) {
  const std::string jpeg = "\xFF\xD8\xFF\xE0", j2k = "\xFF\x4F\xFF\x51", jxl = "\xFF\x0A";
  EXPECT_THAT(FramesOf(2, {"", jpeg + "1", "23", jpeg + "4", "56", "78"}), ElementsAre(jpeg + "123", jpeg + "45678"));
  EXPECT_THAT(FramesOf(2, {"", j2k, "12", j2k}, kJpeg2000), ElementsAre(j2k + "12", j2k));
  EXPECT_THAT(FramesOf(2, {"", jxl, "12", jxl}, kJpeg2000), ElementsAre(jxl + "12", jxl));
  EXPECT_THAT(FramesOf(2, {Little32({0, 3}), jpeg, "12", jpeg}), ElementsAre(jpeg + "12", jpeg))
      << "past a table that is wrong";
}

TEST(FramesTest, RefusesFragmentsThatCannotBeToldApart) {
  EXPECT_THAT(FramesOf(2, {"", "ab", "cd", "ef"}), ElementsAre("!invalid"));
  EXPECT_THAT(FramesOf(3, {"", "ab", "cd"}), ElementsAre("!invalid")) << "frames are missing";
  EXPECT_THAT(FramesOf(2, {Little32({10, 20}), "ab", "cd", "ef"}), ElementsAre("!invalid"))
      << "the first frame does not begin first";
  EXPECT_THAT(FramesOf(2, {Little32({0, 0}), "ab", "cd", "ef"}), ElementsAre("!invalid"));
  EXPECT_THAT(FramesOf(2, {Little32({0, 12}), "ab", "cd", "ef"}), ElementsAre("!invalid"))
      << "in the middle of a fragment";
  EXPECT_THAT(FramesOf(2, {Little32({0, 0xFFFFFFF0}), "ab", "cd", "ef"}), ElementsAre("!invalid"));
  EXPECT_THAT(FramesOf(2, {"", "ab", "cd", "ef"}, kRle), ElementsAre("!invalid"))
      << "RLE frames are one fragment (PS3.5 A.4.2)";
}

TEST(FramesTest, TakesVideoForOneFrame) {
  const Encoding mpeg4{"1.2.840.10008.1.2.4.102", true, false};
  EXPECT_THAT(FramesOf(100, {"", "ab", "cd"}, mpeg4), ElementsAre("abcd"));
}

TEST(FramesTest, ReadsVeryManyFramesInLinearTime) {
  constexpr uint32_t kFrames = 126'000;
  std::vector<std::string> fragments(1 + kFrames * 2, "ab");
  fragments[0].clear();
  for (uint32_t i = 0; i < kFrames; ++i) AppendLe<uint32_t>(&fragments[0], i * 20);
  const std::string file = Instance({.encoding = kJpegBaseline, .frames = kFrames, .fragments = std::move(fragments)});
  const auto start = std::chrono::steady_clock::now();
  const auto table = TableOf(file);
  ASSERT_TRUE(table.ok()) << table.status().message();
  EXPECT_EQ(table->frames(), kFrames);
  EXPECT_EQ(table->ranges.size(), kFrames * 2);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(FramesTest, DoesNotServeFramesOfDeflatedDataSets) {
  Header header;
  header.layout.deflated = true;
  header.layout.pixel_data_offset = 100;
  EXPECT_EQ(ReadFrameTable("", header).status().code(), Code::kUnsupported);
}

TEST(FramesTest, DoesNotReadPastAFileThatIsNotTheHeaders) {
  const std::string file = Instance({.encoding = kJpegBaseline, .fragments = {"", "abcd"}});
  const auto header = ReadHeader(file, AttributeSelection({}), {});
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(ReadFrameTable(Bytes(file).substr(0, file.size() - 10), *header).status().code(), Code::kInvalid);
}

// ---- the stored form

bool operator==(const FrameRange& a, const FrameRange& b) {
  return a.offset == b.offset && a.length == b.length;
}

class StoredTableTest : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(
    All, StoredTableTest,
    ::testing::Values(
        Instance({.rows = 1, .columns = 2, .bits_allocated = 8, .frames = 1000}),
        Instance({.rows = 3, .columns = 4, .bits_allocated = 1, .frames = 3}), Instance(),
        Instance({.encoding = kJpegBaseline, .frames = 2, .fragments = {"", "a", "bcd"}}),
        Instance({.encoding = kJpegBaseline, .frames = 2, .fragments = {Little32({0, 20}), "ab", "cd", "ef", "gh"}}),
        Instance({.encoding = kJpegBaseline, .frames = 2, .fragments = {"", "", ""}})));

TEST_P(StoredTableTest, ReadsBackWhatWasWrittenAndNoPrefixOfIt) {
  const auto table = TableOf(GetParam());
  ASSERT_TRUE(table.ok());
  std::string stored;
  AppendFrameTable(*table, &stored);
  ByteReader in(stored);
  FrameTable back;
  ASSERT_TRUE(ReadFrameTable(&in, &back));
  EXPECT_TRUE(in.empty());
  EXPECT_EQ(back.first_range, table->first_range);
  EXPECT_EQ(back.bit_packed, table->bit_packed);
  EXPECT_TRUE(
      std::equal(back.ranges.begin(), back.ranges.end(), table->ranges.begin(), table->ranges.end(), operator==));
  for (size_t size = 0; size < stored.size(); ++size) {
    ByteReader prefix(Bytes(stored).substr(0, size));
    EXPECT_FALSE(ReadFrameTable(&prefix, &back)) << size;
  }
}

TEST(StoredTableTest, TakesAFewBytesForNativeFrames) {
  const auto table = TableOf(Instance({.rows = 1, .columns = 2, .bits_allocated = 8, .frames = 1000}));
  ASSERT_TRUE(table.ok());
  std::string stored;
  AppendFrameTable(*table, &stored);
  EXPECT_LT(stored.size(), 8u);
}

TEST(StoredTableTest, RefusesDamagedBytes) {
  FrameTable table;
  for (const std::string_view bytes :
       {std::string_view("\x04\x01\x01\x01"), std::string_view("\x01\xFF\xFF\xFF\xFF\x0F\x01\x01"),
        std::string_view("\x00\x01\x05\x01", 4), std::string_view("\x00\x01\x01\x01\x01", 5)}) {
    ByteReader in(bytes);
    EXPECT_FALSE(ReadFrameTable(&in, &table));
  }
}

}  // namespace
}  // namespace hilum::dicom
