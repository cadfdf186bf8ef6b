#include "codecs/dicom/writer.h"

#include <gtest/gtest.h>

namespace hilum::dicom {
namespace {

constexpr Tag kTag{0x0011, 0x2233};

// Without the tag.
std::string Written(Vr vr, Bytes value, bool explicit_vr = true) {
  std::string out;
  DataSetWriter(explicit_vr, &out).Add(kTag, vr, value);
  return out.substr(4);
}

TEST(DataSetWriterTest, PadsTextWithASpaceAndAllElseWithAZero) {
  EXPECT_EQ(Written(Vr("CS"), "odd"), Bytes("CS\4\0odd ", 8));
  EXPECT_EQ(Written(Vr("UI"), "1.2"), Bytes("UI\4\0001.2\0", 8));
  EXPECT_EQ(Written(Vr("US"), "odd"), Bytes("US\4\0odd\0", 8));
  EXPECT_EQ(Written(Vr("OB"), "odd"), Bytes("OB\0\0\4\0\0\0odd\0", 12));
  EXPECT_EQ(Written(Vr("CS"), "even", /*explicit_vr=*/false), Bytes("\4\0\0\0even", 8));
}

TEST(DataSetWriterTest, WritesAsUnknownWhatItsVrHasNoLengthFor) {
  const std::string longest(0xFFFE, 'x'), longer(0xFFFF, 'x');
  EXPECT_TRUE(Written(Vr("LT"), longest).starts_with(Bytes("LT\xFE\xFF", 4)));
  EXPECT_TRUE(Written(Vr("LT"), longer).starts_with(Bytes("UN\0\0\0\0\1\0x", 9)));
}

TEST(DataSetWriterTest, TurnsTheNumbersOfBigEndianElements) {
  const Element element{kTag, Vr("US"), /*big_endian=*/true, 0, 0, 4, Bytes("\1\2\3\4", 4), /*reversed=*/2};
  std::string out;
  DataSetWriter(&out).Add(element);
  EXPECT_EQ(out, Bytes("\x11\0\x33\x22US\4\0\2\1\4\3", 12));
}

}  // namespace
}  // namespace hilum::dicom
