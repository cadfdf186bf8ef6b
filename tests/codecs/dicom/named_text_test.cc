#include "codecs/dicom/named_text.h"

#include <gtest/gtest.h>

namespace hilum::dicom {
namespace {

std::string Read(std::string_view charset, std::string_view text) {
  const auto read = ReadNamedText(charset, text, 1 << 20);
  return read.ok() ? *read : read.status().message();
}

TEST(NamedTextTest, TextIsUtf8WhateverItCameAs) {
  EXPECT_EQ(Read("utf-8", "Müller"), "Müller");
  EXPECT_EQ(Read("UTF-8", "\xEF\xBB\xBFMüller"), "Müller") << "without the byte order mark";
  EXPECT_EQ(Read("iso-8859-1", "M\xFCller"), "Müller");
  EXPECT_EQ(Read("windows-1252", "\x80"), "€");
  EXPECT_EQ(Read("Shift_JIS", "\x8E\x52"), "山");
  EXPECT_EQ(Read("utf-16le", std::string_view("M\0\xFC\0", 4)), "Mü");
  EXPECT_EQ(Read("us-ascii", ""), "");
  std::string latin, utf8;
  for (int i = 0; i < 20'000; ++i) latin += "\xE9", utf8 += "é";
  EXPECT_TRUE(Read("iso-8859-1", latin) == utf8);
}

TEST(NamedTextTest, WhatIsNoTextInItsCharacterSetIsRefused) {
  EXPECT_EQ(Read("utf-8", "M\xFCller"), "the bytes are no text in utf-8");
  EXPECT_EQ(Read("us-ascii", "M\xFCller"), "the bytes are no text in us-ascii");
  EXPECT_EQ(Read("utf-8", "\xED\xA0\x80"), "the bytes are no text in utf-8") << "half of a pair";
  EXPECT_EQ(Read("utf-8", "M\xC3"), "the bytes are no text in utf-8") << "it breaks off";
}

TEST(NamedTextTest, UnknownNamesAreRefused) {
  for (const char* const name : {"klingon", "", "../../etc/passwd", "utf-8,version=1"})
    EXPECT_EQ(Read(name, "a"), "the character set " + std::string(name) + " is not known");
  EXPECT_FALSE(ReadNamedText(std::string(1000, 'a'), "a", 10).ok());
}

TEST(NamedTextTest, TheResultIsBounded) {
  EXPECT_EQ(ReadNamedText("iso-8859-1", std::string(1000, '\xE9'), 1500).status().code(), Code::kLimit);
}

}  // namespace
}  // namespace hilum::dicom
