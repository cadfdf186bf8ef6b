#include "codecs/zip/writer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace hilum::zip {
namespace {

// What Python's reader, a foreign one, says of an archive: names, sizes and checksums are its own reading.
std::string Listing(const std::string& archive) {
  testing::TempDir directory;
  const std::string path = directory.path() + "/a.zip", listing = directory.path() + "/listing";
  std::ofstream(path, std::ios::binary) << archive;
  const std::string command =
      "python3 -c \"import zipfile,sys; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is "
      "None; [print(i.filename, i.file_size) for i in z.infolist()]\" '" +
      path + "' > '" + listing + "'";
  if (std::system(command.c_str()) != 0) return "(not readable)";
  std::ifstream file(listing);
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

TEST(ZipWriterTest, EntriesOfKnownAndUnknownSizeAreReadByOthers) {
  Writer writer;
  std::string archive = writer.BeginKnown("a/one.dcm", 3, Crc32("one")) + "one";
  archive += writer.BeginStreamed("a/two.dcm") + "two!";
  archive += writer.EndStreamed(4, Crc32("o!", Crc32("tw")));
  archive += writer.BeginKnown("ä/empty", 0, Crc32(""));
  archive += writer.End();
  EXPECT_EQ(Listing(archive), "a/one.dcm 3\na/two.dcm 4\nä/empty 0\n");
}

TEST(ZipWriterTest, AWrongChecksumIsSeenByOthers) {
  Writer writer;
  const std::string begin = writer.BeginKnown("one", 3, Crc32("one"));
  EXPECT_EQ(Listing(begin + "two" + writer.End()), "(not readable)");
}

TEST(ZipWriterTest, MoreEntriesThan16BitsCountAreReadByOthers) {
  Writer writer;
  std::string archive, expected;
  for (int i = 0; i < 66'000; ++i) {
    archive += writer.BeginKnown(std::to_string(i), 1, Crc32("x")) + "x";
    expected += std::to_string(i) + " 1\n";
  }
  EXPECT_TRUE(Listing(archive + writer.End()) == expected);
}

TEST(ZipWriterTest, SizesAndPlacesBeyond32BitsGoToZip64Fields) {
  constexpr uint64_t kLarge = uint64_t{5} << 30;
  Writer writer;
  const std::string large = writer.BeginKnown("large", kLarge, 7);
  ASSERT_EQ(large.size(), 30u + 5 + 20);
  EXPECT_EQ(LoadLe<uint32_t>(large.data() + 22), 0xFFFFFFFF);
  EXPECT_EQ(LoadLe<uint64_t>(large.data() + 39), kLarge);
  const std::string small = writer.BeginKnown("small", 1, 7);
  const std::string end = writer.End();
  // The directory entry of "large": 46 bytes, name, field with two sizes; then that of "small" with its place.
  EXPECT_EQ(LoadLe<uint64_t>(end.data() + 46 + 5 + 4), kLarge);
  EXPECT_EQ(LoadLe<uint64_t>(end.data() + (46 + 5 + 20) + 46 + 5 + 4), large.size() + kLarge);
  EXPECT_EQ(Writer::ArchiveLength(std::vector<Writer::EntrySize>{{"large", kLarge}, {"small", 1}}),
            large.size() + kLarge + small.size() + 1 + end.size());
}

TEST(ZipWriterTest, AnArchiveOfNothingIsOne) {
  EXPECT_EQ(Listing(Writer().End()), "");
}

}  // namespace
}  // namespace hilum::zip
