#include "base/mac.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace hilum {
namespace {

TEST(MacTest, IsTheBeginningOfHmacSha256) {
  // RFC 4231 4.3
  std::string hex;
  AppendHex(BytesOf(MacOf("Jefe", "what do ya want for nothing?")), &hex);
  EXPECT_EQ(hex, "5bdcc146bf60754e6a042426089575c7");
}

TEST(MacTest, AnotherKeyOrMessageGivesAnother) {
  const Mac mac = MacOf("key", "message");
  EXPECT_TRUE(Equal(mac, BytesOf(MacOf("key", "message"))));
  EXPECT_FALSE(Equal(mac, BytesOf(MacOf("kez", "message"))));
  EXPECT_FALSE(Equal(mac, BytesOf(MacOf("key", "messagf"))));
  EXPECT_FALSE(Equal(mac, BytesOf(mac).substr(1)));
  EXPECT_FALSE(Equal(mac, ""));
}

TEST(HexTest, HasTwoDigitsForEachByte) {
  std::string text = "x";
  AppendHex(Bytes("\x00\x0F\xA5\xFF", 4), &text);
  EXPECT_EQ(text, "x000fa5ff");
}

TEST(HexTest, PercentEncodingIsUpperCase) {
  std::string text;
  AppendPercentEncoded('\xC3', &text);
  AppendPercentEncoded('\n', &text);
  EXPECT_EQ(text, "%C3%0A");
}

}  // namespace
}  // namespace hilum
