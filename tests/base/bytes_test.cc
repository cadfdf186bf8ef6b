#include "base/bytes.h"

#include <gtest/gtest.h>

#include <limits>

namespace hilum {
namespace {

TEST(Bytes, FixedWidthsRoundTripInBothOrders) {
  std::string out;
  AppendLe<uint32_t>(&out, 0x01020304);
  AppendBe<uint32_t>(&out, 0x01020304);
  EXPECT_EQ(out, std::string("\x04\x03\x02\x01\x01\x02\x03\x04"));
  ByteReader reader(out);
  uint32_t little = 0, big = 0;
  ASSERT_TRUE(reader.ReadLe(&little));
  ASSERT_TRUE(reader.ReadBe(&big));
  EXPECT_EQ(little, 0x01020304u);
  EXPECT_EQ(big, 0x01020304u);
  EXPECT_TRUE(reader.empty());
}

TEST(Bytes, BigEndianOrderIsNumericOrder) {
  const uint64_t numbers[] = {0, 1, 255, 256, 65535, 65536, uint64_t{1} << 40, std::numeric_limits<uint64_t>::max()};
  std::string previous;
  for (const uint64_t number : numbers) {
    std::string key;
    AppendBe(&key, number);
    EXPECT_LT(previous, key) << number;
    previous = key;
  }
}

TEST(Bytes, VarintsRoundTrip) {
  for (int shift = 0; shift < 64; ++shift) {
    for (const int delta : {-1, 0, 1}) {
      const uint64_t value = (uint64_t{1} << shift) + static_cast<uint64_t>(delta);
      std::string out;
      AppendVarint(&out, value);
      EXPECT_LE(out.size(), 10u);
      uint64_t back = 0;
      ByteReader reader(out);
      ASSERT_TRUE(reader.ReadVarint(&back)) << value;
      EXPECT_EQ(back, value);
      EXPECT_TRUE(reader.empty());
    }
  }
}

TEST(Bytes, VarintsThatEndEarlyOrOverflowAreRefused) {
  uint64_t value = 7;
  EXPECT_FALSE(ByteReader("").ReadVarint(&value));
  EXPECT_FALSE(ByteReader("\x80").ReadVarint(&value));
  EXPECT_FALSE(ByteReader("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02").ReadVarint(&value));
  EXPECT_FALSE(ByteReader("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01").ReadVarint(&value));
  EXPECT_EQ(value, 7u);
}

TEST(Bytes, SizedBytesRoundTripAndNeverPassTheEnd) {
  std::string out;
  AppendSized(&out, "");
  AppendSized(&out, std::string(300, 'x'));
  for (size_t cut = 0; cut < out.size(); ++cut) {
    ByteReader reader(Bytes(out).substr(0, cut));
    Bytes first, second;
    EXPECT_FALSE(reader.ReadSized(&first) && reader.ReadSized(&second)) << cut;
  }
  ByteReader reader(out);
  Bytes first, second;
  ASSERT_TRUE(reader.ReadSized(&first) && reader.ReadSized(&second));
  EXPECT_EQ(first, "");
  EXPECT_EQ(second.size(), 300u);
}

TEST(Bytes, ALengthBeyondAnyMemoryIsRefused) {
  std::string out;
  AppendVarint(&out, std::numeric_limits<uint64_t>::max());
  out.append("abc");
  Bytes view;
  EXPECT_FALSE(ByteReader(out).ReadSized(&view));
}

}  // namespace
}  // namespace hilum
