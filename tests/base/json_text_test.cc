#include "base/json_text.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace hilum {
namespace {

using namespace std::string_view_literals;

std::string JsonString(std::string_view text) {
  std::string json = "[";
  AppendJsonString(text, &json);
  EXPECT_EQ(json.front(), '[') << "what was there stays";
  return json.substr(1);
}

TEST(JsonText, QuotesTextAsItIs) {
  EXPECT_EQ(JsonString(""), "\"\"");
  EXPECT_EQ(JsonString("a/b \x7F"), "\"a/b \x7F\"");
  EXPECT_EQ(JsonString("é€😀"), "\"é€😀\"");
}

TEST(JsonText, EscapesWhatJsonDoesNotTake) {
  EXPECT_EQ(JsonString("\"\\"), R"("\"\\")");
  EXPECT_EQ(JsonString("a\nb\rc\td"), R"("a\nb\rc\td")");
  EXPECT_EQ(JsonString("\0\b\x1F"sv), R"("\u0000\u0008\u001f")");
  EXPECT_EQ(JsonString("é\"ü"), R"("é\"ü")");
}

TEST(JsonText, BytesThatAreNoUtf8AreReplacedOneByOne) {
  EXPECT_EQ(JsonString("é\xFFz\xED\xA0\x80"), "\"é\uFFFDz\uFFFD\uFFFD\uFFFD\"");  // a surrogate
  EXPECT_EQ(JsonString("\xC3"), "\"\uFFFD\"");
  EXPECT_EQ(JsonString("\xF0\x9F\x98\""), "\"\uFFFD\uFFFD\uFFFD\\\"\"");  // broken off by a quote
  EXPECT_EQ(JsonString("\xC0\x80"), "\"\uFFFD\uFFFD\"");                  // overlong
}

TEST(Utf8Test, WritesEveryLengthSoThatItIsRead) {
  for (const char32_t code :
       {U'\x01', U'\x7F', U'\x80', U'\u07FF', U'\u0800', U'\uFFFD', U'\U00010000', U'\U0010FFFF'}) {
    std::string text;
    AppendUtf8(code, &text);
    EXPECT_EQ(Utf8SequenceLength(text), text.size()) << static_cast<uint32_t>(code);
    EXPECT_TRUE(IsUtf8(text));
    text.pop_back();
    EXPECT_EQ(IsUtf8(text), text.empty()) << static_cast<uint32_t>(code);
  }
  std::string emoji;
  AppendUtf8(U'😀', &emoji);
  EXPECT_EQ(emoji, "😀");
}

}  // namespace
}  // namespace hilum
