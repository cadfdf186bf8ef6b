#include <gtest/gtest.h>

#include "storage/index/index.h"

namespace hilum::storage {
namespace {

const std::string kKey(32, 's');

TEST(CursorTest, ReadsBackWhatWasEncoded) {
  for (const std::string& last_key : {std::string(), std::string("\0\xFF", 2), std::string(500, 'k')}) {
    const Cursor cursor{last_key, 4'000'000'000, 0x0123456789ABCDEF};
    const auto decoded = DecodeCursor(EncodeCursor(cursor, kKey), kKey);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->last_key, last_key);
    EXPECT_EQ(decoded->last_doc, cursor.last_doc);
    EXPECT_EQ(decoded->fingerprint, cursor.fingerprint);
  }
}

TEST(CursorTest, RefusesEveryChangedCharacter) {
  const std::string text = EncodeCursor({"key", 7, 9}, kKey);
  EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
  for (size_t i = 0; i < text.size(); ++i) {
    for (const char c : {'A', 'B', '_', '=', ' ', '\0'}) {
      std::string forged = text;
      if (forged[i] == c) continue;
      forged[i] = c;
      const auto decoded = DecodeCursor(forged, kKey);
      EXPECT_EQ(decoded.status().code(), Code::kInvalid) << i;
    }
    EXPECT_EQ(DecodeCursor(text.substr(0, i), kKey).status().code(), Code::kInvalid);
  }
  EXPECT_EQ(DecodeCursor(text + "A", kKey).status().code(), Code::kInvalid);
  EXPECT_EQ(DecodeCursor(text, std::string(32, 't')).status().code(), Code::kInvalid);
  EXPECT_EQ(DecodeCursor(std::string(1'000'000, 'A'), kKey).status().code(), Code::kInvalid);
}

}  // namespace
}  // namespace hilum::storage
