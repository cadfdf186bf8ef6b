// Bytes that mean harm, or merely broken: never a crash, bounded time, and the readers agree on what is acceptable.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "codecs/dicom/frames.h"
#include "codecs/dicom/json.h"
#include "tests/codecs/dicom/part10_builder.h"
#include "tests/codecs/dicom/sample_files.h"

namespace hilum::dicom {
namespace {

using namespace testing;  // NOLINT: the builder's names

constexpr Tag kRequests = tags::kRequestAttributesSequence;

// What all readers together say; they must agree.
Code ReadAll(Bytes file) {
  const AttributeSelection selection(
      {{tags::kPatientName}, {kRequests}, {kRequests, tags::kScheduledProcedureStepId}, {tags::kRows}});
  const auto header = ReadHeader(file, selection, {});
  std::string json;
  const Status status = AppendJson(file, {}, {}, &json);
  EXPECT_EQ(header.status().code(), status.code());
  EXPECT_EQ(json.empty(), !status.ok());
  if (!header.ok()) return status.code();
  const auto table = ReadFrameTable(file, *header);
  if (!table.ok()) return table.status().code();
  for (const FrameRange& range : table->ranges) EXPECT_LE(range.offset + range.length, file.size());
  return Code::kOk;
}

std::vector<std::string> Seeds() {
  const DataSet item = DataSet().Text(tags::kScheduledProcedureStepId, "SH", "A");
  DataSet extra;
  extra.Sequence(kRequests, {item, item})
      .Sequence({0x0040, 0x0555}, {DataSet().Sequence(kRequests, {item})}, DataSet::Lengths::kUndefined);
  extra.Header({0x0041, 0x1001}, "UN", kUndefined)
      .Raw(DataSet(kImplicitLittle).Header(tags::kItem, Vr(), 0).Header(tags::kSequenceDelimitation, Vr(), 0).bytes());
  DataSet implicit_extra(kImplicitLittle);
  implicit_extra.Sequence(kRequests, {DataSet(kImplicitLittle).Text(tags::kScheduledProcedureStepId, "SH", "A")},
                          DataSet::Lengths::kUndefined);
  return {Instance({.extra = extra.bytes()}), Instance({.encoding = kImplicitLittle, .extra = implicit_extra.bytes()}),
          Instance({.encoding = kExplicitBig}),
          Instance({.encoding = kJpegBaseline,
                    .frames = 2,
                    .fragments = {std::string("\0\0\0\0\x0C\0\0\0", 8), "abcd", "efgh"},
                    .extra = extra.bytes()})};
}

TEST(HostileTest, ReadsEveryPrefix) {
  for (const std::string& seed : Seeds()) {
    ASSERT_EQ(ReadAll(seed), Code::kOk);
    int refused = 0;
    for (size_t size = 0; size < seed.size(); ++size) {
      // A copy of its own, so that a sanitizer sees a read past the end.
      const std::vector<char> prefix(seed.begin(), seed.begin() + size);
      refused += ReadAll(Bytes(prefix.data(), prefix.size())) != Code::kOk;
    }
    EXPECT_GT(refused, static_cast<int>(seed.size() * 9 / 10));
  }
}

std::string Mutate(std::string bytes, std::mt19937_64& random) {
  constexpr std::string_view kPieces[] = {std::string_view("\xFF\xFF\xFF\xFF", 4),
                                          std::string_view("\xFE\xFF\x00\xE0", 4),
                                          std::string_view("\xFE\xFF\x0D\xE0\0\0\0\0", 8),
                                          std::string_view("\xFE\xFF\xDD\xE0\0\0\0\0", 8),
                                          "SQ",
                                          "UN",
                                          "OB",
                                          std::string_view("\x40\0\x75\x02SQ\0\0\xFF\xFF\xFF\xFF", 12),
                                          std::string_view("\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF", 12),
                                          std::string_view("\xFE\xFF\xFF\x7F", 4),
                                          "\x1B$B",
                                          std::string_view("\0\0\0\x80", 4)};
  for (int changes = 1 + random() % 4; changes > 0; --changes) {
    const size_t at = random() % bytes.size();
    const std::string_view piece = kPieces[random() % std::size(kPieces)];
    switch (random() % 4) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes.replace(at, std::min(piece.size(), bytes.size() - at), piece);
        break;
      case 2:
        bytes.insert(at, piece);
        break;
      default:
        bytes.erase(at, 1 + random() % 8);
    }
    if (bytes.empty()) bytes = "x";
  }
  return bytes;
}

TEST(HostileTest, ReadsRandomMutations) {
  const char* chosen = std::getenv("HILUM_SEED");
  const uint64_t seed = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : std::random_device()();
  std::printf("HILUM_SEED=%lu\n", static_cast<unsigned long>(seed));
  SCOPED_TRACE("HILUM_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const int rounds = std::getenv("HILUM_LONG_TESTS") != nullptr ? 200'000 : 2'000;
  int read = 0;
  for (const std::string& original : Seeds()) {
    for (int i = 0; i < rounds; ++i) read += ReadAll(Mutate(original, random)) == Code::kOk;
  }
  EXPECT_GT(read, 0) << "mutations that break everything test little";
}

TEST(HostileTest, ReadsMutationsOfRealFiles) {
  const auto files = SampleFiles("broken/");
  if (files.empty()) GTEST_SKIP() << "no sample files";
  std::mt19937_64 random(4711);
  for (const auto& path : files) {
    std::string file = ReadSample(path);
    file.resize(std::min<size_t>(file.size(), 20'000));
    for (int i = 0; i < 50; ++i) ReadAll(Mutate(file, random));
  }
}

void ExpectQuick(const std::string& file, Code expected) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(ReadAll(file), expected) << ReadHeader(file, AttributeSelection({}), {}).status().message();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(HostileTest, RefusesDeepNestingInAnyForm) {
  for (const Encoding& encoding : {kExplicitLittle, kImplicitLittle}) {
    DataSet undefined(encoding), defined(encoding), unknown(encoding), implicit(kImplicitLittle);
    for (int i = 0; i < 100'000; ++i) {
      undefined.Header(kRequests, "SQ", kUndefined).Header(tags::kItem, Vr(), kUndefined);
      defined.Header(kRequests, "SQ", (100'000 - i) * 20 - 12).Header(tags::kItem, Vr(), (100'000 - i) * 20 - 20);
      implicit.Header(tags::kItem, Vr(), kUndefined).Header({0x0009, 0x1001}, "UN", kUndefined);
    }
    unknown.Header({0x0009, 0x1001}, "UN", kUndefined).Raw(implicit.bytes());
    ExpectQuick(Part10(undefined), Code::kLimit);
    ExpectQuick(Part10(unknown), Code::kLimit);
    if (encoding.explicit_vr) ExpectQuick(Part10(defined), Code::kLimit);
  }
}

TEST(HostileTest, TakesLinearTimeForManyElements) {
  constexpr int kMany = 200'000;
  DataSet items, zeros, duplicates, descending;
  for (int i = 0; i < kMany; ++i) {
    items.Header(tags::kItem, Vr(), 0);
    zeros.Raw(std::string_view("\0\0\0\0UL\0\0", 8));
    duplicates.Text(tags::kModality, "CS", "CT");
    descending.Text({0x0009, static_cast<uint16_t>(0xFFFF - i % 60'000)}, "LO", "x");
  }
  ExpectQuick(Part10(DataSet()
                         .Header(kRequests, "SQ", kUndefined)
                         .Raw(items.bytes())
                         .Header(tags::kSequenceDelimitation, Vr(), 0)),
              Code::kNotFound);
  ExpectQuick(Part10(DataSet().Text(tags::kModality, "CS", "CT").Raw(zeros.bytes())), Code::kNotFound);
  ExpectQuick(Part10(duplicates), Code::kNotFound);
  ExpectQuick(Part10(descending), Code::kNotFound);
}

TEST(HostileTest, AllocatesNothingBecauseALengthSaysSo) {
  for (const uint32_t length : {0xFFFFFFFEu, 0x80000000u, 0x7FFFFFFFu}) {
    ExpectQuick(Part10(DataSet().Header({0x0009, 0x1001}, "OB", length)), Code::kInvalid);
    ExpectQuick(Part10(DataSet().Header({0x0008, 0x0119}, "UC", length)), Code::kInvalid);
    ExpectQuick(Part10(DataSet().Header(kRequests, "SQ", length)), Code::kInvalid);
    ExpectQuick(Part10(DataSet().Header(tags::kPixelData, "OB", kUndefined).Header(tags::kItem, Vr(), length)),
                Code::kInvalid);
    std::string meta = Instance();
    std::memcpy(&meta[152], &length, 4);  // the length of (0002,0001)
    ExpectQuick(meta, Code::kInvalid);
  }
}

TEST(HostileTest, KeepsBulkTablesThatLieFromHarm) {
  for (const uint16_t size : {0, 1, 46341, 65535}) {
    for (const uint16_t bits : {0, 1, 7, 8, 16, 65535}) {
      const Code code = ReadAll(
          Instance({.rows = size, .columns = size, .bits_allocated = bits, .frames = 0x7FFFFFFF, .pixels = "ab"}));
      EXPECT_TRUE(code == Code::kInvalid || code == Code::kLimit);
    }
  }
  DataSet tables(kJpegBaseline);
  tables.Numbers(tags::kExtendedOffsetTable, "UV", {0xFFFFFFFFFFFFFFF8, 0x7FFFFFFFFFFFFFFF})
      .Numbers(tags::kExtendedOffsetTableLengths, "UV", {~0ull, ~0ull});
  EXPECT_EQ(ReadAll(Instance(
                {.encoding = kJpegBaseline, .frames = 2, .fragments = {"", "a", "b", "c"}, .extra = tables.bytes()})),
            Code::kInvalid);
}

TEST(HostileTest, ReadsTheFilesThatBrokeOthers) {
  const auto files = SampleFiles("broken/");
  if (files.empty()) GTEST_SKIP() << "no sample files";
  for (const auto& path : files) {
    const bool deep = path.string().find("Deeply-Nested") != std::string::npos;
    const Code code = ReadAll(ReadSample(path));
    EXPECT_EQ(code == Code::kLimit, deep) << path;
    EXPECT_NE(code, Code::kInternal) << path;
  }
}

}  // namespace
}  // namespace hilum::dicom
